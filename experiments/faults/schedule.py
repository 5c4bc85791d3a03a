"""Carries out the faults of a trial when they are due, heals each whatever happens, and records how it went."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

from experiments.definition import AfterAccepted, AfterFault, Event, Fault, LinkFault, start_order
from experiments.errors import ExperimentError
from experiments.faults.interfaces import Disturbance
from experiments.faults.journal import Journal
from experiments.records.schema import FaultRecord
from infra.errors import InfraError

HEAL_ATTEMPTS = 2
"""A start can lose a race against the supervisor still noticing the death."""
LOOK_EVERY_S = 0.05
"""At what a fault waits for."""


@dataclass(frozen=True)
class Surroundings:
    """What a schedule needs besides its faults."""

    make: Callable[[Fault | LinkFault, tuple[str, ...]], Disturbance]
    """What carries out a fault on its targets, as they are when it is due."""
    journal: Journal
    note: Callable[[str], None]
    accepted: Callable[[], int] = lambda: 0
    """How many enrolments of the trial were accepted so far."""
    clock: Callable[[], float] = time.monotonic


@dataclass
class _Progress:
    times_s: dict[Event, float] = field(default_factory=dict)
    proof: str | None = None


class FaultSchedule:
    """The faults of one trial, each on a thread of its own so that a slow heal doesn't hold up another fault.

    Two faults of the same target never hold at the same time: the later one waits until the earlier one is over.
    """

    def __init__(self, faults: Sequence[tuple[Fault | LinkFault, tuple[str, ...]]], around: Surroundings) -> None:
        """``faults`` come with their targets."""
        self._runs = [_FaultRun(fault, targets, around) for fault, targets in faults]
        named = {run.fault.name: run for run in self._runs if run.fault.name is not None}
        order = [self._runs[place] for place in start_order([fault for fault, _ in faults])]
        for place, run in enumerate(order):
            run.follow(named, [earlier for earlier in order[:place] if earlier.targets & run.targets])

    def start(self, epoch_s: float) -> None:
        """Begin to wait for the faults' times; ``epoch_s`` is the trial's epoch on the monotonic clock."""
        for run in self._runs:
            run.start(epoch_s)

    def stop(self) -> None:
        """Heal what is injected, inject nothing more, and return when all targets are well; idempotent."""
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
    def __init__(self, fault: Fault | LinkFault, targets: tuple[str, ...], around: Surroundings) -> None:
        self.fault = fault
        self.targets = frozenset(targets)
        self.problems: list[str] = []
        self.over = threading.Event()
        self._ordered_targets = targets
        self._around = around
        self._stop = threading.Event()
        self._progress = _Progress()
        self._epoch_s = 0.0
        self._named: Mapping[str, _FaultRun] = {}
        self._earlier: Sequence[_FaultRun] = ()
        self._thread = threading.Thread(target=self._run, name=f"fault-{fault.where}")

    def follow(self, named: Mapping[str, _FaultRun], earlier: Sequence[_FaultRun]) -> None:
        self._named = named
        self._earlier = earlier

    def start(self, epoch_s: float) -> None:
        self._epoch_s = epoch_s
        self._thread.start()

    def ask_to_stop(self) -> None:
        self._stop.set()

    def join(self) -> None:
        if self._thread.ident is not None:
            self._thread.join()

    def happened_s(self, event: Event) -> float | None:
        return self._progress.times_s.get(event)

    def record(self) -> FaultRecord:
        times_s = self._progress.times_s
        return FaultRecord(
            planned=self.fault,
            targets=self._ordered_targets,
            injected_s=times_s.get(Event.INJECTED),
            proven_s=times_s.get(Event.PROVEN),
            proof=self._progress.proof,
            healed_s=times_s.get(Event.HEALED),
            ready_s=times_s.get(Event.READY),
        )

    def _run(self) -> None:
        try:
            heal_at_s = self._wait_until_due()
            if heal_at_s is None:
                self.problems.append(f"the {self.fault.title} never happened: the trial ended before")
                return
            disturbance = self._around.make(self.fault, self._ordered_targets)  # not before: another fault may have moved its targets
            key = self._around.journal.enter(self.fault, self._ordered_targets)
            try:
                self._disturb(disturbance)
                self._wait_until(heal_at_s)
            finally:
                if self._heal(disturbance):
                    self._around.journal.remove(key)
        except ExperimentError as error:
            self.problems.append(f"the {self.fault.title} never happened: {error}")
        except InfraError as error:  # of the journal: what can't be written down is not injected
            self.problems.append(f"the {self.fault.title} is not in the journal: {error}")
        finally:
            self.over.set()

    def _disturb(self, disturbance: Disturbance) -> None:
        self._around.note(self.fault.title)
        try:
            self._mark(Event.INJECTED)
            disturbance.inject()
            self._progress.proof = disturbance.proof()
            self._mark(Event.PROVEN)
        except (ExperimentError, InfraError) as error:
            self.problems.append(f"no proof of the {self.fault.title}: {error}")

    def _heal(self, disturbance: Disturbance) -> bool:
        self._around.note(f"healing {self.fault.where}")
        for attempt in range(1, HEAL_ATTEMPTS + 1):
            self._mark(Event.HEALED)
            try:
                disturbance.heal()
                disturbance.health()
            except (ExperimentError, InfraError) as error:
                if attempt == HEAL_ATTEMPTS:
                    self.problems.append(f"{self.fault.where} was not healed: {error}")
            else:
                self._mark(Event.READY)
                return True
        return False

    def _wait_until_due(self) -> float | None:
        """Wait until the fault may be injected; when it is to be healed then, or None if asked to stop before."""
        since_s = self._wait_for_trigger()
        if since_s is None or self._wait_until(since_s + self.fault.at_s):
            return None
        due_s = since_s + self.fault.at_s
        for earlier in self._earlier:
            if not earlier.over.is_set():
                if not self._look_until(earlier.over.is_set):
                    return None
                due_s = self._now_s()
        return due_s + self.fault.duration_s

    def _wait_for_trigger(self) -> float | None:
        """When what the fault waits for happened; 0 if that is nothing, None if asked to stop before."""
        match self.fault.after:
            case AfterFault(fault=name, event=event):
                other = self._named[name]
                return other.happened_s(event) if self._look_until(lambda: other.happened_s(event) is not None) else None
            case AfterAccepted(count=count):
                return self._now_s() if self._look_until(lambda: self._around.accepted() >= count) else None
            case None:
                return 0.0

    def _look_until(self, holds: Callable[[], bool]) -> bool:
        """Whether it came to hold before it was asked to stop."""
        while not holds():
            if self._stop.wait(LOOK_EVERY_S):
                return False
        return True

    def _mark(self, event: Event) -> None:
        self._progress.times_s[event] = self._now_s()

    def _now_s(self) -> float:
        return self._around.clock() - self._epoch_s

    def _wait_until(self, at_s: float) -> bool:
        """Wait for that time of the trial; True if asked to stop before."""
        return self._stop.wait(max(0.0, at_s - self._now_s()))
