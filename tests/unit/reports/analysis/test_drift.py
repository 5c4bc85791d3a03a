"""The trend test and the level-shift test, on batches with known answers."""

from __future__ import annotations

import math

import numpy as np
import pytest

from reports.analysis.drift import BATCHES, FLOOR, MIN_REQUESTS, SIGNIFICANCE, batch_medians, drift
from tests.unit.reports.analysis.autoregression import autoregression

NOISE = 0.05
PART = np.arange(BATCHES) / (BATCHES - 1)


def _noise(seed: int, trials: int = 1) -> np.ndarray[tuple[int, int], np.dtype[np.float64]]:
    return np.random.default_rng(seed).normal(0, NOISE, (trials, BATCHES))


def test_batches_are_medians_in_the_order_of_time() -> None:
    """An outlier in each batch moves none of them."""
    values = np.repeat(np.arange(BATCHES, dtype=np.float64), 5)
    values[::5] = 1e9
    assert batch_medians(values).tolist() == list(range(BATCHES))


def test_too_few_values_make_no_batches() -> None:
    """The caller has to say that it can't be told."""
    with pytest.raises(ValueError, match=f"{MIN_REQUESTS - 1} values are fewer"):
        batch_medians(np.zeros(MIN_REQUESTS - 1))


def test_a_trend_is_found_with_its_size() -> None:
    """A rise by half over the whole phase, which has no split."""
    found = drift(_noise(1) + math.log(1.5) * PART)
    assert found.is_found
    assert found.split is None
    assert found.change == pytest.approx(0.5, abs=0.06)


@pytest.mark.parametrize("split", [6, 20, 34])
@pytest.mark.parametrize("factor", [0.7, 1.4])
def test_a_level_shift_is_found_with_its_size_and_its_place(split: int, factor: float) -> None:
    """Whether it comes early or late, up or down."""
    found = drift(_noise(2) + math.log(factor) * (np.arange(BATCHES) >= split))
    assert found.is_found
    assert found.split == pytest.approx(split, abs=1)
    assert found.change == pytest.approx(factor - 1, abs=0.06)


@pytest.mark.parametrize("shape", ["trend", "shift"])
def test_a_change_below_the_floor_does_not_count_however_significant_it_is(shape: str) -> None:
    """With little noise even a change by a tenth is certain; it isn't worth a veto."""
    planted = PART if shape == "trend" else (PART > 0.5).astype(np.float64)
    found = drift(0.1 * _noise(3) + math.log(1.1) * planted)
    assert found.is_significant
    assert not found.is_large
    assert not found.is_found
    assert math.log1p(found.change) < FLOOR


def test_equal_batches_do_not_change() -> None:
    """Without any noise there is nothing to divide by."""
    found = drift(np.ones((1, BATCHES)))
    assert (found.change, found.is_significant) == (0, False)
    assert found.noticeable == pytest.approx(0)


def test_a_growth_without_noise_is_found() -> None:
    """Its bend remains around the two lines, and must not be taken for an autocorrelation that explains everything."""
    found = drift(np.log(10 + 1990 * PART)[np.newaxis])
    assert found.is_found
    assert found.change > 1


def test_trials_together_show_what_each_alone_does_not() -> None:
    """A rise by 40 % amid noise that hides it in a single trial."""
    levels = _noise(4, trials=8) * 6 + math.log(1.4) * PART
    assert sum(drift(row[np.newaxis]).is_significant for row in levels) <= 2
    together = drift(levels)
    assert together.is_found
    assert together.change == pytest.approx(0.4, abs=0.2)


def test_more_trials_notice_smaller_changes() -> None:
    """By the root of their number, as long as changes are small."""
    one, sixteen = (drift(_noise(5, trials)).noticeable for trials in (1, 16))
    assert one / sixteen == pytest.approx(4, rel=0.4)


@pytest.mark.parametrize("coefficient", [0.0, 0.3, 0.6])
def test_noise_is_rarely_significant_autocorrelated_or_not(coefficient: float) -> None:
    """Without the correction a coefficient of 0.6 makes a quarter of such trials significant."""
    rng = np.random.default_rng(6)
    found = [drift(autoregression(rng, coefficient, BATCHES)[np.newaxis]).is_significant for _ in range(300)]
    assert np.mean(found) < 2 * SIGNIFICANCE + 0.03
