"""Carries out the faults of a trial at their times, heals each whatever happens, and records how it went."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Protocol

from experiments.definition import Fault
from experiments.errors import ExperimentError
from experiments.records.schema import FaultRecord
from infra.errors import InfraError

HEAL_ATTEMPTS = 2
"""A start can lose a race against the supervisor still noticing the death."""


class Disturbance(Protocol):
    """A fault that can be carried out, proven and undone."""

    def inject(self) -> None:
        """Make it happen."""

    def proof(self) -> str:
        """What an independent look shows of it; raises FaultError if it shows nothing."""

    def heal(self) -> None:
        """Undo it, whether or not it took effect; returns when the node is ready again."""


@dataclass
class _Progress:
    injected_s: float | None = None
    proof: str | None = None
    healed_s: float | None = None
    ready_s: float | None = None


class FaultSchedule:
    """The faults of one trial, each on a thread of its own so that a slow heal doesn't hold up another fault."""

    def __init__(
        self,
        faults: Sequence[Fault],
        make: Callable[[Fault], Disturbance],
        *,
        note: Callable[[str], None],
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._runs = [_FaultRun(fault, make(fault), note, clock) for fault in faults]

    def start(self, epoch_s: float) -> None:
        """Begin to wait for the faults' times; ``epoch_s`` is the trial's epoch on the monotonic clock."""
        for run in self._runs:
            run.start(epoch_s)

    def stop(self) -> None:
        """Heal what is injected, inject nothing more, and return when all nodes are ready; idempotent."""
        for run in self._runs:
            run.ask_to_stop()
        for run in self._runs:
            run.join()

    def records(self) -> tuple[FaultRecord, ...]:
        """How each fault went, in the order planned."""
        return tuple(run.record() for run in self._runs)

    def problems(self) -> tuple[str, ...]:
        """Why faults can't be believed or were not undone; empty if all took effect and were healed."""
        return tuple(problem for run in self._runs for problem in run.problems)


class _FaultRun:
    def __init__(self, fault: Fault, disturbance: Disturbance, note: Callable[[str], None], clock: Callable[[], float]) -> None:
        self._fault = fault
        self._disturbance = disturbance
        self._note = note
        self._clock = clock
        self._stop = threading.Event()
        self._progress = _Progress()
        self._epoch_s = 0.0
        self._thread = threading.Thread(target=self._run, name=f"fault-{fault.node}")
        self.problems: list[str] = []

    def start(self, epoch_s: float) -> None:
        self._epoch_s = epoch_s
        self._thread.start()

    def ask_to_stop(self) -> None:
        self._stop.set()

    def join(self) -> None:
        if self._thread.ident is not None:
            self._thread.join()

    def record(self) -> FaultRecord:
        progress = self._progress
        return FaultRecord(
            planned=self._fault,
            injected_s=progress.injected_s,
            proof=progress.proof,
            healed_s=progress.healed_s,
            ready_s=progress.ready_s,
        )

    def _run(self) -> None:
        if self._wait_until(self._fault.at_s):
            self.problems.append(f"the {self._fault.kind} of {self._fault.node} never happened: the trial ended before")
            return
        try:
            self._disturb()
            self._wait_until(self._fault.heal_at_s)
        finally:
            self._heal()

    def _disturb(self) -> None:
        name = f"{self._fault.kind} of {self._fault.node}"
        self._note(name)
        try:
            self._progress.injected_s = self._now_s()
            self._disturbance.inject()
            self._progress.proof = self._disturbance.proof()
        except (ExperimentError, InfraError) as error:
            self.problems.append(f"no proof of the {name}: {error}")

    def _heal(self) -> None:
        self._note(f"healing {self._fault.node}")
        for attempt in range(1, HEAL_ATTEMPTS + 1):
            self._progress.healed_s = self._now_s()
            try:
                self._disturbance.heal()
            except (ExperimentError, InfraError) as error:
                if attempt == HEAL_ATTEMPTS:
                    self.problems.append(f"{self._fault.node} was not healed: {error}")
            else:
                self._progress.ready_s = self._now_s()
                return

    def _now_s(self) -> float:
        return self._clock() - self._epoch_s

    def _wait_until(self, at_s: float) -> bool:
        """Wait for that time of the trial; True if asked to stop before."""
        return self._stop.wait(max(0.0, at_s - self._now_s()))
