"""Whether the level of a response or service time changes while it is measured: a trend test and a level-shift test.

Values are logarithms, because latencies are skewed and what matters is a change in per cent. A trial's values are cut into BATCHES
batches of equal count, in the order of time, and only the medians of the batches are used: a burst or a pause that is shorter than half a
batch does not move them. Tests work on the ranks of these medians within the trial.

- Trend: Mann, "Nonparametric tests against trend", Econometrica 13, 1945, by Kendall's tau; its size is the slope of Theil and Sen over
  the whole phase.
- Level shift: the largest standardised rank sum over all splits that leave TRIM of the batches on either side (Pettitt, "A non-parametric
  approach to the change-point problem", Applied Statistics 28(2), 1979, weighted so that a short transient counts as much as a split in
  the middle), with the tail probability of Miller & Siegmund, "Maximally selected chi square statistics", Biometrics 38, 1982, which
  Lausen & Schumacher, "Maximally selected rank statistics", Biometrics 48, 1992 show to hold for ranks.
- Autocorrelation: both statistics are divided by the root of n / n*, where n* is the effective sample size of a first-order
  autoregression (Yue & Wang, "The Mann-Kendall test modified by effective sample size", Water Resources Management 18, 2004). The
  coefficient is estimated around one line before and another after the split that fits best, so that a change is not taken for
  autocorrelation, and corrected for its bias (Tjøstheim & Paulsen, "Bias of some commonly-used time series estimates", Biometrika 70(2),
  1983). That split is also where a level shift is said to be: ranks find that there is one, least deviations find where.
- Several trials: their standardised statistics are added and divided by the root of their number, trials being independent (the regional
  Kendall test: Helsel & Frans, "Regional Kendall test for trend", Environmental Science & Technology 40(13), 2006). What all trials of a
  treatment have in common is found though each of them alone is too noisy.
- Size: a significant change counts if it is larger than FLOOR; a median that moves by less isn't worth a veto.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import optimize, stats

BATCHES = 40
MIN_REQUESTS = 5 * BATCHES
"""The median of fewer than five values hardly tames a single outlier."""
SIGNIFICANCE = 0.01
"""Of each of the two tests."""
FLOOR = math.log(1.2)
"""A rise by a fifth, or the fall that undoes it."""
TRIM = 0.1
"""Share of the batches that a level shift leaves on either side at least."""
MOST_AUTOCORRELATION = 0.8
"""Between neighbouring batches. Beyond it a trial has no more than four independent ones, and noise looks the same as drift."""
FITTED = 6
"""Parameters of two straight lines and the split between them, which counts as two: the coefficient of independent noise is then 0."""

Levels = NDArray[np.float64]
"""One row a trial, one column a batch: medians of the logarithms."""


@dataclass(frozen=True)
class Drift:
    """How much the level changes, and whether it is more than noise."""

    change: float
    """Relative change of the level: -0.31 is a fall by 31 %; over the whole phase, or after the split."""
    split: int | None
    """The batch with which the new level begins; None: the level drifts over the whole phase."""
    is_significant: bool
    is_large: bool
    """Larger than FLOOR."""
    noticeable: float
    """The relative change in the middle of the phase that has an even chance to be found significant."""

    @property
    def is_found(self) -> bool:
        """The level changes."""
        return self.is_significant and self.is_large


@dataclass(frozen=True)
class _Change:
    size: float
    split: int | None
    score: float
    """Its standardised statistic."""
    is_significant: bool

    @property
    def is_large(self) -> bool:
        return abs(self.size) > FLOOR


def batch_medians(values: NDArray[np.float64]) -> NDArray[np.float64]:
    """Medians of BATCHES batches of equal count (within one).

    Raises:
        ValueError: there are fewer than MIN_REQUESTS values.
    """
    if len(values) < MIN_REQUESTS:
        raise ValueError(f"{len(values)} values are fewer than {MIN_REQUESTS}")
    return np.array([np.median(batch) for batch in np.array_split(values, BATCHES)])


def drift(levels: Levels) -> Drift:
    """The change that the trials have in common: the stronger one of a trend and a level shift."""
    trials = len(levels)
    split, remains = _two_lines(levels)
    inflation = _variance_inflation(remains)
    shift_score = float(np.abs(_shift_statistics(levels).sum(axis=0)).max()) / math.sqrt(trials * inflation)
    trend_score = abs(sum(_trend_statistic(row) for row in levels)) / math.sqrt(trials * inflation)
    shift = float(np.median([np.median(row[split:]) - np.median(row[:split]) for row in levels]))
    trend = float(np.median([stats.theilslopes(row).slope * (BATCHES - 1) for row in levels]))
    stronger = max(
        _Change(shift, split, shift_score, shift_score > _SHIFT_LIMIT),
        _Change(trend, None, trend_score, trend_score > _TREND_LIMIT),
        key=lambda one: (one.is_significant and one.is_large, one.score),
    )
    deviation = float(np.median(stats.median_abs_deviation(remains, axis=1, scale="normal")))
    freedom = (BATCHES - FITTED) * trials
    return Drift(
        change=math.expm1(stronger.size),
        split=stronger.split,
        is_significant=stronger.is_significant,
        is_large=stronger.is_large,
        noticeable=math.expm1(_SHIFT_LIMIT * deviation * math.sqrt(inflation * 4 / freedom)),
    )


def _shift_statistics(levels: Levels) -> NDArray[np.float64]:
    """Standardised rank sum before each split of each trial, positive where the level rises."""
    before = np.cumsum(stats.rankdata(levels, axis=1), axis=1)[:, _SPLITS - 1]
    expected = _SPLITS * (BATCHES + 1) / 2
    deviation = np.sqrt(_SPLITS * (BATCHES - _SPLITS) * (BATCHES + 1) / 12)
    standardised: NDArray[np.float64] = (expected - before) / deviation
    return standardised


def _trend_statistic(levels: NDArray[np.float64]) -> float:
    """Kendall's tau against time, standardised; 0 where all batches are equal."""
    tau = float(stats.kendalltau(_TIMES, levels).statistic)
    return 0.0 if math.isnan(tau) else tau / math.sqrt(2 * (2 * BATCHES + 5) / (9 * BATCHES * (BATCHES - 1)))


