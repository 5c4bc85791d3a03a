"""The metrics that claims speak of: one number of each trial, over its measure phase.

A request belongs to the measure phase if it was due in it, however late it was answered. Failed requests are never dropped: they
count as slower than every answer, so a percentile that more requests failed than lie beyond it is infinite.
"""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from experiments.definition import READS, Metric, node_names
from reports.analysis.backlog import backlog_peak, decided_after_heal, drain_after_ready
from reports.analysis.counters import increase_over_nodes
from reports.analysis.detection import time_to_detect
from reports.analysis.estimates import Estimate, Observation, Unmeasured, estimate
from reports.analysis.failures import (
    failed_during_fault,
    failures_during_fault,
    slowest_response,
    tail_after_ratio,
    tail_ratio,
    time_to_first_failure,
    time_to_mitigate,
)
from reports.analysis.percentiles import SAMPLES_BEYOND, is_supported, label, percentile
from reports.analysis.pooled import Counts
from reports.analysis.recovery import recovery_after_heal, recovery_after_ready, time_to_recover
from reports.analysis.service import NOTHING_DUE, due, error_budget_spent, lost_service_s, not_served, objective_met
from reports.loading import MS_PER_S, TrialData

Measured = Observation | Unmeasured
PER_10K = 10_000
INSTRUMENT_NODES = frozenset({"links"})
"""Nodes of a deployment that belong to the lab and not to the system: the proxies of its links."""
READ_DATABASES = ("courses-db", "students-db")
"""The servers behind the cached reads. enrollment-db answers none of them and is polled all the time. At these two an idle deployment runs
no statement (30 s were counted), so nothing has to be subtracted."""


def measures(trial: TrialData, control: TrialData | None = None) -> dict[Metric, Measured]:
    """Every metric of one trial; ``control`` is the control trial of its block, if that is valid."""
    return {metric: compute(trial) for metric, compute in _COMPUTE.items()} | {
        metric: compute(trial, control) for metric, compute in _COMPUTE_AGAINST_CONTROL.items()
    }


def over_trials(values: list[Measured]) -> Estimate | Unmeasured:
    """Estimate over the valid trials of a treatment; one trial without a number leaves the treatment without one."""
    for value in values:
        if isinstance(value, Unmeasured):
            return value
    return estimate([value for value in values if isinstance(value, Observation)])


def latencies(requests: pd.DataFrame, column: str) -> NDArray[np.float64]:
    """A latency column with failures as infinity."""
    return np.where(requests["ok"], requests[column], math.inf).astype(np.float64)


def latency_percentile(requests: pd.DataFrame, column: str, per_mille: int) -> Measured:
    """A percentile of a latency, if the sample supports it."""
    if not is_supported(len(requests), per_mille):
        return Unmeasured(f"{len(requests)} requests leave fewer than {SAMPLES_BEYOND} beyond {label(per_mille)}")
    return Observation.exact(percentile(latencies(requests, column), per_mille))


def failed_requests(trial: TrialData) -> int:
    """Arrivals of the measure phase that got no right answer."""
    return due(trial) - int(trial.measured["ok"].sum())


def failures(trial: TrialData) -> Counts | Unmeasured:
    """The same, of all arrivals of the measure phase."""
    arrivals = due(trial)
    return Counts(failed_requests(trial), arrivals) if arrivals else NOTHING_DUE


def losses(trial: TrialData) -> dict[Metric, Counts | Unmeasured]:
    """What each metric that can be pooled over trials counts: the requests that were lost, of how many."""
    missed = not_served(trial)
    return {
        Metric.AVAILABILITY: failures(trial),
        Metric.OBJECTIVE_MET: missed,
        Metric.ERROR_BUDGET_SPENT: missed,
        Metric.FAILED_DURING_FAULT: failures_during_fault(trial),
    }


def sql_by_database(trial: TrialData) -> dict[str, Measured]:
    """SQL statements by database server for every 10,000 reads answered.

    Everything that the services' roles ran in the phase is counted, so enrolments, their worker and the outbox's polling contribute
    too: this is what the table by node shows.
    """
    measured = trial.measured
    reads = int((measured["ok"] & measured["operation"].isin(list(READS))).sum())
    grown = {
        node: count for node, count in increase_over_nodes(trial.samples, "sql_statements", trial.measure).items() if node.endswith("-db")
    }
    databases = sorted(grown.keys() | {f"{service}-db" for service in trial.record.topology.services()})
    if reads == 0:
        return {node: Unmeasured("no read was answered") for node in databases}
    return {node: _per_10k(node, grown.get(node), reads) for node in databases}


