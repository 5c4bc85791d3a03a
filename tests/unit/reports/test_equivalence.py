"""The comparison of response times within a band, on samples whose answer is known."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy.stats import binom

from reports.analysis.equivalence import CELLS, SHOWN_WITHIN, Compared, Rows, compare, rows

BAND = 1.5
TYPICAL_MS = 5.0


def _row(response_ms: NDArray[np.float64]) -> Rows:
    return rows(np.zeros(response_ms.size, dtype=np.intp), response_ms, 1)


def _compared(own_ms: NDArray[np.float64], reference_ms: NDArray[np.float64]) -> Compared:
    return compare(_row(own_ms), _row(BAND * reference_ms))


def _sample(count: int, *, times: float = 1.0, seed: int = 1, slow_share: float = 0.0) -> NDArray[np.float64]:
    rng = np.random.default_rng(seed)
    response_ms = times * TYPICAL_MS * rng.lognormal(0, 0.4, count)
    return np.where(rng.random(count) < slow_share, 10 * response_ms, response_ms)


@pytest.mark.parametrize(
    ("own_ms", "is_within", "is_beyond"),
    [
        pytest.param(_sample(2000), True, False, id="as fast"),
        pytest.param(_sample(2000, times=0.2), True, False, id="faster"),
        pytest.param(_sample(2000, times=1.3), True, False, id="slower within the band"),
        pytest.param(_sample(2000, times=1.8), False, True, id="slower beyond the band"),
        pytest.param(_sample(2000, slow_share=0.01), True, False, id="a hundredth much slower"),
        pytest.param(_sample(2000, slow_share=0.1), False, True, id="a tenth much slower"),
        pytest.param(np.where(np.arange(2000) % 10 == 0, np.inf, _sample(2000)), False, True, id="a tenth failed"),
        pytest.param(_sample(8), False, False, id="as fast, of too few to tell"),
        pytest.param(_sample(8, times=1.8), False, False, id="slower, of too few to tell"),
        pytest.param(np.array([]), False, False, id="none"),
    ],
)
def test_samples_are_within_the_band_beyond_it_or_neither(own_ms: NDArray[np.float64], is_within: bool, is_beyond: bool) -> None:  # noqa: FBT001
    """Against 2,000 requests of the same distribution."""
    found = _compared(own_ms, _sample(2000, seed=2))
    assert (bool(found.is_within[0]), bool(found.is_beyond[0])) == (is_within, is_beyond)
    assert found.is_likely_within[0] or not is_within


def test_nothing_to_compare_with_shows_nothing() -> None:
    """A reference without requests is no reason to call service good or bad."""
    found = _compared(_sample(100), np.array([]))
    assert not found.is_within[0]
    assert not found.is_beyond[0]


def test_the_probability_is_that_of_a_fair_coin() -> None:
    """All 20 of one set are faster than all 20 of the other, so none of the two slowest is of the first, as two coins fall in a quarter."""
    found = _compared(np.full(20, 5.0), np.full(20, 5.0))
    assert found.fewer[0] == pytest.approx(binom.cdf(0, 2, 0.5))
    assert found.more[0] == 1


def test_equally_slow_requests_are_shared_out() -> None:
    """A tail that a fifteenth of the requests make is seen, though all others have one response time and can't be told apart."""
    own_ms = np.full(1500, 5.0)
    assert _compared(own_ms, np.full(1500, 5.0)).is_within[0]
    own_ms[::15] = 50.0
    assert not _compared(own_ms, np.full(1500, 5.0)).is_within[0]


def test_a_slowdown_by_the_band_is_seldom_taken_for_less() -> None:
    """The chance is at most SHOWN_WITHIN; a share five standard deviations above it would be a defect."""
    samples = 400
    seeds = np.arange(2 * samples).reshape(samples, 2)
    found = [_compared(_sample(200, times=BAND, seed=own), _sample(200, seed=other)).is_within[0] for own, other in seeds.tolist()]
    assert np.mean(found) < SHOWN_WITHIN + 5 * np.sqrt(SHOWN_WITHIN * (1 - SHOWN_WITHIN) / samples)


def test_rows_hold_every_request_once() -> None:
    """Failures have the last cell, and times beyond the scale the ones at its ends."""
    found = rows(np.array([0, 0, 1, 1], dtype=np.intp), np.array([0.0, 5.0, 1e9, np.inf]), 3)
    assert found.sum(axis=1).tolist() == [2, 2, 0]
    assert (found[0, 0], found[1, CELLS - 1]) == (1, 1)
    assert found[1, CELLS // 2 : CELLS - 1].sum() == 1
