"""What a comparison could have found, and how many trials would decide it, for values that are about normal.

With the fewest trials that reach a level, the test asks for all of them on one side of the bound, which has a probability of
Phi(distance/spread)**n. With more, the test statistic is approximated by Student's t with the number of trials multiplied by the
asymptotic relative efficiency of the test: 3/pi for the signed-rank test, 2/pi for the sign test, on which the interval of a median
rests (Lehmann, "Nonparametrics: Statistical Methods Based on Ranks", 1975, chapter 4). The signed-rank test enters with the level that
it attains, which is discrete. Beside the simulation (``python -m tests.simulations detectable``) its power is right within 2 %, and that
of the median is put up to 10 % too low below a dozen trials, so that what is said to be detectable is.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from enum import Enum

import numpy as np
from scipy import special

from reports.analysis.estimates import CONFIDENCE
from reports.analysis.signed_rank import null_tails

LEVEL = 1 - CONFIDENCE
"""Two-sided."""
POWER = 0.8
"""Probability with which a difference is to be found."""
MOST_TRIALS = 1000
"""The most that an experiment can ask for."""
EXACT_TRIALS = 50
"""Up to here the level that the exact signed-rank test attains differs from the one asked for by enough to matter."""


class Statistic(Enum):
    """What a verdict rests on; the value is the asymptotic efficiency of its test relative to the t test under normality."""

    SIGNED_RANK = 3 / math.pi
    """Paired ratios and differences."""
    MEDIAN = 2 / math.pi
    """A median against a bound."""


def spread(values: Sequence[float]) -> float | None:
    """Standard deviation of one trial's value, from Gini's mean difference; None for fewer than two values, or an infinite one.

    The mean absolute difference of all pairs times sqrt(pi)/2 has the standard deviation of a normal distribution as its expectation
    with any number of values, is 98 % as efficient as the sample's standard deviation, and is moved less by an outlier (Gerstenberger &
    Vogel, "On the efficiency of Gini's mean difference", Statistical Methods & Applications 24, 2015). For paired ratios the values are
    their logarithms.
    """
    found = np.sort(np.asarray(values, dtype=np.float64))
    count = len(found)
    if count < 2 or not np.isfinite(found).all():  # noqa: PLR2004 - a pair
        return None
    weights = 2 * np.arange(1, count + 1) - count - 1
    mean_difference = float(weights @ found) * 2 / (count * (count - 1))
    return mean_difference * math.sqrt(math.pi) / 2


def trials_to_reach(level: float) -> int:
    """The fewest trials with which the smallest two-sided p-value of an exact sign or signed-rank test, 2/2**n, is at most the level."""
    return max(1, math.ceil(1 - math.log2(level)))


def smallest_detectable(
    spread_of_trials: float, trials: int, level: float = LEVEL, statistic: Statistic = Statistic.SIGNED_RANK
) -> float | None:
    """The smallest difference that is found with a probability of POWER at a two-sided level, in the unit of the spread.

    None where the spread is not finite, or where so few trials can't reach the level. For logarithms of ratios ``math.exp`` of it is the
    ratio.
    """
    if not math.isfinite(spread_of_trials) or trials < trials_to_reach(level):
        return None
    if trials == trials_to_reach(level):
        return float(special.ndtri(POWER ** (1 / trials))) * spread_of_trials
    critical = special.stdtrit(trials - 1, 1 - _attained_level(level, trials, statistic) / 2)
    noncentrality = float(special.nctdtrinc(trials - 1, 1 - POWER, critical))
    return noncentrality * spread_of_trials / math.sqrt(trials * statistic.value)


def trials_needed(
    distance: float, spread_of_trials: float, level: float = LEVEL, statistic: Statistic = Statistic.SIGNED_RANK
) -> int | None:
    """The fewest trials that find a difference of this size (in the unit of the spread) with a probability of POWER at a two-sided level.

    None for no distance, for a spread that is not finite, and where more than MOST_TRIALS would be needed.
    """
    if distance == 0 or not math.isfinite(spread_of_trials) or math.isnan(distance):
        return None
    for trials in range(trials_to_reach(level), MOST_TRIALS + 1):
        found = smallest_detectable(spread_of_trials, trials, level, statistic)
        if found is not None and found <= abs(distance):
            return trials
    return None


def _attained_level(level: float, trials: int, statistic: Statistic) -> float:
    """The signed-rank statistic is discrete, so its test stays below the level; the interpolated interval of a median meets it."""
    if statistic is Statistic.MEDIAN or trials > EXACT_TRIALS:
        return level
    tails = null_tails(trials)
    return 2 * float(tails[np.searchsorted(tails, level / 2, side="right") - 1])
