"""What it would take to decide a claim: the smallest effect that the run could have found, and the trials that would settle it."""

from __future__ import annotations

import math

import numpy as np
from scipy import stats

from experiments.definition import TRIALS_FOR_A_VERDICT
from reports.analysis.pooled import PooledShare
from reports.analysis.power import LEVEL, MOST_TRIALS, POWER, smallest_detectable, spread, trials_needed
from reports.verdicts.finding import Effort, Sample
from reports.verdicts.pooled import tested_share


def location_effort(sample: Sample, level: float, minutes_per_block: float | None) -> Effort | None:
    """For a median or a ratio, at the two-sided level that the claim has within its family.

    None where the spread is unknown: with a single trial, and where a trial's value is only known to be large.
    """
    found = spread(sample.values)
    if found is None or not math.isfinite(sample.location):
        return None
    distance = min(abs(sample.location - bound) for bound in sample.bounds)
    trials = trials_needed(distance, found, level, sample.statistic) if math.isfinite(distance) else TRIALS_FOR_A_VERDICT
    if trials is not None:
        trials = max(trials, TRIALS_FOR_A_VERDICT)
    detectable = smallest_detectable(found, len(sample.values), level, sample.statistic)
    if detectable is not None and sample.is_log:
        detectable = math.expm1(detectable)
    return Effort(detectable, trials, _minutes(trials, minutes_per_block))


def pooled_effort(
    share: PooledShare, bounds: tuple[float | None, float | None], level: float, per_share: float, minutes_per_block: float | None
) -> Effort:
    """For a share of requests that is claimed to lie between two bounds.

    The detectable distance is that of a loss which is the same in every trial. The trials that decide it are found by taking the trials
    of the run as the distribution, moved towards the verdict's wrong side by the standard error that a run of that size exceeds in one of
    five cases.
    """
    trials = _trials_needed(share, bounds, level)
    detectable = _detectable(share, bounds, level)
    return Effort(None if detectable is None else detectable * per_share, trials, _minutes(trials, minutes_per_block))


def _detectable(share: PooledShare, bounds: tuple[float | None, float | None], level: float) -> float | None:
    if share.trials < TRIALS_FOR_A_VERDICT:
        return None
    least, most = bounds
    known = (level / 2) ** (1 / share.trials)
    distances = []
    if most is not None and most / known <= 1:
        distances.append(most / known - most)
    if least is not None and (loss := (least - share.ceiling * (1 - known)) / known) >= 0:
        distances.append(least - loss)
    return min(distances, default=None)


def _trials_needed(share: PooledShare, bounds: tuple[float | None, float | None], level: float) -> int | None:
    def decides(trials: int) -> bool:
        return _p_value(share, bounds, trials) <= level

    too_few, enough = TRIALS_FOR_A_VERDICT - 1, TRIALS_FOR_A_VERDICT
    while not decides(enough):
        if enough == MOST_TRIALS:
            return None
        too_few, enough = enough, min(2 * enough, MOST_TRIALS)
    while enough - too_few > 1:
        middle = (too_few + enough) // 2
        too_few, enough = (too_few, middle) if decides(middle) else (middle, enough)
    return enough


def _p_value(share: PooledShare, bounds: tuple[float | None, float | None], trials: int) -> float:
    """That of a run of this many trials in which the sampled mean is off by as much as one of five is, on either side."""
    ordered = np.sort(share.shares)
    like_these = ordered[((np.arange(trials) + 0.5) / trials * len(ordered)).astype(int)]
    error = stats.norm.ppf(POWER) * float(np.std(ordered, ddof=1)) / math.sqrt(trials) if len(ordered) > 1 else 0.0
    return max(
        tested_share(PooledShare(tuple(moved.tolist()), share.ceiling, share.events, share.of), *bounds).p_value
        for moved in (np.clip(like_these + error, 0, share.ceiling), np.clip(like_these - error, 0, share.ceiling))
    )


def level_of(claims: int, interval_level: float) -> float:
    """The two-sided level of one claim of a family: that of its interval where it is alone, else the one that is the hardest to reach."""
    return interval_level if claims == 1 else LEVEL / claims


def _minutes(trials: int | None, minutes_per_block: float | None) -> float | None:
    return None if trials is None or minutes_per_block is None else trials * minutes_per_block
