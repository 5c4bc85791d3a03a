"""What a run of the experiment ``calibration`` says of comparisons on its machine: false alarms, power, smallest detectable change.

Equal treatments are compared in pairs, over windows of blocks that don't overlap; each comparison is the ratio within blocks that reports
print for any run. Pairs share trials, so the comparisons are not independent: their share of false alarms is an estimate, whose interval
would be wider than that of as many independent ones.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from itertools import combinations
from typing import Final

import numpy as np

from experiments.definition import Metric, Treatment
from experiments.records.calibration import EQUAL_PREFIX, PLANTED_PREFIX, WINDOW_BLOCKS, CalibratedMetric, Calibration, PlantedSlowdown
from reports.analysis.effects import ByBlock, ratio, ratios, shift
from reports.analysis.estimates import Estimate, Unmeasured
from reports.analysis.power import smallest_detectable, spread
from reports.analysis.summary import Summary, summarise
from reports.errors import ReportError
from reports.loading import RunData

METRICS: Final = (
    Metric.RESPONSE_P50_MS,
    Metric.RESPONSE_P95_MS,
    Metric.RESPONSE_P99_MS,
    Metric.CPU_MS_PER_REQUEST,
    Metric.SQL_PER_10K_READS,
)
"""What is compared."""
BLOCKS_OF_AN_EXPERIMENT: Final = (6, 8, 10, 20)
"""What the smallest detectable change is stated for."""


def calibrate(run: RunData) -> Calibration:
    """Everything that a run of the experiment says of its machine.

    Raises:
        ReportError: The run is of another experiment, isn't over, or has too few valid blocks for a comparison.
    """
    experiment = run.record.experiment
    equal = [treatment.name for treatment in experiment.treatments if treatment.name.startswith(EQUAL_PREFIX)]
    planted = [treatment for treatment in experiment.treatments if treatment.name.startswith(PLANTED_PREFIX)]
    if len(equal) < 2 or not planted or run.record.finished_at is None:  # noqa: PLR2004 - a pair
        raise ReportError(f"{run.record.run_id}: is no finished run of a calibration; `nox -s calibrate` makes one")
    summary = summarise(run)
    metrics = tuple(found for metric in METRICS if (found := _metric(summary, metric, equal, experiment.trials)) is not None)
    if not metrics:
        raise ReportError(f"{run.record.run_id}: no {WINDOW_BLOCKS} blocks are valid, so nothing can be compared; calibrate again")
    return Calibration(
        run_id=run.record.run_id,
        made_at=run.record.finished_at,
        provenance=run.record.provenance,
        topology=experiment.topology,
        rate_per_s=experiment.arrivals.rate_per_s,
        blocks=experiment.trials,
        window=WINDOW_BLOCKS,
        metrics=metrics,
        planted=tuple(_planted(summary, treatment, equal, experiment.trials) for treatment in planted),
    )


def _metric(summary: Summary, metric: Metric, equal: Sequence[str], blocks: int) -> CalibratedMetric | None:
    pairs = [(summary.blocks[one][metric], summary.blocks[other][metric]) for one, other in combinations(equal, 2)]
    found = [estimate for one, other in pairs for estimate in _by_window(one, other, blocks)]
    spreads = [value for one, other in pairs if (value := _spread(one, other)) is not None]
    if not found or not spreads:
        return None
    typical = math.sqrt(float(np.mean(np.square(spreads))))
    return CalibratedMetric(
        metric=metric,
        comparisons=len(found),
        false_alarms=sum(not estimate.low <= 1 <= estimate.high for estimate in found),
        spread=typical,
        smallest_detectable={
            count: None if (least := smallest_detectable(typical, count)) is None else math.exp(least) for count in BLOCKS_OF_AN_EXPERIMENT
        },
    )


def _planted(summary: Summary, treatment: Treatment, equal: Sequence[str], blocks: int) -> PlantedSlowdown:
    metric = Metric.RESPONSE_P50_MS
    slowed = summary.blocks[treatment.name][metric]
    references = [summary.blocks[name][metric] for name in equal]
    found = [estimate for reference in references for estimate in _by_window(slowed, reference, blocks)]
    shifts = [estimate.value for reference in references if isinstance(estimate := shift(slowed, reference), Estimate)]
    return PlantedSlowdown(
        share=float(treatment.name.removeprefix(PLANTED_PREFIX)) / 100,
        delay_us=treatment.delay_us,
        comparisons=len(found),
        found=sum(estimate.low > 1 for estimate in found),
        measured_ms=float(np.median(shifts)) if shifts else 0.0,
    )


def _by_window(one: ByBlock, other: ByBlock, blocks: int) -> Iterator[Estimate]:
    """The ratio over each window of the plan in which all blocks have both."""
    for first in range(0, blocks - WINDOW_BLOCKS + 1, WINDOW_BLOCKS):
        window = range(first, first + WINDOW_BLOCKS)
        if all(block in one and block in other for block in window):
            found = ratio({block: one[block] for block in window}, {block: other[block] for block in window})
            if isinstance(found, Estimate):
                yield found


def _spread(one: ByBlock, other: ByBlock) -> float | None:
    found = ratios(one, other)
    if isinstance(found, Unmeasured) or any(value.low <= 0 or value.is_censored for value in found.values()):
        return None
    return spread([math.log(value.low) for value in found.values()])
