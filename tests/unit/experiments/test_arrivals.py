"""Arrival processes."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from experiments.arrivals import arrival_times
from experiments.definition import Arrivals
from experiments.randomness import generator


@given(
    process=st.sampled_from(["constant", "poisson"]),
    rate_per_s=st.floats(0.01, 2000),
    duration_s=st.floats(0.01, 20),
    seed=st.integers(0, 2**63 - 1),
)
def test_times_are_sorted_and_within_the_duration(process: str, rate_per_s: float, duration_s: float, seed: int) -> None:
    """Every arrival lies in [0, duration), and none comes before the one in front of it."""
    arrivals = Arrivals.model_validate({"process": process, "rate_per_s": rate_per_s})
    times = arrival_times(arrivals, duration_s, generator(seed))
    assert np.all(np.diff(times) >= 0)
    assert np.all((times >= 0) & (times < duration_s))


def test_constant_arrivals_keep_their_distance() -> None:
    """A constant process of 4/s over 1.1 s has an arrival every 250 ms, the first at 0."""
    times = arrival_times(Arrivals(process="constant", rate_per_s=4), 1.1, generator(1))
    assert times.tolist() == [0.0, 0.25, 0.5, 0.75, 1.0]


def test_poisson_counts_have_the_variance_of_their_mean() -> None:
    """Counts per second of a Poisson process have mean and variance equal to the rate."""
    times = arrival_times(Arrivals(rate_per_s=50), 2000.0, generator(7))
    counts = np.bincount(times.astype(int), minlength=2000)
    # The standard error of the mean is 0.16 and that of the variance 1.6 over 2,000 seconds: four of each.
    assert counts.mean() == pytest.approx(50, abs=0.64)
    assert counts.var() == pytest.approx(50, abs=6.4)


def test_poisson_gaps_are_exponential() -> None:
    """The gaps of a Poisson process follow the exponential law: its distribution function is never far from theirs."""
    times = arrival_times(Arrivals(rate_per_s=100), 100.0, generator(11))
    gaps = np.sort(np.diff(times))
    distance = np.max(np.abs(1 - np.exp(-100 * gaps) - np.arange(1, len(gaps) + 1) / len(gaps)))
    # Kolmogorov-Smirnov: a true sample is further away with probability 0.1 %.
    assert distance < 1.95 / np.sqrt(len(gaps))


def test_the_seed_decides() -> None:
    """The same seed gives the same times, another one others."""
    first, again, other = (arrival_times(Arrivals(), 10.0, generator(seed)).tolist() for seed in (3, 3, 4))
    assert first == again
    assert first != other
