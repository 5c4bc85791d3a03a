"""What each node did in the measure phase: its share of the answers, its processor time, its SQL; and the cache's hits."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from reports.analysis.counters import increase_over_nodes
from reports.analysis.estimates import Estimate, Observation, Unmeasured
from reports.analysis.measures import INSTRUMENT_NODES, Measured, over_trials, sql_by_database
from reports.loading import TrialData

BYTES_PER_MIB = 2**20
UNWATCHED = Unmeasured("not read throughout the measure phase")


@dataclass(frozen=True)
class NodeRow:
    """One node under one treatment; every number is an estimate over trials, None where it does not apply to the node."""

    node: str
    answered_share: Estimate | Unmeasured | None
    """Share of its service's answers that came from this replica."""
    deliveries_per_s: Estimate | Unmeasured | None
    """Requests that NGINX handed to it, second tries included."""
    failed_deliveries: Estimate | Unmeasured | None
    cpu_share: Estimate | Unmeasured | None
    """Processors that it kept busy, 1 = one whole processor."""
    memory_mib: Estimate | Unmeasured | None
    """Highest resident memory."""
    sql_per_10k_reads: Estimate | Unmeasured | None


@dataclass(frozen=True)
class CacheRow:
    """Redis under one treatment."""

    hits_per_s: Estimate | Unmeasured
    misses_per_s: Estimate | Unmeasured
    hit_ratio: Estimate | Unmeasured


def node_rows(trials: Sequence[TrialData]) -> tuple[NodeRow, ...]:
    """Every node of the system that was watched or answered, by name."""
    shares = [answered_shares(trial) for trial in trials]
    sql = [sql_by_database(trial) for trial in trials]
    deliveries = [_per_s(trial, "upstream_requests") for trial in trials]
    failed_deliveries = [_growth(trial, "upstream_failures") for trial in trials]
    cpu = [_per_s(trial, "cpu_seconds") for trial in trials]
    memory = [_peak_mib(trial) for trial in trials]
    names = sorted({node for values in (*cpu, *shares) for node in values} - INSTRUMENT_NODES)
    return tuple(
        NodeRow(
            node=node,
            answered_share=_estimate_of(node, shares, missing=Observation.exact(0)),
            deliveries_per_s=_estimate_of(node, deliveries),
            failed_deliveries=_estimate_of(node, failed_deliveries),
            cpu_share=_estimate_of(node, cpu),
            memory_mib=_estimate_of(node, memory),
            sql_per_10k_reads=_estimate_of(node, sql),
        )
        for node in names
    )


def answered_shares(trial: TrialData) -> dict[str, Measured]:
    """Each replica's share of the right answers that its service gave in the measure phase."""
    measured = trial.measured
    answered = measured.loc[measured["ok"], "replica"].dropna().astype(str)
    counts = answered.value_counts()
    totals = counts.groupby(counts.index.map(_service)).sum()
    return {str(node): Observation.exact(count / totals[_service(str(node))]) for node, count in counts.items()}


def cache_row(trials: Sequence[TrialData]) -> CacheRow | None:
    """Redis' hits and misses; None where no trial has a cache."""
    nodes = sorted({node for trial in trials for node in trial.samples.get("cache_hits", {})})
    if not nodes:
        return None

    def rate(metric: str) -> Estimate | Unmeasured:
        return over_trials([_per_s(trial, metric).get(nodes[0], UNWATCHED) for trial in trials])

    ratios: list[Measured] = []
    for trial in trials:
        hits, misses = _growth_of(trial, nodes[0], "cache_hits"), _growth_of(trial, nodes[0], "cache_misses")
        if isinstance(hits, Unmeasured) or isinstance(misses, Unmeasured):
            ratios.append(UNWATCHED)
        elif hits.low + misses.low == 0:
            ratios.append(Unmeasured("nothing was looked up"))
        else:
            ratios.append(Observation.exact(hits.low / (hits.low + misses.low)))
    return CacheRow(rate("cache_hits"), rate("cache_misses"), over_trials(ratios))


def _service(replica: str) -> str:
    return replica.rsplit("-", 1)[0]


def _estimate_of(node: str, by_trial: Sequence[Mapping[str, Measured]], missing: Measured = UNWATCHED) -> Estimate | Unmeasured | None:
    """Over trials; ``missing`` stands for a trial in which the node has no value where others have one."""
    if not any(node in values for values in by_trial):
        return None
    return over_trials([values.get(node, missing) for values in by_trial])


def _growth(trial: TrialData, metric: str) -> dict[str, Measured]:
    grown = increase_over_nodes(trial.samples, metric, trial.measure)
    return {node: UNWATCHED if value is None else Observation.exact(value) for node, value in grown.items()}


def _growth_of(trial: TrialData, node: str, metric: str) -> Measured:
    return _growth(trial, metric).get(node, UNWATCHED)


def _per_s(trial: TrialData, metric: str) -> dict[str, Measured]:
    return {node: _divided(value, trial.measure.length_s) for node, value in _growth(trial, metric).items()}


def _peak_mib(trial: TrialData) -> Mapping[str, Measured]:
    window = trial.measure
    peaks = {}
    for node, found in trial.samples.get("memory_bytes", {}).items():
        inside = found.value[(found.at_s >= window.start_s) & (found.at_s <= window.end_s)]
        if inside.size:
            peaks[node] = Observation.exact(inside.max() / BYTES_PER_MIB)
    return peaks


def _divided(value: Measured, by: float) -> Measured:
    return value if isinstance(value, Unmeasured) else Observation.exact(value.low / by)
