"""How much two treatments differ: the ratio within blocks, the shift in the metric's unit, their p-value and Cliff's delta.

The treatments of a block got the same schedule at about the same time, so every pair is taken within a block. Ratio and shift of a row
are one test, written twice: they never contradict each other.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from reports.analysis.estimates import Estimate, Observation, PValues, Unmeasured, estimate, median_p_values
from reports.analysis.signed_rank import WalshAverages

ByBlock = Mapping[int, Observation]
"""The trials of one treatment by the number of their block."""
NO_COMMON_BLOCK = Unmeasured("no block has a valid trial of both treatments")


@dataclass(frozen=True)
class Comparison:
    """One treatment against another in one metric."""

    ratio: Estimate | Unmeasured
    shift: Estimate | Unmeasured
    cliffs_delta: float | None
    """-1: every trial is below every one of the reference, +1: every one is above, 0: neither tends to be larger."""
    p_value: float | None
    """Two-sided, of "no difference": a ratio of 1, or where there is no ratio a shift of 0; None where there is neither."""


def compare(treatment: ByBlock, reference: ByBlock) -> Comparison:
    """All measures of effect."""
    return Comparison(
        ratio(treatment, reference), shift(treatment, reference), cliffs_delta(treatment, reference), p_value(treatment, reference)
    )


def ratio(numerator: ByBlock, denominator: ByBlock) -> Estimate | Unmeasured:
    """The typical ratio within a block, with its interval over blocks."""
    found = ratios(numerator, denominator)
    return found if isinstance(found, Unmeasured) else ratio_estimate(list(found.values()))


def ratios(numerator: ByBlock, denominator: ByBlock) -> ByBlock | Unmeasured:
    """The ratio within each block that has both; one block without a ratio leaves the comparison without one."""
    blocks = sorted(numerator.keys() & denominator.keys())
    if not blocks:
        return NO_COMMON_BLOCK
    found: dict[int, Observation] = {}
    for block in blocks:
        above, below = numerator[block], denominator[block]
        quotient = divided(above, below)
        if quotient is None:
            return Unmeasured(f"block {block} has {above.low:g} above the line and {below.low:g} below it, which has no ratio")
        found[block] = quotient
    return found


def ratio_estimate(found: Sequence[Observation]) -> Estimate | Unmeasured:
    """The typical ratio and its interval.

    Where every ratio is a positive number, the exact signed-rank estimate of their logarithms: the median of the geometric means of all
    pairs. Where one is 0, infinite or censored it has no logarithm, and the estimate is the median of the ratios with its interval by
    whole order statistics, which needs none.
    """
    if not found or not _have_logarithms(found):
        return estimate(found, interpolated=False)
    return WalshAverages.of_ratios(_values(found)).estimate()


def ratio_p_values(found: Sequence[Observation], bound: float) -> PValues:
    """P-values of the typical ratio against a positive bound, by the test whose interval ``ratio_estimate`` gives.

    Raises:
        ValueError: There is no ratio.
    """
    if not found or not _have_logarithms(found):
        return median_p_values(found, bound, interpolated=False)
    return WalshAverages.of_ratios(_values(found)).p_values(bound)


def divided(above: Observation, below: Observation) -> Observation | None:
    """One by the other, with the bounds that follow; something by nothing is infinite, None where it is undefined."""
    if (above.low == 0 and below.low == 0) or (math.isinf(above.low) and math.isinf(below.low)):
        return None
    return Observation(_divide(above.low, below.high), _divide(above.high, below.low))


def _divide(above: float, below: float) -> float:
    if below == 0:
        return math.inf if above > 0 else 0.0
    return 0.0 if math.isinf(below) else above / below


def shift(treatment: ByBlock, reference: ByBlock) -> Estimate | Unmeasured:
    """The typical difference, treatment minus reference, in the metric's unit.

    Where every block has a ratio that is a positive number, the shift is the ratio's estimate and interval minus one, times the median
    of the reference over the same blocks. Where a ratio is 0 or infinite, it is the median of the differences with its interval by
    whole order statistics, as the ratio is: a difference is above 0 where the ratio is above 1. Where a block has no ratio at all (0
    against 0), it is the Hodges-Lehmann estimate of the differences, with the exact signed-rank interval.
    """
    blocks = sorted(treatment.keys() & reference.keys())
    if not blocks:
        return NO_COMMON_BLOCK
    if any(_is_unknown(side[block]) for side in (treatment, reference) for block in blocks):
        return Unmeasured("a trial's value is only known to be large, which has no difference")
    found = ratios(treatment, reference)
    if isinstance(found, Unmeasured):
        return WalshAverages.of_differences(_differences(treatment, reference)).estimate()
    if not _have_logarithms(list(found.values())):
        return estimate([Observation.exact(one) for one in _differences(treatment, reference)], interpolated=False)
    times = WalshAverages.of_ratios(_values(list(found.values()))).estimate()
    usual = float(np.median([reference[block].low for block in blocks]))
    return Estimate((times.value - 1) * usual, (times.low - 1) * usual, (times.high - 1) * usual, times.trials)


def p_value(treatment: ByBlock, reference: ByBlock) -> float | None:
    """Two-sided, that the treatments do not differ; None where they have neither a ratio nor a shift."""
    found = ratios(treatment, reference)
    if not isinstance(found, Unmeasured):
        return ratio_p_values(list(found.values()), 1.0).two_sided
    if isinstance(shift(treatment, reference), Unmeasured):
        return None
    return WalshAverages.of_differences(_differences(treatment, reference)).p_values(0.0).two_sided


def cliffs_delta(treatment: ByBlock, reference: ByBlock) -> float | None:
    """Share of pairs of trials in which the treatment is larger, minus the share in which it is smaller; None without trials.

    Cliff, "Dominance statistics: Ordinal analyses to answer ordinal questions", Psychological Bulletin 114(3), 1993.
    """
    if not treatment or not reference:
        return None
    above = np.array([observation.low for observation in treatment.values()])
    below = np.array([observation.low for observation in reference.values()])
    return float((above[:, None] > below).mean() - (above[:, None] < below).mean())


def _differences(treatment: ByBlock, reference: ByBlock) -> list[float]:
    return [treatment[block].low - reference[block].low for block in sorted(treatment.keys() & reference.keys())]


def _values(found: Sequence[Observation]) -> list[float]:
    return [one.low for one in found]


def _have_logarithms(found: Sequence[Observation]) -> bool:
    return all(not _is_unknown(one) and one.low > 0 for one in found)


def _is_unknown(observation: Observation) -> bool:
    return observation.is_censored or math.isinf(observation.low)