def _per_10k(node: str, statements: float | None, reads: int) -> Measured:
    if statements is None:
        return Unmeasured(f"the SQL counter of {node} was not read throughout the measure phase")
    return Observation.exact(statements / reads * PER_10K)


def _sql_per_10k_reads(trial: TrialData) -> Measured:
    """Of the servers behind the reads only; what enrolments make these two do is part of it."""
    by_database = sql_by_database(trial)
    found = [by_database[node] for node in READ_DATABASES]
    for value in found:
        if isinstance(value, Unmeasured):
            return value
    return Observation.exact(sum(value.low for value in found if isinstance(value, Observation)))


def _cpu_ms_per_request(trial: TrialData) -> Measured:
    answered = int(trial.measured["ok"].sum())
    if answered == 0:
        return Unmeasured("no request was answered")
    watched = increase_over_nodes(trial.samples, "cpu_seconds", trial.measure)
    grown = {node: seconds for node, seconds in watched.items() if node not in INSTRUMENT_NODES}
    if lost := [node for node in sorted(node_names(trial.record.topology) | grown.keys()) if grown.get(node) is None]:
        return Unmeasured(f"the processor time of {lost[0]} was not read throughout the measure phase")
    return Observation.exact(sum(seconds or 0.0 for seconds in grown.values()) * MS_PER_S / answered)


def _throughput_per_s(trial: TrialData) -> Measured:
    window = trial.measure
    ended = trial.requests.loc[trial.requests["ok"], "ended_s"]
    return Observation.exact(((ended >= window.start_s) & (ended < window.end_s)).sum() / window.length_s)


def _availability(trial: TrialData) -> Measured:
    failed = failures(trial)
    return failed if isinstance(failed, Unmeasured) else Observation.exact(1 - failed.share)


def _failed_requests(trial: TrialData) -> Measured:
    failed = failures(trial)
    return failed if isinstance(failed, Unmeasured) else Observation.exact(failed.events)


def _response(per_mille: int) -> Callable[[TrialData], Measured]:
    return lambda trial: latency_percentile(trial.measured, "response_ms", per_mille)


_COMPUTE: dict[Metric, Callable[[TrialData], Measured]] = {
    Metric.RESPONSE_P50_MS: _response(500),
    Metric.RESPONSE_P95_MS: _response(950),
    Metric.RESPONSE_P99_MS: _response(990),
    Metric.THROUGHPUT_PER_S: _throughput_per_s,
    Metric.AVAILABILITY: _availability,
    Metric.FAILED_REQUESTS: _failed_requests,
    Metric.SQL_PER_10K_READS: _sql_per_10k_reads,
    Metric.CPU_MS_PER_REQUEST: _cpu_ms_per_request,
    Metric.SLOWEST_RESPONSE_MS: slowest_response,
    Metric.OBJECTIVE_MET: objective_met,
    Metric.ERROR_BUDGET_SPENT: error_budget_spent,
    Metric.LOST_SERVICE_S: lost_service_s,
    Metric.FAILED_DURING_FAULT: failed_during_fault,
    Metric.TIME_TO_FIRST_FAILURE_S: time_to_first_failure,
    Metric.TIME_TO_DETECT_S: time_to_detect,
    Metric.TIME_TO_MITIGATE_S: time_to_mitigate,
    Metric.BACKLOG_PEAK: backlog_peak,
    Metric.DRAIN_AFTER_READY_S: drain_after_ready,
    Metric.DECIDED_AFTER_HEAL_S: decided_after_heal,
}
_COMPUTE_AGAINST_CONTROL: dict[Metric, Callable[[TrialData, TrialData | None], Measured]] = {
    Metric.TIME_TO_RECOVER_S: time_to_recover,
    Metric.RECOVERY_AFTER_HEAL_S: recovery_after_heal,
    Metric.RECOVERY_AFTER_READY_S: recovery_after_ready,
    Metric.TAIL_RATIO: tail_ratio,
    Metric.TAIL_AFTER_RATIO: tail_after_ratio,
}
