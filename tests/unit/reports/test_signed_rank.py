"""The signed-rank estimate against printed tables, a textbook's example and scipy's test."""

from __future__ import annotations

import math

import numpy as np
import pytest
from scipy import stats

from reports.analysis.signed_rank import WalshAverages, null_tails

DEPRESSION = [0.952, -0.147, 1.022, 0.430, 0.620, 0.590, 0.490, -0.080, 0.010]
"""Differences of the Hamilton scale factor of nine patients: Hollander & Wolfe, Nonparametric Statistical Methods, example 3.1."""


@pytest.mark.parametrize(
    ("trials", "critical"), [(6, 0), (7, 2), (8, 3), (9, 5), (10, 8), (12, 13), (15, 25), (20, 52), (30, 137), (50, 434)]
)
def test_the_null_distribution_gives_the_critical_values_of_the_tables(trials: int, critical: int) -> None:
    """The largest rank sum that is significant at 5 % on two sides."""
    tails = null_tails(trials)
    assert tails[critical] <= 0.025 < tails[critical + 1]
    assert tails[-1] == pytest.approx(1)


def test_a_textbooks_example_has_the_textbooks_estimate_interval_and_p_value() -> None:
    """Estimate 0.46 with the 96 % interval 0.010 to 0.786; 0.0195 that the factor is not larger."""
    averages = WalshAverages.of_differences(DEPRESSION)
    found = averages.estimate()
    assert (found.value, found.low, found.high) == pytest.approx((0.46, 0.01, 0.786))
    assert averages.p_values(0.0).above == pytest.approx(0.01953, abs=5e-6)


@pytest.mark.parametrize("trials", [3, 5, 7, 12, 30, 50])
def test_p_values_are_those_of_scipys_exact_test(trials: int) -> None:
    """On both sides, of values without ties."""
    values = np.random.default_rng(trials).normal(0.3, 1, trials)
    for bound in (-0.5, 0.0, 0.4):
        found = WalshAverages.of_differences(values.tolist()).p_values(bound)
        moved = values - bound
        assert found.above == pytest.approx(stats.wilcoxon(moved, alternative="greater", method="exact").pvalue)
        assert found.below == pytest.approx(stats.wilcoxon(moved, alternative="less", method="exact").pvalue)
        assert found.two_sided == pytest.approx(stats.wilcoxon(moved, method="exact").pvalue)


@pytest.mark.parametrize("trials", [2, 4, 5, 6, 7, 10, 17])
def test_an_interval_leaves_a_bound_out_exactly_where_the_p_value_is_small(trials: int) -> None:
    """Of differences and of ratios, with ties: the place of the interval and the p-value are one statement."""
    rng = np.random.default_rng(trials)
    for _ in range(50):
        values = np.exp(rng.normal(0.2, 0.3, trials)).round(int(rng.integers(1, 5))).clip(0.1)
        for averages in (WalshAverages.of_differences(values.tolist()), WalshAverages.of_ratios(values.tolist())):
            found = averages.estimate()
            level = max(0.025, 0.5**trials)
            for bound in [*values.tolist(), found.low, found.high, *rng.normal(1.2, 0.3, 10).clip(0.1).tolist()]:
                p_values = averages.p_values(bound)
                assert (found.low > bound) == (p_values.above <= level)
                assert (found.low >= bound) == (p_values.at_least <= level)
                assert (found.high < bound) == (p_values.below <= level)
                assert (found.high <= bound) == (p_values.at_most <= level)


def test_five_values_give_their_range() -> None:
    """The smallest and the largest Walsh average are the smallest and the largest value."""
    found = WalshAverages.of_ratios([2.0, 0.5, 8.0, 4.0, 1.0]).estimate()
    assert found.value == pytest.approx(2.0)
    assert (found.low, found.high, found.trials) == (0.5, 8.0, 5)


def test_a_ratio_is_estimated_on_the_scale_of_its_logarithms() -> None:
    """Turning every ratio over turns the estimate and its interval over."""
    values = [1.1, 1.3, 0.8, 2.0, 1.7, 1.2, 0.9, 1.5]
    found = WalshAverages.of_ratios(values).estimate()
    over = WalshAverages.of_ratios([1 / value for value in values]).estimate()
    assert (1 / over.value, 1 / over.high, 1 / over.low) == pytest.approx((found.value, found.low, found.high))
    logs = WalshAverages.of_differences([math.log(value) for value in values]).estimate()
    assert (found.value, found.low, found.high) == pytest.approx((math.exp(logs.value), math.exp(logs.low), math.exp(logs.high)))


def test_equal_values_are_their_own_estimate_to_the_last_digit() -> None:
    """No rounding makes an interval out of nothing; nothing speaks against the value itself."""
    averages = WalshAverages.of_ratios([1.1] * 7)
    found = averages.estimate()
    assert (found.value, found.low, found.high) == (1.1, 1.1, 1.1)
    assert averages.p_values(1.1).two_sided == 1.0


def test_zeros_count_against_a_difference() -> None:
    """Three blocks without a difference among eight make the p-value larger than that of the five others alone, never smaller."""
    some = [1.0, 2.0, 3.0, 4.0, 5.0]
    with_zeros = WalshAverages.of_differences([*some, 0.0, 0.0, 0.0]).p_values(0.0)
    assert with_zeros.above == pytest.approx(null_tails(8)[6])
    assert with_zeros.above > WalshAverages.of_differences(some).p_values(0.0).above
