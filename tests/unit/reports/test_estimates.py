"""Estimates over trials: known intervals, measured coverage, censored values."""

from __future__ import annotations

import math

import numpy as np
import pytest

from reports.analysis.estimates import Estimate, Observation, Unmeasured, estimate, medians, t_quantile

EXPERIMENTS = 400


def _estimate(values: list[float]) -> Estimate:
    found = estimate([Observation.exact(value) for value in values])
    assert isinstance(found, Estimate)
    return found


def test_five_trials_give_their_median_and_their_range() -> None:
    """With five trials the interval reaches from the smallest to the largest."""
    assert _estimate([7.0, 1.0, 3.0, 9.0, 4.0]) == Estimate(value=4.0, low=1.0, high=9.0, trials=5)


def test_with_more_trials_the_extremes_lose_their_say() -> None:
    """With twenty trials one outlier neither moves the median nor ends the interval."""
    found = _estimate([*map(float, range(19)), 1000.0])
    assert found.value == 9.5
    assert found.low > 0
    assert found.high < 18


def test_one_trial_is_its_own_interval() -> None:
    """There is nothing to resample; verdicts and pages know that it has no interval."""
    assert _estimate([3.0]) == Estimate(3.0, 3.0, 3.0, trials=1)


def test_no_trial_is_unmeasured() -> None:
    """An absent number is a reason, never a zero."""
    assert estimate([]) == Unmeasured("no valid trial")


@pytest.mark.parametrize("size", [1, 2, 5, 8])
def test_medians_of_rows_are_those_of_numpy(size: int) -> None:
    """For odd and even numbers of values, infinite ones too."""
    samples = np.random.default_rng(3).normal(0, 1, (200, size))
    samples[::3, 0] = math.inf
    assert medians(samples).tolist() == np.median(samples, axis=1).tolist()


@pytest.mark.parametrize("trials", [5, 7, 9])
@pytest.mark.parametrize("shape", ["normal", "skewed", "contaminated"])
def test_the_interval_covers_the_median_about_as_often_as_it_says(trials: int, shape: str) -> None:
    """In simulated experiments at least 92 % of intervals hold the true median: 93.75 % is exact at five, the rest is for chance."""
    rng = np.random.default_rng(12)
    size = (EXPERIMENTS, trials)
    samples = {
        "normal": rng.normal(0, 1, size),
        "skewed": rng.lognormal(0, 1, size) - 1,
        "contaminated": rng.normal(0, 1, size) + (rng.random(size) < 0.1) * rng.choice([-8, 8], size),
    }[shape]
    found = [_estimate(sample) for sample in samples.tolist()]
    covered = sum(one.low <= 0 <= one.high for one in found) / EXPERIMENTS
    # Three standard errors of a coverage of 93.75 % in so many experiments.
    assert covered >= 0.9375 - 3 * math.sqrt(0.9375 * 0.0625 / EXPERIMENTS)


def test_the_plain_percentile_bootstrap_of_the_mean_would_be_too_narrow() -> None:
    """At five trials it covers under 88 %: why the interval is what it is."""
    rng = np.random.default_rng(4)
    covered = 0
    for _ in range(EXPERIMENTS):
        values = rng.normal(0, 1, 5)
        means = values[rng.integers(0, 5, (1000, 5))].mean(axis=1)
        covered += np.quantile(means, 0.025) <= 0 <= np.quantile(means, 0.975)
    assert covered / EXPERIMENTS < 0.88


def test_a_censored_trial_opens_the_interval_upwards_only() -> None:
    """One of five that never recovered leaves the median known and the upper end open."""
    found = estimate([*(Observation.exact(value) for value in (1.0, 2.0, 2.0, 3.0)), Observation.above(20.0)])
    assert found == Estimate(value=2.0, low=1.0, high=math.inf, trials=5)


def test_a_censored_median_is_a_lower_bound() -> None:
    """When most trials never recovered the median is only known to be larger."""
    found = estimate([Observation.exact(1.0), Observation.above(20.0), Observation.above(20.0)])
    assert isinstance(found, Estimate)
    assert (found.value, found.is_lower_bound) == (20.0, True)


def test_the_same_trials_give_the_same_interval_in_any_order() -> None:
    """Neither chance nor order has a say in the bytes of a page, up to where resamples are enumerated."""
    values = [3.0, 1.0, 4.0, 1.5, 9.0, 2.6]
    assert _estimate(values) == _estimate(sorted(values))
    many = [float(value) for value in range(15)]
    assert _estimate(many) == _estimate(many)


@pytest.mark.parametrize(
    ("degrees", "expected"), [(1, 12.7062), (2, 4.3027), (3, 3.1824), (4, 2.7764), (5, 2.5706), (9, 2.2622), (30, 2.0423), (120, 1.9799)]
)
def test_quantiles_of_students_t_are_those_of_the_tables(degrees: int, expected: float) -> None:
    """The 97.5 % quantile agrees with printed tables in every digit they have."""
    assert t_quantile(0.975, degrees) == pytest.approx(expected, abs=6e-5)