def _two_lines(levels: Levels) -> tuple[int, Levels]:
    """The split with the least deviations from a line before and a line after it, and these deviations."""
    remains = levels @ _OFF_TWO_LINES
    best = int(np.argmin(np.abs(remains).sum(axis=(1, 2))))
    return int(_SPLITS[best]), remains[best]


def _off_two_lines(split: int) -> NDArray[np.float64]:
    """The projection that leaves of a row what two lines don't explain."""
    after = (split <= _TIMES).astype(np.float64)
    basis, _ = np.linalg.qr(np.column_stack([1 - after, (1 - after) * _TIMES, after, after * _TIMES]))
    projection: NDArray[np.float64] = np.eye(BATCHES) - basis @ basis.T
    return projection


def _variance_inflation(remains: Levels) -> float:
    """How many times larger the variance of a sum is than that of independent batches."""
    ranks = stats.rankdata(remains, axis=1) - (BATCHES + 1) / 2
    neighbours, alone = (ranks[:, 1:] * ranks[:, :-1]).sum(axis=1), (ranks**2).sum(axis=1)
    estimated = float(np.mean(np.divide(neighbours, alone, out=np.zeros_like(alone), where=alone > 0)))
    unbiased = (BATCHES * estimated + FITTED) / (BATCHES - FITTED - 2)
    coefficient = min(max(unbiased, 0.0), MOST_AUTOCORRELATION)
    return (1 + coefficient) / (1 - coefficient)


def _selected_tail(score: float) -> float:
    """Probability that the largest of the standardised rank sums exceeds a score, by Miller & Siegmund."""
    density = float(stats.norm.pdf(score))
    return 4 * density / score + density * (score - 1 / score) * 2 * math.log((1 - TRIM) / TRIM)


_TIMES = np.arange(BATCHES)
_SPLITS = np.arange(math.ceil(TRIM * BATCHES), math.floor((1 - TRIM) * BATCHES) + 1)
_OFF_TWO_LINES = np.array([_off_two_lines(int(split)) for split in _SPLITS])
_TREND_LIMIT = float(stats.norm.isf(SIGNIFICANCE / 2))
_SHIFT_LIMIT = float(optimize.brentq(lambda score: _selected_tail(score) - SIGNIFICANCE, 2, 6))
