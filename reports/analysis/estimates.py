"""Estimates over trials: the median, and a bootstrap interval that is honest when there are only five of them.

Method. The estimate is the median of the trials' numbers. Its interval is the percentile bootstrap over trials, with the tail
probability expanded for small samples as in Hesterberg, "What Teachers Should Know About the Bootstrap", The American Statistician
69(4), 2015, section 5.3: alpha/2 becomes Phi(-sqrt(n/(n-1)) t(1-alpha/2, n-1)). Up to EXACT_TRIALS trials the bootstrap distribution
is enumerated, not sampled (Fisher & Hall, "Bootstrap algorithms for small samples", J. Stat. Planning and Inference 27, 1991).

Why the median. Coverage of nominal 95 % intervals, from 1,500 simulated experiments each (normal / lognormal with sigma 1 / normal
with every tenth trial 8 sigma off):

======  =====================  ================  ===================  =============================
trials  percentile, mean       t, mean           bootstrap-t, mean    here
======  =====================  ================  ===================  =============================
5       83 / 72 / 66 %         95 / 82 / 82 %    95 / 89 / 86 %       94 / 93 / 94 %
7       87 / 75 / 68 %         95 / 83 / 80 %    94 / 88 / 82 %       98 / 98 / 98 %
10      91 / 81 / 73 %         96 / 84 / 80 %    96 / 91 / 81 %       96 / 97 / 97 %
20      94 / 85 / 88 %         96 / 86 / 89 %    96 / 92 / 89 %       97 / 96 / 97 %
======  =====================  ================  ===================  =============================

At five trials the interval runs from the smallest to the largest trial and covers the median of any continuous distribution with
probability 1 - 2/2**5 = 93.75 %; for normal data it is as wide as the t interval. Without the expansion the median's interval
covers 87 % at seven trials. It also commutes with any monotone scale, and it takes values that are only known to be large.
Three trials cover 75 %, four 87.5 %: why fewer than five are only indicative.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import combinations_with_replacement
from statistics import NormalDist

import numpy as np
from numpy.typing import NDArray

CONFIDENCE = 0.95
"""Nominal confidence of every interval."""
EXACT_TRIALS = 7
"""Up to here all 1,716 or fewer different resamples are enumerated."""
SAMPLED_RESAMPLES = 4000
"""Beyond that, this many are drawn."""
BOOTSTRAP_SEED = 20_251_101
"""Fixed, so that the same run gives the same page."""
ROUNDING = 1e-12
"""Slack for sums of probabilities."""

Statistic = Callable[[NDArray[np.intp]], NDArray[np.float64]]
"""Index rows (one a resample) to one number each."""


@dataclass(frozen=True)
class Observation:
    """A trial's number, or the bounds within which it is known to lie."""

    low: float
    high: float

    @classmethod
    def exact(cls, value: float) -> Observation:
        """A number that was measured as it is."""
        return cls(float(value), float(value))

    @classmethod
    def above(cls, value: float) -> Observation:
        """A number that is only known to be larger (right-censored): the trial ended first."""
        return cls(float(value), math.inf)

    @property
    def is_censored(self) -> bool:
        """Whether only bounds are known."""
        return self.low != self.high


@dataclass(frozen=True)
class Unmeasured:
    """Why there is no number."""

    reason: str


@dataclass(frozen=True)
class Estimate:
    """A median over trials and its interval."""

    value: float
    low: float
    high: float
    trials: int
    is_lower_bound: bool = False
    """The value itself is only known to be larger."""


def estimate(observations: Sequence[Observation]) -> Estimate | Unmeasured:
    """Median over trials with its interval; censored trials widen it upwards."""
    if not observations:
        return Unmeasured("no valid trial")
    lows = np.array([observation.low for observation in observations])
    highs = np.array([observation.high for observation in observations])
    value = float(np.median(lows))
    low, high = interval(len(lows), lambda rows: medians(lows[rows]))
    if any(observation.is_censored for observation in observations):
        high = interval(len(highs), lambda rows: medians(highs[rows]))[1]
    return Estimate(
        value=value,
        low=low,
        high=high,
        trials=len(observations),
        is_lower_bound=float(np.median(highs)) != value,
    )


def medians(samples: NDArray[np.float64]) -> NDArray[np.float64]:
    """Median of each row. What numpy's own gives, in a sixth of the time: it partitions row by row what is quicker sorted."""
    ordered = np.sort(samples, axis=1)
    middle = samples.shape[1] // 2
    return ordered[:, middle] if samples.shape[1] % 2 else (ordered[:, middle - 1] + ordered[:, middle]) / 2


def interval(count: int, statistic: Statistic) -> tuple[float, float]:
    """Expanded percentile bootstrap interval of a statistic of ``count`` trials (or blocks of trials)."""
    rows, weights = _resamples(count)
    values = statistic(rows)
    tail = _expanded_tail(count)
    return _weighted_quantile(values, weights, tail), -_weighted_quantile(-values, weights, tail)


@lru_cache(maxsize=64)
def _resamples(count: int) -> tuple[NDArray[np.intp], NDArray[np.float64]]:
    if count > EXACT_TRIALS:
        drawn = np.random.default_rng(BOOTSTRAP_SEED).integers(0, count, (SAMPLED_RESAMPLES, count))
        return drawn.astype(np.intp), np.full(SAMPLED_RESAMPLES, 1 / SAMPLED_RESAMPLES)
    sets = list(combinations_with_replacement(range(count), count))
    ways = [math.factorial(count) / math.prod(math.factorial(times) for times in Counter(chosen).values()) for chosen in sets]
    return np.array(sets, dtype=np.intp), np.array(ways) / count**count


@lru_cache(maxsize=64)
def _expanded_tail(count: int) -> float:
    if count == 1:
        return 0.0
    return NormalDist().cdf(-math.sqrt(count / (count - 1)) * t_quantile((1 + CONFIDENCE) / 2, count - 1))


def _weighted_quantile(values: NDArray[np.float64], weights: NDArray[np.float64], tail: float) -> float:
    order = np.argsort(values, kind="stable")
    reached = np.searchsorted(np.cumsum(weights[order]), tail - ROUNDING)
    return float(values[order][min(int(reached), len(values) - 1)])


def t_quantile(probability: float, degrees: int) -> float:
    """Quantile of Student's t distribution, by bisection of its closed form for whole degrees of freedom.

    Abramowitz & Stegun, Handbook of Mathematical Functions, 26.7.3 and 26.7.4.
    """
    low, high = 0.0, 1e6
    while high - low > ROUNDING * max(1.0, high):
        middle = (low + high) / 2
        if (1 + _t_central_probability(middle, degrees)) / 2 < probability:
            low = middle
        else:
            high = middle
    return high


def _t_central_probability(value: float, degrees: int) -> float:
    angle = math.atan(value / math.sqrt(degrees))
    cosine_squared = math.cos(angle) ** 2
    odd = degrees % 2
    term = math.cos(angle) if odd else 1.0
    total = 0.0
    for step in range(degrees // 2):
        total += term
        term *= cosine_squared * (2 * step + 1 + odd) / (2 * step + 2 + odd)
    if odd:
        return 2 / math.pi * (angle + math.sin(angle) * total)
    return math.sin(angle) * total
