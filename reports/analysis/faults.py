"""When faults were planned, carried out, healed and over: per trial, and the typical times for the charts."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from statistics import median

from experiments.records.schema import FaultRecord
from reports.loading import TrialData


@dataclass(frozen=True)
class FaultSpan:
    """One planned fault of a treatment with its median times over trials, seconds since the epoch."""

    where: str
    kind: str
    injected_s: float
    healed_s: float
    ready_s: float


def fault_spans(trials: Sequence[TrialData]) -> tuple[FaultSpan, ...]:
    """The faults of a treatment's trials, in the order of the plan; what was never carried out in any trial is left out.

    A heal or readiness that was never seen counts as the end of the load.
    """
    if not trials:
        return ()
    spans = []
    for place, fault in enumerate(trials[0].record.faults):
        happened = [(trial, _at(trial, place)) for trial in trials]
        carried_out = [
            (trial, record, record.injected_s) for trial, record in happened if record is not None and record.injected_s is not None
        ]
        if not carried_out:
            continue
        spans.append(
            FaultSpan(
                where=fault.planned.where,
                kind=fault.planned.kind.replace("_", " "),
                injected_s=median(injected_s for _, _, injected_s in carried_out),
                healed_s=median(_or_end(trial, record.healed_s) for trial, record, _ in carried_out),
                ready_s=median(_or_end(trial, record.ready_s) for trial, record, _ in carried_out),
            )
        )
    return tuple(spans)


def _at(trial: TrialData, place: int) -> FaultRecord | None:
    return trial.record.faults[place] if place < len(trial.record.faults) else None


def _or_end(trial: TrialData, time_s: float | None) -> float:
    return trial.load_end_s if time_s is None else time_s
