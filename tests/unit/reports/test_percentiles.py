"""Percentiles of one sample, and when they may be printed."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from reports.analysis.percentiles import PERCENTILES_PER_MILLE, is_supported, label, percentile


@pytest.mark.parametrize(("per_mille", "expected"), [(0, 1), (500, 50), (950, 95), (990, 99), (999, 100), (1000, 100)])
def test_a_percentile_is_the_smallest_value_that_enough_values_do_not_exceed(per_mille: int, expected: int) -> None:
    """Of 1 to 100, p50 is 50 and p99 is 99."""
    assert percentile(np.random.default_rng(1).permutation(np.arange(1.0, 101.0)), per_mille) == expected


@given(st.lists(st.floats(-1e6, 1e6), min_size=1, max_size=300), st.sampled_from([1, 10, 250, *PERCENTILES_PER_MILLE]))
def test_percentiles_agree_with_numpy(values: list[float], per_mille: int) -> None:
    """They are numpy's inverted_cdf, computed exactly where numpy's product of rank and share is rounded."""
    ours = percentile(np.array(values), per_mille)
    near = [np.quantile(values, per_mille / 1000 + nudge, method="inverted_cdf") for nudge in (-1e-12, 0, 1e-12)]
    assert ours in near


def test_failures_as_infinity_move_percentiles_up() -> None:
    """When 2 % of requests failed, p99 is infinite and p95 is not."""
    sample = np.concatenate([np.full(980, 5.0), np.full(20, np.inf)])
    assert percentile(sample, 990) == np.inf
    assert percentile(sample, 950) == 5.0


def test_nothing_has_no_percentile() -> None:
    """An empty sample is an error, not a number."""
    with pytest.raises(ValueError, match="nothing"):
        percentile(np.array([]), 500)


@pytest.mark.parametrize(
    ("count", "per_mille", "expected"), [(999, 990, False), (1000, 990, True), (9_999, 999, False), (10_000, 999, True), (20, 500, True)]
)
def test_a_percentile_needs_ten_requests_beyond_it(count: int, per_mille: int, *, expected: bool) -> None:
    """The p99 of 999 requests is not printed."""
    assert is_supported(count, per_mille) is expected


def test_percentiles_are_called_as_people_call_them() -> None:
    """99.9 keeps its digit, 99 has none."""
    assert [label(per_mille) for per_mille in PERCENTILES_PER_MILLE] == ["p50", "p95", "p99", "p99.9"]
