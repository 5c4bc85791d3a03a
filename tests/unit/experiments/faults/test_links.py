"""How often an exchange is repeated before its time counts."""

from __future__ import annotations

import pytest

from experiments.faults.links import ATTEMPTS, ENOUGH_S, fastest


@pytest.mark.parametrize(
    ("times_s", "measured", "least_s"),
    [
        ([0.02, 0.01, 0.05, 0.03, 0.04], ATTEMPTS, 0.01),
        ([0.3, 0.2, ENOUGH_S / 2, 0.1], 3, 0.2),
        ([2 * ENOUGH_S, 0.1], 1, 2 * ENOUGH_S),
    ],
    ids=["quick", "slow", "very slow"],
)
def test_what_is_slow_is_not_measured_again_and_again(times_s: list[float], measured: int, least_s: float) -> None:
    """Up to so many times, or until they have taken long enough together; the least counts."""
    left = iter(times_s)
    assert fastest(lambda: next(left)) == least_s
    assert len(list(left)) == len(times_s) - measured
