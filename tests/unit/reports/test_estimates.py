"""Medians over trials: known intervals, measured coverage, censored values, and p-values that agree with the intervals."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from reports.analysis.estimates import Estimate, Observation, Unmeasured, estimate, median_p_values

EXPERIMENTS = 400


def _exact(values: list[float]) -> list[Observation]:
    return [Observation.exact(value) for value in values]


def _estimate(values: list[float], *, interpolated: bool = True) -> Estimate:
    found = estimate(_exact(values), interpolated=interpolated)
    assert isinstance(found, Estimate)
    return found


def test_five_trials_give_their_median_and_their_range() -> None:
    """With five trials the interval reaches from the smallest to the largest."""
    assert _estimate([7.0, 1.0, 3.0, 9.0, 4.0]) == Estimate(value=4.0, low=1.0, high=9.0, trials=5)


@pytest.mark.parametrize(
    ("trials", "low"),
    [(6, 1 + 5 / 14), (7, 1 + 11 / 15), (8, 1.935644), (9, 2.227907), (10, 2.657658), (20, 6.235234)],
)
def test_the_interpolated_ends_are_those_of_the_formula(trials: int, low: float) -> None:
    """Of the trials 1, 2, 3, ... the lower end lies between the bracketing ranks where Hettmansperger & Sheather put it."""
    found = _estimate([float(value) for value in range(1, trials + 1)])
    assert found.low == pytest.approx(low, abs=1e-6)
    assert found.high == pytest.approx(trials + 1 - low, abs=1e-6)


def test_whole_order_statistics_hold_the_median_of_any_distribution() -> None:
    """Without interpolation both ends are trials' values, and the confidence is at least the nominal one: of 6 to 8 trials the range."""
    for trials, outside in ((6, 0), (8, 0), (9, 1), (20, 5)):
        found = _estimate([float(value) for value in range(trials)], interpolated=False)
        assert (found.low, found.high) == (outside, trials - 1 - outside)
        assert 1 - 2 * stats.binom.cdf(outside, trials, 0.5) >= 0.95


def test_with_more_trials_the_extremes_lose_their_say() -> None:
    """With twenty trials one outlier neither moves the median nor ends the interval."""
    found = _estimate([*map(float, range(19)), 1000.0])
    assert found.value == 9.5
    assert found.low > 0
    assert found.high < 18


def test_one_trial_is_its_own_range() -> None:
    """It covers nothing, and says so."""
    found = _estimate([3.0])
    assert found == Estimate(3.0, 3.0, 3.0, trials=1)
    assert (found.has_interval, found.confidence) == (False, 0.0)


@pytest.mark.parametrize(("trials", "confidence"), [(2, 0.5), (3, 0.75), (4, 0.875), (5, 0.9375), (6, 0.95), (50, 0.95)])
def test_an_estimate_knows_what_its_interval_covers(trials: int, confidence: float) -> None:
    """Below five trials low and high are a range, which no label of 95 % is for."""
    found = _estimate([float(value) for value in range(trials)])
    assert found.confidence == pytest.approx(confidence)
    assert found.has_interval is (trials >= 5)


def test_no_trial_is_unmeasured() -> None:
    """An absent number is a reason, never a zero."""
    assert estimate([]) == Unmeasured("no valid trial")
    with pytest.raises(ValueError, match="needs a trial"):
        median_p_values([], 1.0)


@pytest.mark.parametrize("trials", [5, 7, 10, 20])
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
    # Three standard errors of a coverage of 93.75 % in as many experiments.
    assert covered >= 0.9375 - 3 * math.sqrt(0.9375 * 0.0625 / EXPERIMENTS)


def test_more_trials_never_widen_the_interval_on_average() -> None:
    """From five trials on, the mean width for normal trials falls with every further trial."""
    samples = np.random.default_rng(5).normal(0, 1, (2000, 12))
    widths = []
    for trials in range(5, 13):
        found = [_estimate(sample) for sample in samples[:, :trials].tolist()]
        widths.append(float(np.mean([one.high - one.low for one in found])))
    assert widths == sorted(widths, reverse=True)


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
    found = estimate([*_exact([1.0, 2.0, 2.0, 3.0]), Observation.above(20.0)])
    assert found == Estimate(value=2.0, low=1.0, high=math.inf, trials=5)


def test_a_censored_median_is_a_lower_bound() -> None:
    """When most trials never recovered the median is only known to be larger."""
    found = estimate([Observation.exact(1.0), Observation.above(20.0), Observation.above(20.0)])
    assert isinstance(found, Estimate)
    assert (found.value, found.is_lower_bound) == (20.0, True)


