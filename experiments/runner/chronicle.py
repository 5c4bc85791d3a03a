"""The lab's part of a trial's history, and the whole of it when the trial is over."""

from __future__ import annotations

import time
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from experiments.definition import Fault, LinkFault
from experiments.faults.interfaces import Disturbance
from experiments.records.history import Event, FaultEvent, Mark, Row
from experiments.records.journal import Journal, merged, read_journal
from experiments.records.schema import PhaseRecord

LAB_JOURNAL: Final = "lab.jsonl"
LOAD_JOURNAL: Final = "load.jsonl"


class Chronicle:
    """Appends what the lab does and sees to its journal, at once; the load generator has one beside it."""

    def __init__(self, folder: Path) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self._folder = folder
        self._epoch_s = 0.0
        self._journal = Journal(folder / LAB_JOURNAL)

    @property
    def load_journal(self) -> Path:
        """Where the load generator appends its operations."""
        return self._folder / LOAD_JOURNAL

    def begin(self, epoch_s: float) -> None:
        """Set the trial's epoch, on the monotonic clock, before anything is entered."""
        self._epoch_s = epoch_s

    def now_s(self) -> float:
        """Seconds since the trial's epoch."""
        return time.monotonic() - self._epoch_s

    def append(self, *events: Event) -> None:
        """Add events; may be called by several threads."""
        self._journal.append(*events)

    def append_before(self, rows: Sequence[Row]) -> None:
        """Add what was looked at before the epoch was known, on the monotonic clock."""
        shift_s = self._epoch_s
        self.append(*(row.model_copy(update={"at_s": row.at_s - shift_s, "began_s": row.began_s - shift_s}) for row in rows))

    def recorded(self, fault: Fault | LinkFault, disturbance: Disturbance) -> Disturbance:
        """The disturbance, whose steps are entered here."""
        return _RecordedDisturbance(fault, disturbance, self)

    def events(self) -> tuple[Event, ...]:
        """All that is known of the trial by now, by time."""
        return merged(read_journal(self._folder / LAB_JOURNAL).events, read_journal(self.load_journal).events)

    def problems(self) -> tuple[str, ...]:
        """What the history certainly lacks."""
        is_cut_off = read_journal(self.load_journal).is_cut_off
        return ("the load generator was killed while it wrote to its history, whose last line is cut off",) if is_cut_off else ()

    def close(self) -> None:
        """End it."""
        self._journal.close()


class PhaseMarks:
    """Enters the beginning of each phase when its time has come."""

    def __init__(self, phases: Sequence[PhaseRecord], chronicle: Chronicle) -> None:
        self._coming = list(phases)
        self._chronicle = chronicle

    def look(self) -> None:
        """Enter those whose time has come."""
        while self._coming and self._chronicle.now_s() >= self._coming[0].start_s:
            phase = self._coming.pop(0)
            self._chronicle.append(Mark(at_s=phase.start_s, name=phase.phase.value))


class _RecordedDisturbance:
    def __init__(self, fault: Fault | LinkFault, disturbance: Disturbance, chronicle: Chronicle) -> None:
        self._fault = fault
        self._disturbance = disturbance
        self._chronicle = chronicle

    def inject(self) -> None:
        self._enter("begin")
        self._disturbance.inject()

    def proof(self) -> str:
        proof = self._disturbance.proof()
        self._enter("proven", proof)
        return proof

    def heal(self) -> None:
        self._enter("healed")
        self._disturbance.heal()

    def health(self) -> str:
        health = self._disturbance.health()
        self._enter("ready", health)
        return health

    def _enter(self, step: str, detail: str | None = None) -> None:
        event = {"at_s": self._chronicle.now_s(), "step": step, "kind": self._fault.kind, "node": self._fault.where, "detail": detail}
        self._chronicle.append(FaultEvent.model_validate(event))
