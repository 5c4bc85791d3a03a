"""What could have been found, and what it would take."""

from __future__ import annotations

import math

import numpy as np
import pytest

from reports.analysis.effects import ratio_p_values
from reports.analysis.estimates import Observation
from reports.analysis.power import POWER, Statistic, smallest_detectable, spread, trials_needed, trials_to_reach


@pytest.mark.parametrize(("level", "trials"), [(0.0625, 5), (0.05, 6), (0.05 / 18, 10), (0.5, 2), (1.0, 1)])
def test_so_many_trials_reach_a_level(level: float, trials: int) -> None:
    """2/2**n is the smallest two-sided p-value of n signs."""
    assert trials_to_reach(level) == trials
    assert 2 / 2**trials <= level < 2 / 2 ** (trials - 1)


def test_the_spread_of_normal_values_is_their_standard_deviation_and_outliers_move_it_less() -> None:
    """Its average over many small samples is right, which the standard deviation's own is not."""
    samples = np.random.default_rng(2).normal(10, 3, (4000, 5))
    found = [spread(sample) for sample in samples.tolist()]
    assert np.mean([one for one in found if one is not None]) == pytest.approx(3, rel=0.02)
    values = [1.0, 2.0, 3.0, 4.0, 100.0]
    assert (spread(values) or 0) / np.std(values, ddof=1) < 0.9


@pytest.mark.parametrize("values", [[], [1.0], [1.0, math.inf], [1.0, -math.inf], [1.0, math.nan]])
def test_a_spread_that_is_not_known_is_none(values: list[float]) -> None:
    """One value has none, and an infinite one neither."""
    assert spread(values) is None


@pytest.mark.parametrize("trials", [6, 10, 20])
def test_the_smallest_detectable_difference_is_found_with_the_power_that_was_asked_for(trials: int) -> None:
    """In 1,500 simulated experiments the exact test finds it in 80 %, give or take what the approximation is off by."""
    distance = smallest_detectable(0.05, trials)
    assert distance is not None
    logs = np.random.default_rng(trials).normal(distance, 0.05, (1500, trials))
    found = [ratio_p_values([Observation.exact(math.exp(log)) for log in one], 1.0).two_sided <= 0.05 for one in logs.tolist()]
    assert np.mean(found) == pytest.approx(POWER, abs=0.04)


@pytest.mark.parametrize("statistic", Statistic)
@pytest.mark.parametrize("distance", [0.03, 0.05, 0.1, 0.5])
def test_the_trials_needed_are_the_fewest_that_can_detect_the_distance(statistic: Statistic, distance: float) -> None:
    """One trial fewer has a smallest detectable difference that is larger, or can't reach the level."""
    needed = trials_needed(distance, 0.05, statistic=statistic)
    assert needed is not None
    detectable = smallest_detectable(0.05, needed, statistic=statistic)
    assert detectable is not None
    assert detectable <= distance
    fewer = smallest_detectable(0.05, needed - 1, statistic=statistic)
    assert fewer is None or fewer > distance


def test_a_median_against_a_bound_needs_more_trials_than_paired_ratios() -> None:
    """Signs say less than ranks."""
    assert (trials_needed(0.03, 0.05) or 0) < (trials_needed(0.03, 0.05, statistic=Statistic.MEDIAN) or 0)


def test_no_number_of_trials_is_below_what_the_level_takes() -> None:
    """However clear the difference, five signs reach 6.25 % and no less."""
    assert trials_needed(10.0, 0.01) == 6
    assert trials_needed(10.0, 0.01, level=0.0625) == 5
    assert trials_needed(10.0, 0.0) == 6


def test_what_cannot_be_found_is_none() -> None:
    """No distance, an unknown spread, too many trials, too few for the level."""
    assert trials_needed(0.0, 0.05) is None
    assert trials_needed(0.1, math.inf) is None
    assert trials_needed(1e-4, 1.0) is None
    assert smallest_detectable(0.05, 5) is None
    assert smallest_detectable(math.nan, 10) is None
