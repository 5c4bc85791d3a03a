"""Trials whose service time does over time what was planted: four shapes that are steady and four that are not.

Request counts, lengths and noise are those of the catalogue's experiments: a Poisson load of 500 to 3,000 requests in a measure phase of
5 to 10 s after a warm-up of 2 s, lognormal around 5 ms.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.signal import lfilter

from reports.analysis.steady import Latencies
from reports.loading import Window

WARM_UP_S = 2.0
TYPICAL_MS = 5.0
SIGMA = 0.5
"""Standard deviation of the logarithm."""
CORRELATION_TIME_S = 0.1
"""After which the autocorrelation has fallen to 1/e: a few dozen requests."""
BURSTS_PER_S = 2.0
BURST_S = 0.08
PAUSE_S = 0.15
PAUSE_PERIOD_S = 1.0

Floats = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Axis:
    """When the requests of one trial are due."""

    at_s: Floats
    measure: Window

    @property
    def part(self) -> Floats:
        """The part of the measure phase that is over, 0 before it."""
        return np.maximum(self.at_s - self.measure.start_s, 0) / self.measure.length_s

    @property
    def is_steady_from_s(self) -> float:
        """Where the transient of :func:`fall_after_transient` ends."""
        return self.measure.start_s + 0.2 * self.measure.length_s


Shape = Callable[[np.random.Generator, Axis], Floats]
"""Draws the logarithms of a trial's latencies, ms."""


def draw(rng: np.random.Generator, shape: Shape, *, requests: int | None = None) -> Latencies:
    """One trial; the number of requests of its measure phase is drawn unless it is given."""
    count = int(rng.integers(500, 3001)) if requests is None else requests
    measure_s = float(rng.uniform(5, 10))
    measure = Window(WARM_UP_S, WARM_UP_S + measure_s)
    warm_up = rng.uniform(0, WARM_UP_S, round(count * WARM_UP_S / measure_s))
    at_s = np.sort(np.concatenate([warm_up, rng.uniform(measure.start_s, measure.end_s, count)]))
    return Latencies(at_s, shape(rng, Axis(at_s, measure)), measure)


def flat(rng: np.random.Generator, axis: Axis) -> Floats:
    """Independent noise around one level."""
    return math.log(TYPICAL_MS) + rng.normal(0, SIGMA, len(axis.at_s))


def flat_autocorrelated(rng: np.random.Generator, axis: Axis) -> Floats:
    """Half of the variance is independent, half a first-order autoregression."""
    period_s = axis.measure.end_s / len(axis.at_s)
    coefficient = math.exp(-period_s / CORRELATION_TIME_S)
    burn_in = 10 * math.ceil(CORRELATION_TIME_S / period_s)
    steps = rng.normal(0, SIGMA * math.sqrt((1 - coefficient**2) / 2), len(axis.at_s) + burn_in)
    slow = lfilter([1.0], [1.0, -coefficient], steps)[burn_in:]
    values: Floats = math.log(TYPICAL_MS) + slow + rng.normal(0, SIGMA / math.sqrt(2), len(axis.at_s))
    return values


def flat_with_bursts(rng: np.random.Generator, axis: Axis) -> Floats:
    """Heavy tails, and short bursts at random in which everything is several times slower."""
    values: Floats = math.log(TYPICAL_MS) + SIGMA * rng.standard_t(3, len(axis.at_s)) / math.sqrt(3)
    for begin_s in rng.uniform(0, axis.measure.end_s, rng.poisson(BURSTS_PER_S * axis.measure.end_s)):
        struck = (axis.at_s >= begin_s) & (axis.at_s < begin_s + rng.exponential(BURST_S))
        values[struck] += rng.exponential(1.0)
    return values


def flat_with_pauses(rng: np.random.Generator, axis: Axis) -> Floats:
    """Once a second nothing is answered for a while: what is due in it waits for its end."""
    into_s = (axis.at_s + rng.uniform(0, PAUSE_PERIOD_S)) % PAUSE_PERIOD_S
    waits_ms = 1000 * np.maximum(PAUSE_S - into_s, 0)
    values: Floats = np.log(np.exp(flat(rng, axis)) + waits_ms)
    return values


def ramp(rng: np.random.Generator, axis: Axis) -> Floats:
    """A slow rise, by 60 % over the measure phase."""
    values: Floats = flat(rng, axis) + np.log1p(0.6 * axis.part)
    return values


def growth(rng: np.random.Generator, axis: Axis) -> Floats:
    """An overload: from 10 ms to 2 s over the measure phase."""
    values: Floats = np.log(10 + 1990 * axis.part) + rng.normal(0, SIGMA / 5, len(axis.at_s))
    return values


def step_up(rng: np.random.Generator, axis: Axis) -> Floats:
    """A rise by 40 % after one or two thirds of the measure phase."""
    begins = float(rng.choice([1 / 3, 2 / 3]))
    return flat(rng, axis) + math.log(1.4) * (axis.part > begins)


def fall_after_transient(rng: np.random.Generator, axis: Axis) -> Floats:
    """A fall by 31 % once a fifth of the measure phase is over, as it was seen in a real control trial."""
    return flat(rng, axis) - math.log(1 - 0.31) * (axis.at_s < axis.is_steady_from_s)


STEADY: Mapping[str, Shape] = {
    "flat, independent noise": flat,
    "flat, autocorrelated over 0.1 s": flat_autocorrelated,
    "flat, heavy tails and bursts": flat_with_bursts,
    "flat, a pause of 0.15 s every second": flat_with_pauses,
}
UNSTEADY: Mapping[str, Shape] = {
    "slow ramp by 60 %": ramp,
    "growth from 10 ms to 2 s": growth,
    "step up by 40 % at a random third": step_up,
    "fall by 31 % after a fifth": fall_after_transient,
}
