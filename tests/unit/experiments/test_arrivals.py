"""Arrival processes."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from experiments.arrivals import arrival_times
from experiments.definition import Arrivals, Ramp, Spike
from experiments.randomness import generator

RAMPS = st.none() | st.builds(Ramp, from_per_s=st.floats(0, 2000), duration_s=st.floats(0.01, 5))
SPIKES = st.none() | st.builds(Spike, at_s=st.floats(5, 15), duration_s=st.floats(0.01, 5), rate_per_s=st.floats(0.01, 2000))
ARRIVALS = st.builds(Arrivals, process=st.sampled_from(["constant", "poisson"]), rate_per_s=st.floats(0.01, 2000), ramp=RAMPS, spike=SPIKES)
RISING = Arrivals(rate_per_s=200, ramp=Ramp(from_per_s=0, duration_s=10), spike=Spike(at_s=15, duration_s=2, rate_per_s=1000))
"""1,000 arrivals in the ramp, 1,000 in the five seconds after it, 2,000 in the spike, 600 in the three seconds after it."""
RISING_S = 20.0


@given(arrivals=ARRIVALS, duration_s=st.floats(0.01, 20), seed=st.integers(0, 2**63 - 1))
def test_times_are_sorted_and_within_the_duration(arrivals: Arrivals, duration_s: float, seed: int) -> None:
    """Every arrival lies in [0, duration), and none comes before the one in front of it, whatever the rate does."""
    times = arrival_times(arrivals, duration_s, generator(seed))
    assert np.all(np.diff(times) >= 0)
    assert np.all((times >= 0) & (times < duration_s))


@given(arrivals=ARRIVALS, duration_s=st.floats(0.01, 20))
def test_constant_arrivals_come_when_the_next_one_is_due(arrivals: Arrivals, duration_s: float) -> None:
    """The area under the rate until the k-th arrival of a constant process is k, and under the whole of it is not one more."""
    constant = arrivals.model_copy(update={"process": "constant"})
    times = arrival_times(constant, duration_s, generator(1))
    areas = np.array([_area(constant, time_s) for time_s in times])
    assert areas == pytest.approx(np.arange(len(times)), abs=1e-3)
    assert _area(constant, duration_s) == pytest.approx(len(times), abs=1.001)


def _area(arrivals: Arrivals, until_s: float) -> float:
    """Arrivals expected until then, each part of the load by itself."""
    ramp, spike = arrivals.ramp, arrivals.spike
    area = arrivals.rate_per_s * until_s
    if ramp is not None:
        ramping_s = min(until_s, ramp.duration_s)
        area += (ramp.from_per_s - arrivals.rate_per_s) * (ramping_s - ramping_s**2 / (2 * ramp.duration_s))
    if spike is not None:
        area += (spike.rate_per_s - arrivals.rate_per_s) * max(0.0, min(until_s, spike.end_s) - spike.at_s)
    return area


def test_a_ramp_and_a_spike_have_the_arrivals_that_their_rates_say() -> None:
    """Counts in each part are within four standard deviations of the area under the rate there, as in the two halves of the ramp."""
    times = arrival_times(RISING, RISING_S, generator(7))
    counts, _ = np.histogram(times, bins=[0, 5, 10, 15, 17, 20])
    expected = np.array([250, 750, 1000, 2000, 600])
    assert np.all(np.abs(counts - expected) < 4 * np.sqrt(expected))


def test_a_changing_rate_makes_a_poisson_process() -> None:
    """Over many seeds the number in the spike has the variance of its mean, and within the ramp times follow the square of time."""
    found = [arrival_times(RISING, RISING_S, generator(seed)) for seed in range(400)]
    spiking = np.array([np.count_nonzero((times >= 15) & (times < 17)) for times in found])
    # Standard errors over 400 seeds: 2.2 of the mean, 7 % of the variance.
    assert spiking.mean() == pytest.approx(2000, abs=9)
    assert spiking.var() == pytest.approx(2000, rel=0.3)
    ramping = np.sort(found[0][found[0] < 10])
    distance = np.max(np.abs((ramping / 10) ** 2 - np.arange(1, len(ramping) + 1) / len(ramping)))
    assert distance < 1.95 / np.sqrt(len(ramping))  # Kolmogorov-Smirnov: a true sample is further away with probability 0.1 %


def test_a_load_that_ends_in_the_ramp_ends_below_its_rate() -> None:
    """Half of a ramp of ten seconds from nothing has a quarter of its arrivals."""
    arrivals = Arrivals(process="constant", rate_per_s=80, ramp=Ramp(from_per_s=0, duration_s=10))
    assert len(arrival_times(arrivals, 10.0, generator(1))) == 400
    assert len(arrival_times(arrivals, 5.0, generator(1))) == 100


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
