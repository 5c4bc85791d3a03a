"""Second by second: what clients saw and what the nodes did, each the median over a treatment's trials with their range."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from experiments.records.schema import METRICS
from reports.analysis.counters import rates
from reports.analysis.percentiles import SAMPLES_BEYOND_IN_SERIES, TAILS_PER_MILLE, highest_tail, is_supported, percentile
from reports.analysis.seconds import BIN_S, by_bin
from reports.analysis.service import quality
from reports.loading import TrialData, Window

PerTrial = Callable[[TrialData, NDArray[np.float64]], NDArray[np.float64]]
"""A trial and the edges of the bins to one number a bin; NaN where there is none."""


@dataclass(frozen=True)
class Series:
    """One number a second: the median over trials, and the smallest and largest trial; NaN where no trial has one."""

    middle_s: tuple[float, ...]
    """Middle of each bin, seconds since the trial's epoch."""
    median: tuple[float, ...]
    low: tuple[float, ...]
    high: tuple[float, ...]


def series(trials: Sequence[TrialData], per_trial: PerTrial) -> Series:
    """One quantity over the whole seconds that the load of every trial lasted."""
    whole = int(min((trial.load_end_s for trial in trials), default=0) // BIN_S)
    edges = np.arange(whole + 1, dtype=np.float64) * BIN_S
    if whole == 0:
        return Series((), (), (), ())
    frame = pd.DataFrame(np.array([per_trial(trial, edges) for trial in trials]))
    return Series(
        middle_s=tuple(((edges[:-1] + edges[1:]) / 2).tolist()),
        median=tuple(frame.median().tolist()),
        low=tuple(frame.min().tolist()),
        high=tuple(frame.max().tolist()),
    )


def answered_per_s(trial: TrialData, edges: NDArray[np.float64]) -> NDArray[np.float64]:
    """Right answers by the second in which they came."""
    return _count(trial.requests.loc[trial.requests["ok"], "ended_s"], edges)


def served_share(trial: TrialData, edges: NDArray[np.float64]) -> NDArray[np.float64]:
    """Share of the requests that were answered right and in time, by the second in which they were due."""
    shares, _ = quality(trial, Window(edges[0], edges[-1]))
    return shares


def failed_per_s(trial: TrialData, edges: NDArray[np.float64]) -> NDArray[np.float64]:
    """Failed requests by the second in which they were due."""
    return _count(trial.requests.loc[~trial.requests["ok"], "intended_s"], edges)


def response_ms(per_mille: int) -> PerTrial:
    """A percentile of the response time of answered requests by the second in which they were due, where the second supports it."""

    def per_trial(trial: TrialData, edges: NDArray[np.float64]) -> NDArray[np.float64]:
        def one(values: NDArray[np.float64]) -> float:
            return percentile(values, per_mille) if is_supported(len(values), per_mille, SAMPLES_BEYOND_IN_SERIES) else np.nan

        return _by_bin(trial, edges, one)

    return per_trial


def slowest_ms(trial: TrialData, edges: NDArray[np.float64]) -> NDArray[np.float64]:
    """The slowest answer by the second in which its request was due: an observed value, no estimate of anything."""
    return _by_bin(trial, edges, lambda values: float(values.max()) if values.size else np.nan)


def series_tail(trials: Sequence[TrialData]) -> int:
    """The highest tail, in per mille, that a typical second of these trials supports; the lowest one where it supports none."""
    counts = [len(trial.requests) / trial.load_end_s for trial in trials]
    return highest_tail(int(np.median(counts)) if counts else 0, SAMPLES_BEYOND_IN_SERIES) or TAILS_PER_MILLE[-1]


def node_series(trials: Sequence[TrialData], metric: str) -> dict[str, Series]:
    """A probe metric by node: a counter as growth per second, a gauge as its mean in the second."""
    nodes = sorted({node for trial in trials for node in trial.samples.get(metric, {})})
    return {node: series(trials, _node_values(node, metric)) for node in nodes}


def _node_values(node: str, metric: str) -> PerTrial:
    is_counter = METRICS[metric].kind == "counter"

    def per_trial(trial: TrialData, edges: NDArray[np.float64]) -> NDArray[np.float64]:
        found = trial.samples.get(metric, {}).get(node)
        if found is None:
            return np.full(len(edges) - 1, np.nan)
        if is_counter:
            return rates(found.at_s, found.value, edges)
        return np.array([values.mean() if values.size else np.nan for values in by_bin(found.at_s, found.value, edges)])

    return per_trial


def _by_bin(trial: TrialData, edges: NDArray[np.float64], one: Callable[[NDArray[np.float64]], float]) -> NDArray[np.float64]:
    answered = trial.requests[trial.requests["ok"]]
    due_s, response_ms = (answered[column].to_numpy(dtype=np.float64) for column in ("intended_s", "response_ms"))
    return np.array([one(values) for values in by_bin(due_s, response_ms, edges)])


def _count(times: pd.Series[float], edges: NDArray[np.float64]) -> NDArray[np.float64]:
    return np.histogram(times.to_numpy(dtype=np.float64), bins=edges)[0].astype(np.float64) / BIN_S
