"""Claims over the typical trial or block: a median, or a ratio within blocks, by its interval."""

from __future__ import annotations

import math
from collections.abc import Callable

from experiments.definition import TRIALS_FOR_A_VERDICT, BoundClaim, Metric
from reports.analysis.effects import ratio_estimate, ratio_p_values, ratios
from reports.analysis.estimates import Estimate, PValues, Unmeasured, median_p_values
from reports.analysis.power import Statistic
from reports.analysis.summary import Summary
from reports.verdicts.finding import Finding, Sample, Tested, too_few


def judge_typical(claim: BoundClaim, summary: Summary) -> Finding:
    """The median over the valid trials of a treatment."""
    figure = summary.by_treatment[claim.treatment][claim.metric]
    observations = list(summary.blocks[claim.treatment][claim.metric].values())
    bounds = claimed(claim.at_least, claim.at_most)
    if isinstance(figure, Unmeasured):
        return Finding(figure, summary.valid_trials[claim.treatment], None, figure.reason)
    values = tuple(one.low if not one.is_censored else math.inf for one in observations)
    sample = Sample(values, figure.value, bounds, is_log=False, statistic=Statistic.MEDIAN)
    return _finding(figure, sample, lambda bound: median_p_values(observations, bound), claim.at_least, claim.at_most)


def judge_ratio(
    metric: Metric, numerator: str, denominator: str, at_least: float | None, at_most: float | None, summary: Summary
) -> Finding:
    """The typical ratio of two treatments within a block."""
    for name in (numerator, denominator):
        value = summary.by_treatment[name][metric]
        if isinstance(value, Unmeasured):
            fewest = min(summary.valid_trials[numerator], summary.valid_trials[denominator])
            return Finding(value, fewest, None, f"{name}: {value.reason}")
    found = ratios(summary.blocks[numerator][metric], summary.blocks[denominator][metric])
    if isinstance(found, Unmeasured):
        return Finding(found, 0, None, found.reason)
    observations = list(found.values())
    figure = ratio_estimate(observations)
    if isinstance(figure, Unmeasured):
        return Finding(figure, 0, None, figure.reason)
    values = tuple(_log(one.low) if not one.is_censored else math.inf for one in observations)
    bounds = tuple(_log(bound) for bound in claimed(at_least, at_most))
    sample = Sample(values, _log(figure.value), bounds, is_log=True, statistic=Statistic.SIGNED_RANK)
    return _finding(figure, sample, lambda bound: ratio_p_values(observations, bound), at_least, at_most)


def claimed(at_least: float | None, at_most: float | None) -> tuple[float, ...]:
    """The bounds that a claim has."""
    return tuple(bound for bound in (at_least, at_most) if bound is not None)


def _finding(
    figure: Estimate, sample: Sample, p_values: Callable[[float], PValues], at_least: float | None, at_most: float | None
) -> Finding:
    if figure.trials < TRIALS_FOR_A_VERDICT:
        return Finding(figure, figure.trials, None, too_few(figure.trials), sample)
    confirms: list[float] = []
    refutes: list[float] = []
    if at_least is not None:
        found = p_values(at_least)
        confirms.append(found.at_least)
        refutes.append(found.below)
    if at_most is not None:
        found = p_values(at_most)
        confirms.append(found.at_most)
        refutes.append(found.above)
    tested = Tested(min(1.0, 2 * max(confirms)), min(1.0, 2 * min(refutes)), interval_level=1 - figure.confidence)
    return Finding(figure, figure.trials, tested, "", sample)


def _log(value: float) -> float:
    return math.log(value) if value > 0 else -math.inf
