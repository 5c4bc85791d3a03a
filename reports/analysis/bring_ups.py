"""How much trials differ within a deployment, and how much deployments differ from each other.

Trials of one deployment share its processes, data files and memory layout, so what they agree on may still be particular to it.
Kalibera & Jones, "Rigorous Benchmarking in Reasonable Time", International Symposium on Memory Management 2013, take the levels
of an experiment apart: the variance of a measurement is that between bring-ups plus that between trials of a bring-up.
"""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np

from experiments.definition import Metric
from reports.analysis.estimates import Observation
from reports.analysis.summary import Summary
from reports.loading import RunData

METRICS_BY_LEVEL: Final = (Metric.RESPONSE_P50_MS, Metric.RESPONSE_P95_MS, Metric.RESPONSE_P99_MS, Metric.CPU_MS_PER_REQUEST)
"""Latencies and costs: positive numbers, which vary by factors, so that their logarithms are compared."""


@dataclass(frozen=True)
class Levels:
    """The spread of a positive quantity, as standard deviations of its natural logarithm: 0.05 is about 5 %."""

    between_bring_ups: float
    """What a deployment adds to all of its trials."""
    between_trials: float
    """Within a bring-up."""
    bring_ups: int
    trials: int


def levels(run: RunData, summary: Summary) -> dict[tuple[str, Metric], Levels]:
    """The spread by level of each treatment and metric that allows for it; empty where the run had one bring-up."""
    found: dict[tuple[str, Metric], Levels] = {}
    for treatment in run.record.experiment.treatments:
        for metric in METRICS_BY_LEVEL:
            groups: dict[int, list[float]] = defaultdict(list)
            for trial in run.valid(treatment.name):
                measured = summary.by_trial[trial.record.trial_id][metric]
                value = measured.low if isinstance(measured, Observation) and not measured.is_censored else math.nan
                groups[trial.record.bring_up].append(math.log(value) if value > 0 else math.nan)
            if (spread := components(list(groups.values()))) is not None:
                found[treatment.name, metric] = spread
    return found


def components(groups: Sequence[Sequence[float]]) -> Levels | None:
    """Variance components of a one-way random-effects analysis of variance; ``groups`` are the trials' values by bring-up.

    Estimated by the mean squares, which are unbiased also where groups are of different size; an estimate below zero becomes zero
    (Searle, Casella & McCulloch, "Variance Components", 1992, chapter 3). None with fewer than two groups, without a group of two,
    or where a value is not finite.
    """
    sizes = np.array([len(group) for group in groups])
    total = int(sizes.sum())
    if len(groups) < 2 or total == len(groups) or not all(math.isfinite(value) for group in groups for value in group):  # noqa: PLR2004
        return None
    means = np.array([np.mean(group) for group in groups])
    grand = float(np.average(means, weights=sizes))
    within = sum(float(((np.array(group) - mean) ** 2).sum()) for group, mean in zip(groups, means, strict=True)) / (total - len(groups))
    between = float((sizes * (means - grand) ** 2).sum()) / (len(groups) - 1)
    typical_size = (total - float((sizes**2).sum()) / total) / (len(groups) - 1)
    return Levels(
        between_bring_ups=math.sqrt(max(0.0, (between - within) / typical_size)),
        between_trials=math.sqrt(within),
        bring_ups=len(groups),
        trials=total,
    )