@pytest.mark.parametrize(
    ("values", "low", "high"),
    [
        ([1.0, 2.0, 3.0, 4.0, 5.0, 6.0, math.inf], 1 + 11 / 15, math.inf),
        ([1.0, *[math.inf] * 6], math.inf, math.inf),
        ([math.inf] * 7, math.inf, math.inf),
        ([0.0] * 7, 0.0, 0.0),
        ([0.1] * 9, 0.1, 0.1),
    ],
)
def test_infinite_and_equal_trials_have_ends(values: list[float], low: float, high: float) -> None:
    """An infinite value is the limit of a large one; equal ones are their own ends to the last digit."""
    found = _estimate(values)
    assert found.low == pytest.approx(low)
    assert found.high == high
    assert not math.isnan(found.value)


_NUMBERS = st.floats(0, 1e6) | st.sampled_from([0.0, 1.0, math.inf])
_OBSERVATIONS = st.builds(Observation.exact, _NUMBERS) | st.builds(Observation.above, st.floats(0, 1e6))


@given(st.lists(st.tuples(_OBSERVATIONS, st.floats(0, 1e6)), min_size=1, max_size=24))
def test_every_end_is_monotone_in_every_trial(pairs: list[tuple[Observation, float]]) -> None:
    """Trials that are larger, or only known to be, never lower an end; low, value and high are in order."""
    smaller = estimate([one for one, _ in pairs])
    larger = estimate([Observation(one.low + more, one.high + more) for one, more in pairs])
    assert isinstance(smaller, Estimate)
    assert isinstance(larger, Estimate)
    slack = 1e-6
    assert smaller.low <= larger.low + slack
    assert smaller.high <= larger.high + slack
    assert smaller.low <= smaller.value + slack
    assert smaller.value <= smaller.high + slack


@given(st.lists(_OBSERVATIONS, min_size=1, max_size=24).flatmap(lambda one: st.tuples(st.just(one), st.permutations(one))))
def test_the_same_trials_give_the_same_interval_in_any_order(both: tuple[list[Observation], list[Observation]]) -> None:
    """Neither chance nor order has a say in the bytes of a page."""
    assert estimate(both[0]) == estimate(both[1])


@pytest.mark.parametrize("interpolated", [True, False])
@pytest.mark.parametrize("trials", [2, 4, 5, 6, 7, 8, 10, 13, 20])
def test_an_interval_leaves_a_bound_out_exactly_where_the_p_value_is_small(trials: int, interpolated: bool) -> None:  # noqa: FBT001
    """On every side, with ties and with censored trials: the place of the interval and the p-value are one statement."""
    rng = np.random.default_rng(trials)
    for _ in range(100):
        values = rng.normal(2, 1, trials).round(int(rng.integers(0, 4)))
        observations = [Observation.above(value) if rng.random() < 0.1 else Observation.exact(value) for value in values.tolist()]
        found = estimate(observations, interpolated=interpolated)
        assert isinstance(found, Estimate)
        level = (1 - found.confidence) / 2
        for bound in [*values.tolist(), *rng.normal(2, 1, 20).tolist()]:
            p_values = median_p_values(observations, bound, interpolated=interpolated)
            assert (found.low > bound) == (p_values.above <= level)
            assert (found.low >= bound) == (p_values.at_least <= level)
            assert (found.high < bound) == (p_values.below <= level)
            assert (found.high <= bound) == (p_values.at_most <= level)
            assert (found.low > bound or found.high < bound) == (p_values.two_sided <= 2 * level)


@pytest.mark.parametrize(
    ("values", "bound", "expected"),
    [([1, 2, 3, 4, 5], 0.5, 1 / 32), ([1, 2, 3, 4, 5], 1.5, 6 / 32), ([1, 2, 3, 4, 5, 6, 7], 0.5, 1 / 128), ([1] * 10, 0, 1 / 1024)],
)
def test_outside_of_the_trials_the_p_value_is_the_sign_tests(values: list[float], bound: float, expected: float) -> None:
    """All n above: 1/2**n; with five trials the sign test everywhere."""
    assert median_p_values(_exact(values), bound).above == pytest.approx(expected)


def test_trials_that_equal_the_bound_count_against_a_strict_claim_and_for_an_inclusive_one() -> None:
    """Ten trials without a failure speak for "at most 0" and in no way for "below 0" or "above 0"."""
    p_values = median_p_values(_exact([0.0] * 10), 0.0)
    assert p_values.at_most == p_values.at_least == pytest.approx(1 / 1024)
    assert (p_values.above, p_values.below, p_values.two_sided) == (1.0, 1.0, 1.0)


def test_a_censored_trial_speaks_for_neither_side_of_what_lies_beyond_it() -> None:
    """Trials that are only known to be above 20 say nothing of 30."""
    p_values = median_p_values([Observation.above(20.0)] * 7, 30.0)
    assert (p_values.above, p_values.below) == (1.0, 1.0)
    assert median_p_values([Observation.above(20.0)] * 7, 10.0).above == pytest.approx(1 / 128)
