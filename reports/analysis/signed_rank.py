"""The exact signed-rank estimate of a location: paired differences or paired ratios, their interval and their p-values.

The estimate is the median of the Walsh averages, the averages of all pairs of values, each value paired with itself too (Hodges &
Lehmann, "Estimates of Location Based on Rank Tests", Annals of Mathematical Statistics 34(2), 1963). Wilcoxon's signed-rank statistic
counts the Walsh averages above the hypothetical location, so ordered Walsh averages are the ends of the exact interval: as many lie
outside on each side as the exact null distribution allows. The one assumption is that the values are distributed symmetrically. The
differences of two treatments within a block are, where both have the same distribution up to a shift; of positive measurements the
logarithms are taken, whose averages are the geometric means of the ratios.

Values that are equal, or equal to the bound, make the interval wider than it need be and the p-value larger, never the other way round
(Noether, "Wilcoxon Confidence Intervals for Location Parameters in the Discrete Case", Journal of the American Statistical Association
62, 1967). scipy's ``wilcoxon`` gives the same p-values and no interval; its null distribution is private.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from reports.analysis.estimates import TAIL, Estimate, PValues


@dataclass(frozen=True)
class WalshAverages:
    """The sorted averages of all pairs of values, and their median."""

    ordered: NDArray[np.float64]
    value: float
    trials: int

    @classmethod
    def of_differences(cls, values: Sequence[float]) -> WalshAverages:
        """Arithmetic means of one or more finite differences."""
        first, second = _pairs(values)
        ordered = np.sort((first + second) / 2)
        lower, upper = _middle(ordered)
        return cls(ordered, (lower + upper) / 2, len(values))

    @classmethod
    def of_ratios(cls, values: Sequence[float]) -> WalshAverages:
        """Geometric means of one or more finite positive ratios."""
        first, second = _pairs(values)
        ordered = np.sort(np.sqrt(first * second))
        lower, upper = _middle(ordered)
        return cls(ordered, float(np.sqrt(lower * upper)), len(values))

    def estimate(self) -> Estimate:
        """The Hodges-Lehmann estimate with its exact interval; from the smallest to the largest value where fewer than six have none."""
        outside = _outside(self.trials)
        return Estimate(self.value, float(self.ordered[outside]), float(self.ordered[-1 - outside]), self.trials)

    def p_values(self, bound: float) -> PValues:
        """Of the exact signed-rank test against a bound."""
        fewer, up_to = (int(np.searchsorted(self.ordered, bound, side=side)) for side in ("left", "right"))
        tails, pairs = null_tails(self.trials), len(self.ordered)
        above, at_least, below, at_most = (float(tails[count]) for count in (up_to, fewer, pairs - fewer, pairs - up_to))
        return PValues(above=above, at_least=at_least, below=below, at_most=at_most)


@lru_cache(maxsize=64)
def null_tails(trials: int) -> NDArray[np.float64]:
    """P(W <= w) of the signed-rank statistic W of so many values under symmetry about the bound, for each w from 0 to n(n+1)/2."""
    probabilities = np.zeros(trials * (trials + 1) // 2 + 1)
    probabilities[0] = 1.0
    for rank in range(1, trials + 1):
        probabilities[rank:] = (probabilities[rank:] + probabilities[:-rank]) / 2
        probabilities[:rank] /= 2
    tails = np.minimum(np.cumsum(probabilities), 1.0)
    tails.setflags(write=False)
    return tails


def _outside(trials: int) -> int:
    """Walsh averages that the interval leaves out on each side; none where leaving out one would already be too many."""
    return max(0, int(np.searchsorted(null_tails(trials), TAIL, side="right")) - 1)


def _pairs(values: Sequence[float]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    every = np.asarray(values, dtype=np.float64)
    first, second = np.triu_indices(len(every))
    return every[first], every[second]


def _middle(ordered: NDArray[np.float64]) -> tuple[float, float]:
    return float(ordered[(len(ordered) - 1) // 2]), float(ordered[len(ordered) // 2])
