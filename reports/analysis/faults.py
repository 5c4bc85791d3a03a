"""When faults were planned, carried out, healed and over: per trial, and the typical times for the charts."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from statistics import median

from experiments.records.schema import FaultRecord
from reports.analysis.estimates import Unmeasured
from reports.loading import TrialData, Window

NO_FAULT = Unmeasured("no fault is planned")


@dataclass(frozen=True)
class Struck:
    """When a trial was under faults, seconds since its epoch; with several of them from the first to the last."""

    injected_s: float
    healed_s: float | None
    """When the last heal was begun; None: one never was."""
    ready_s: float | None
    """When everything was in good health again; None: something never was."""
    is_instant: bool
    """Every fault was over as soon as it had happened."""
    load_end_s: float

    @property
    def on(self) -> Window:
        """While a fault was in force; what is over at once counts until all is well again."""
        end_s = self.ready_s if self.is_instant else self.healed_s
        return Window(self.injected_s, self.load_end_s if end_s is None else end_s)

    @property
    def until_ready(self) -> Window:
        """From the first injection until everything was in good health again, or the load ended."""
        return Window(self.injected_s, self.load_end_s if self.ready_s is None else min(self.ready_s, self.load_end_s))


def struck(trial: TrialData) -> Struck | Unmeasured:
    """When the trial was under its faults."""
    if not trial.record.faults:
        return NO_FAULT
    carried_out = [(fault, fault.injected_s) for fault in trial.record.faults if fault.injected_s is not None]
    if not carried_out:
        return Unmeasured("the fault was never carried out")
    return Struck(
        injected_s=min(injected_s for _, injected_s in carried_out),
        healed_s=_last([fault.healed_s for fault, _ in carried_out]),
        ready_s=_last([fault.ready_s for fault, _ in carried_out]),
        is_instant=not any(fault.planned.duration_s for fault, _ in carried_out),
        load_end_s=trial.load_end_s,
    )


def _last(times_s: Sequence[float | None]) -> float | None:
    known = [time_s for time_s in times_s if time_s is not None]
    return max(known) if len(known) == len(times_s) else None


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

    So is what is another fault in another trial, as where each draws its own: it has no typical time.
    A heal or readiness that was never seen counts as the end of the load.
    """
    if not trials:
        return ()
    spans = []
    for place, fault in enumerate(trials[0].record.faults):
        happened = [(trial, _at(trial, place)) for trial in trials]
        if any(record is not None and record.planned != fault.planned for _, record in happened):
            continue
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
