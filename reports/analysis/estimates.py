"""The median over trials, its interval by order statistics, and the p-values that agree with the interval.

Method. The k-th smallest and the k-th largest of n trials hold the median of any continuous distribution between them with probability
1 - 2 P(Bin(n, 1/2) < k): the sign test, inverted. Two neighbouring k bracket the nominal 95 %; the ends are interpolated between them
as in Hettmansperger & Sheather, "Confidence intervals based on interpolated order statistics", Statistics & Probability Letters 4(2),
1986, which holds closely for any distribution with a smooth density about its median. With five trials no k reaches 95 %, and the
interval runs from the smallest to the largest trial: 93.75 %, exactly. That is the smallest design that gives a verdict, so there a
two-sided p-value of 6.25 % is accepted. Fewer trials have a range: three cover the median with 75 %, four with 87.5 %.

Everything is a closed form of the sorted trials: no random draws, and the order of the trials has no say. Every end is monotone in every
trial; an infinite value counts as the limit of a large one. ``python -m tests.simulations coverage width`` measures both properties.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray
from scipy import stats

from experiments.definition import TRIALS_FOR_A_VERDICT

CONFIDENCE = 0.95
"""Nominal confidence of every interval that rests on enough trials to reach it."""
TAIL = (1 - CONFIDENCE) / 2
"""Probability that an interval leaves on each side."""
EVEN = 0.5
"""Probability that a trial falls below the median."""


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
    """A location over trials and its interval; below ``TRIALS_FOR_A_VERDICT`` trials low and high are the range of the trials."""

    value: float
    low: float
    high: float
    trials: int
    is_lower_bound: bool = False
    """The value itself is only known to be larger."""

    @property
    def has_interval(self) -> bool:
        """Whether low and high deserve the label "95 % interval"; with fewer trials they are the range, which covers less."""
        return self.trials >= TRIALS_FOR_A_VERDICT

    @property
    def confidence(self) -> float:
        """Nominal confidence of low to high: 0.95 from six trials on, 0.9375 with five, and what the range has below: 0.875 with four.

        The interval leaves a bound out exactly where the two-sided p-value of the same trials is at most 1 minus this.
        """
        return min(CONFIDENCE, 1 - 2 * EVEN**self.trials)


@dataclass(frozen=True)
class PValues:
    """One-sided p-values of a location (a median, a typical ratio) against a bound.

    Each is named after what a small value speaks for. They differ in pairs only where trials equal the bound: ``above`` and ``below``
    count those against themselves, ``at_least`` and ``at_most`` for themselves. To confirm a claim takes the inclusive one on its side,
    to refute it the strict one on the other side.
    """

    above: float
    at_least: float
    below: float
    at_most: float

    @property
    def two_sided(self) -> float:
        """Of the hypothesis that the location is the bound."""
        return min(1.0, 2 * min(self.above, self.below))


def estimate(observations: Sequence[Observation], *, interpolated: bool = True) -> Estimate | Unmeasured:
    """Median over trials with its interval: the lower end is made of the lows, the upper end of the highs.

    Without interpolation both ends are values of trials, and the interval has at least its nominal confidence whatever the distribution.
    """
    if not observations:
        return Unmeasured("no valid trial")
    lows, highs = _sorted_bounds(observations)
    value = float(np.median(lows))
    return Estimate(
        value=value,
        low=_lower_end(lows, interpolated=interpolated),
        high=-_lower_end(-highs[::-1], interpolated=interpolated),
        trials=len(observations),
        is_lower_bound=float(np.median(highs)) != value,
    )


def median_p_values(observations: Sequence[Observation], bound: float, *, interpolated: bool = True) -> PValues:
    """P-values of the median against a finite bound: one minus the largest confidence at which the interval still leaves the bound out.

    At the values of the trials these are the sign test's. Up to five trials, and without interpolation, they are the sign test's
    everywhere. A censored trial counts by its low end for a large median and by its high end for a small one.

    Raises:
        ValueError: There is no observation.
    """
    if not observations:
        raise ValueError("a p-value needs a trial")
    lows, highs = _sorted_bounds(observations)
    above, at_least = _upper_p_values(lows, bound, interpolated=interpolated)
    below, at_most = _upper_p_values(-highs[::-1], -bound, interpolated=interpolated)
    return PValues(above=above, at_least=at_least, below=below, at_most=at_most)


def _sorted_bounds(observations: Sequence[Observation]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    lows = np.sort([observation.low for observation in observations])
    highs = np.sort([observation.high for observation in observations])
    return lows.astype(np.float64), highs.astype(np.float64)


def _lower_end(ordered: NDArray[np.float64], *, interpolated: bool) -> float:
    rank, share = _rank_and_share(len(ordered))
    outer = float(ordered[rank - 1])
    if not interpolated or share == 0:
        return outer
    inner = float(ordered[rank])
    # Equal neighbours are taken as they are: their weighted sum can be off by a rounding, and of two infinities it is no number.
    return outer if inner == outer else (1 - share) * outer + share * inner


@lru_cache(maxsize=1024)
def _rank_and_share(trials: int) -> tuple[int, float]:
    """The rank whose order statistics have at least the nominal confidence, and the way to the next rank at which it is just reached."""
    rank = int(stats.binom.ppf(TAIL, trials, EVEN))
    if rank == 0:
        return 1, 0.0
    tail, next_tail = _sign_tail(trials, rank - 1), _sign_tail(trials, rank)
    part = (TAIL - tail) / (next_tail - tail)
    return rank, (trials - rank) * part / (rank + (trials - 2 * rank) * part)


def _upper_p_values(ordered: NDArray[np.float64], bound: float, *, interpolated: bool) -> tuple[float, float]:
    """That the median lies above the bound, and that it is at least the bound."""
    trials = len(ordered)
    fewer, up_to = (int(np.searchsorted(ordered, bound, side=side)) for side in ("left", "right"))
    if not interpolated or _rank_and_share(trials)[1] == 0:
        return _sign_tail(trials, up_to), _sign_tail(trials, fewer)
    if fewer < up_to:
        return _sign_tail(trials, up_to if up_to == trials else up_to - 1), _sign_tail(trials, fewer)
    if fewer in {0, trials}:
        p_value = _sign_tail(trials, fewer)
    else:
        p_value = _between(trials, fewer, _share_of_the_way(float(ordered[fewer - 1]), float(ordered[fewer]), bound))
    return p_value, p_value


def _between(trials: int, rank: int, share: float) -> float:
    """The one-sided p-value at a share of the way from one order statistic to the next: Hettmansperger & Sheather, solved for it."""
    tail, next_tail = _sign_tail(trials, rank - 1), _sign_tail(trials, rank)
    return tail + (next_tail - tail) * share * rank / ((trials - rank) - share * (trials - 2 * rank))


def _share_of_the_way(start: float, end: float, bound: float) -> float:
    if math.isinf(start):
        return 1.0
    return (bound - start) / (end - start)


@lru_cache(maxsize=65_536)
def _sign_tail(trials: int, below: int) -> float:
    """Probability that at most so many of the trials lie below the median."""
    return float(stats.binom.cdf(below, trials, EVEN))
