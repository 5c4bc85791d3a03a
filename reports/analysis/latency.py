"""Response and service time, throughput and errors of each treatment, over all operations and by operation."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from experiments.definition import Operation
from reports.analysis.estimates import Estimate, Observation, Unmeasured
from reports.analysis.measures import latencies, latency_percentile, over_trials
from reports.analysis.percentiles import PERCENTILES_PER_MILLE, SAMPLES_BEYOND, WHOLE, is_supported, percentile
from reports.loading import TrialData

CURVE_POINTS_PER_DECADE = 12
"""Points of the percentile curve for each further nine."""


@dataclass(frozen=True)
class LatencyRow:
    """One operation (None: all of them) under one treatment; every number is an estimate over trials."""

    operation: Operation | None
    requests: Estimate | Unmeasured
    """Due in the measure phase of a trial."""
    answered_per_s: Estimate | Unmeasured
    """Requests due in the measure phase that were answered, per second of it."""
    error_rate: Estimate | Unmeasured
    response_ms: dict[int, Estimate | Unmeasured]
    """By percentile in per mille."""
    service_ms: dict[int, Estimate | Unmeasured]


@dataclass(frozen=True)
class Curve:
    """Percentile by percentile: the median over trials and the range of the trials."""

    per_mille: tuple[int, ...]
    median: tuple[float, ...]
    low: tuple[float, ...]
    high: tuple[float, ...]


def latency_rows(trials: Sequence[TrialData]) -> tuple[LatencyRow, ...]:
    """All operations together, then each one that occurs, in the order of the definition."""
    frames = [(trial, trial.measured) for trial in trials]
    occurring = [operation for operation in Operation if any((measured["operation"] == operation.value).any() for _, measured in frames)]
    by_operation = [
        _row(operation, [(trial, measured[measured["operation"] == operation.value]) for trial, measured in frames])
        for operation in occurring
    ]
    return (_row(None, frames), *by_operation)


def _row(operation: Operation | None, frames: Sequence[tuple[TrialData, pd.DataFrame]]) -> LatencyRow:
    def percentiles(column: str) -> dict[int, Estimate | Unmeasured]:
        return {
            per_mille: over_trials([latency_percentile(frame, column, per_mille) for _, frame in frames])
            for per_mille in PERCENTILES_PER_MILLE
        }

    return LatencyRow(
        operation=operation,
        requests=over_trials([Observation.exact(len(frame)) for _, frame in frames]),
        answered_per_s=over_trials([Observation.exact(frame["ok"].sum() / trial.measure.length_s) for trial, frame in frames]),
        error_rate=over_trials(
            [Observation.exact(1 - frame["ok"].mean()) if len(frame) else Unmeasured("no request was due") for _, frame in frames]
        ),
        response_ms=percentiles("response_ms"),
        service_ms=percentiles("service_ms"),
    )


def generator_parts(trials: Sequence[TrialData]) -> dict[int, Estimate | Unmeasured]:
    """The load generator's own part of each percentile of the response time, as a share of it, over trials; by percentile in per mille.

    Response time is counted from when a request was due and service time from when it was sent, so the difference of their percentiles
    is the generator's lateness. A percentile beyond which requests failed is infinite in both, and lateness has no part in it.
    """
    frames = [trial.measured for trial in trials]
    return {per_mille: over_trials([_generator_part(frame, per_mille) for frame in frames]) for per_mille in PERCENTILES_PER_MILLE}


def _generator_part(requests: pd.DataFrame, per_mille: int) -> Observation | Unmeasured:
    response, service = (latency_percentile(requests, column, per_mille) for column in ("response_ms", "service_ms"))
    if isinstance(response, Unmeasured) or isinstance(service, Unmeasured):
        return response
    if math.isinf(response.low) or response.low == 0:
        return Observation.exact(0.0)
    return Observation.exact(1 - service.low / response.low)


def curve(trials: Sequence[TrialData], column: str) -> Curve | None:
    """The percentile curve of a latency, up to the last percentile that every trial supports; None without requests."""
    samples = [latencies(trial.measured, column) for trial in trials]
    if not samples or min(len(sample) for sample in samples) < 2 * SAMPLES_BEYOND:
        return None
    fewest = min(len(sample) for sample in samples)
    steps = np.arange(3 * CURVE_POINTS_PER_DECADE + 1) / CURVE_POINTS_PER_DECADE
    wanted = sorted({round(WHOLE * (1 - 10**-step)) for step in steps})
    supported = [per_mille for per_mille in wanted if is_supported(fewest, per_mille)]
    table = np.array([[percentile(sample, per_mille) for per_mille in supported] for sample in samples])
    return Curve(
        per_mille=tuple(supported),
        median=tuple(np.median(table, axis=0).tolist()),
        low=tuple(table.min(axis=0).tolist()),
        high=tuple(table.max(axis=0).tolist()),
    )
