"""The life of faults: carried out when due, proven, healed whatever happens, and written down."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Mapping

import pytest

from experiments.definition import AfterAccepted, AfterFault, Event, Fault, LinkFault
from experiments.errors import FaultError
from experiments.faults.schedule import FaultSchedule, Surroundings
from infra.errors import InfraError
from tests.fakes.bench import MemoryJournal

SOON = Fault(node="courses-2", at_s=0.0, duration_s=0.05)
LATER = Fault(node="courses-2", at_s=60.0, duration_s=60.0)
LONG = Fault(node="courses-2", at_s=0.0, duration_s=60.0)
PATIENCE_S = 20.0


class Recorder:
    """A disturbance that remembers its life, and fails where it is told to."""

    def __init__(
        self,
        *,
        inject: Exception | None = None,
        proof: Exception | None = None,
        heal: tuple[Exception | None, ...] = (),
        health: Exception | None = None,
    ) -> None:
        self.events: list[str] = []
        self.injected = threading.Event()
        self._inject, self._proof, self._heal, self._health = inject, proof, list(heal), health

    def inject(self) -> None:
        """Remember, or fail."""
        self.events.append("inject")
        self.injected.set()
        if self._inject is not None:
            raise self._inject

    def proof(self) -> str:
        """Remember, or fail."""
        self.events.append("proof")
        if self._proof is not None:
            raise self._proof
        return "seen"

    def heal(self) -> None:
        """Remember, or fail as often as told."""
        self.events.append("heal")
        if self._heal and (error := self._heal.pop(0)) is not None:
            raise error

    def health(self) -> str:
        """Remember, or fail."""
        self.events.append("health")
        if self._health is not None:
            raise self._health
        return "well"


class Bench:
    """A schedule of faults, each of one target, whose disturbances are recorders."""

    def __init__(self, faults: Mapping[Fault, Recorder], *, accepted: Callable[[], int] = lambda: 0) -> None:
        self.journal = MemoryJournal()
        self.notes: list[str] = []
        around = Surroundings(
            make=lambda fault, _: faults[_of_node(fault)], journal=self.journal, note=self.notes.append, accepted=accepted
        )
        self.schedule = FaultSchedule([(fault, (fault.node,)) for fault in faults], around)


def _of_node(fault: Fault | LinkFault) -> Fault:
    assert isinstance(fault, Fault)
    return fault


def _schedule(fault: Fault, recorder: Recorder) -> FaultSchedule:
    return Bench({fault: recorder}).schedule


def _run(recorder: Recorder) -> FaultSchedule:
    schedule = _schedule(SOON, recorder)
    schedule.start(time.monotonic())
    recorder.injected.wait()
    time.sleep(SOON.duration_s)
    schedule.stop()
    return schedule


def _all_over(schedule: FaultSchedule) -> None:
    deadline = time.monotonic() + PATIENCE_S
    while any(record.ready_s is None for record in schedule.records()):
        assert time.monotonic() < deadline
        time.sleep(0.01)
    schedule.stop()


def test_a_fault_is_carried_out_proven_and_healed_in_this_order() -> None:
    """The record has the time of each step, and there is nothing to complain of."""
    recorder = Recorder()
    schedule = _run(recorder)
    (record,) = schedule.records()
    assert recorder.events == ["inject", "proof", "heal", "health"]
    assert record.targets == ("courses-2",)
    assert record.proof == "seen"
    assert record.injected_s is not None
    assert record.proven_s is not None
    assert record.healed_s is not None
    assert record.ready_s is not None
    assert SOON.at_s <= record.injected_s <= record.proven_s <= record.healed_s <= record.ready_s
    assert schedule.problems() == ()


@pytest.mark.parametrize("where", ["inject", "proof"])
def test_a_fault_without_proof_is_healed_all_the_same(where: str) -> None:
    """What nobody saw may still have happened; the problem is named."""
    error = FaultError("nothing happened")
    recorder = Recorder(inject=error) if where == "inject" else Recorder(proof=error)
    schedule = _run(recorder)
    assert recorder.events[-2:] == ["heal", "health"]
    assert schedule.records()[0].proof is None
    assert schedule.records()[0].proven_s is None
    assert schedule.problems() == ("no proof of the crash of courses-2: nothing happened",)


@pytest.mark.parametrize("error", [InfraError("the supervisor is gone"), RuntimeError("a bug")])
@pytest.mark.filterwarnings("ignore::pytest.PytestUnhandledThreadExceptionWarning")
def test_a_fault_that_crashes_the_lab_itself_is_healed(error: Exception) -> None:
    """Healing doesn't depend on why the injection ended."""
    assert _run(Recorder(inject=error)).records()[0].healed_s is not None


def test_stopping_early_heals_at_once() -> None:
    """The end of a trial doesn't wait for the planned healing."""
    recorder = Recorder()
    schedule = _schedule(LONG, recorder)
    schedule.start(time.monotonic())
    recorder.injected.wait()
    schedule.stop()
    schedule.stop()
    assert recorder.events == ["inject", "proof", "heal", "health"]


def test_a_fault_whose_time_did_not_come_never_happens() -> None:
    """It leaves no time in the record, and is a problem of the trial."""
    recorder = Recorder()
    schedule = _schedule(LATER, recorder)
    schedule.start(time.monotonic())
    schedule.stop()
    assert recorder.events == []
    assert schedule.records()[0].injected_s is None
    assert schedule.problems() == ("the crash of courses-2 never happened: the trial ended before",)


def test_stopping_before_the_start_does_nothing() -> None:
    """A trial that fails before its load has no fault to heal."""
    recorder = Recorder()
    _schedule(SOON, recorder).stop()
    assert recorder.events == []


def test_healing_is_tried_again() -> None:
    """The first attempt may come too early."""
    recorder = Recorder(heal=(InfraError("not yet"), None))
    schedule = _run(recorder)
    assert recorder.events == ["inject", "proof", "heal", "heal", "health"]
    assert schedule.problems() == ()


@pytest.mark.parametrize("recorder", [Recorder(heal=(InfraError("no"), InfraError("never"))), Recorder(health=FaultError("never"))])
def test_a_node_that_can_not_be_healed_is_a_problem(recorder: Recorder) -> None:
    """The record shows that it was never ready again, whether the healing failed or nothing shows its success."""
    bench = Bench({SOON: recorder})
    bench.schedule.start(time.monotonic())
    recorder.injected.wait()
    bench.schedule.stop()
    assert bench.schedule.records()[0].ready_s is None
    assert bench.schedule.problems() == ("courses-2 was not healed: never",)
    assert len(bench.journal.entries) == 1, "what is not healed stays in the journal"


def test_a_fault_is_in_the_journal_before_it_is_injected_and_until_it_is_healed() -> None:
    """A lab that is killed at any moment leaves a journal that tells what to heal."""
    seen: list[int] = []

    class Watching(Recorder):
        def inject(self) -> None:
            seen.append(len(bench.journal.entries))
            super().inject()

        def health(self) -> str:
            seen.append(len(bench.journal.entries))
            return super().health()

    recorder = Watching()
    bench = Bench({SOON: recorder})
    bench.schedule.start(time.monotonic())
    _all_over(bench.schedule)
    assert seen == [1, 1]
    assert bench.journal.entries == {}


def test_what_can_not_be_written_into_the_journal_is_not_injected() -> None:
    """A fault that nobody could heal after a crash never happens."""

    class FullDisk(MemoryJournal):
        def enter(self, fault: Fault | LinkFault, targets: tuple[str, ...]) -> str:
            del fault, targets
            raise InfraError("the disk is full")

    recorder = Recorder()
    around = Surroundings(make=lambda *_: recorder, journal=FullDisk(), note=lambda _: None)
    schedule = FaultSchedule([(SOON, ("courses-2",))], around)
    schedule.start(time.monotonic())
    schedule.stop()
    assert recorder.events == []
    assert schedule.problems() == ("the crash of courses-2 is not in the journal: the disk is full",)


@pytest.mark.parametrize("event", list(Event))
def test_a_fault_waits_for_a_step_of_another(event: Event) -> None:
    """It is carried out after the step, and counts its own time from it."""
    first = Fault(name="first", node="broker", duration_s=0.05)
    second = Fault(node="cache", after=AfterFault(fault="first", event=event), at_s=0.05, duration_s=0.05)
    schedule = Bench({first: Recorder(), second: Recorder()}).schedule
    schedule.start(time.monotonic())
    _all_over(schedule)
    times = {Event.INJECTED: "injected_s", Event.PROVEN: "proven_s", Event.HEALED: "healed_s", Event.READY: "ready_s"}
    earlier, later = schedule.records()
    waited_for = getattr(earlier, times[event])
    assert later.injected_s is not None
    assert later.injected_s >= waited_for + 0.05
    assert schedule.problems() == ()


def test_a_fault_waits_for_accepted_enrolments() -> None:
    """It is carried out when the load has brought about as many as planned."""
    accepted = 0
    fault = Fault(node="broker", after=AfterAccepted(count=3), duration_s=0.05)
    recorder = Recorder()
    schedule = Bench({fault: recorder}, accepted=lambda: accepted).schedule
    schedule.start(time.monotonic())
    time.sleep(0.2)
    assert recorder.events == []
    accepted = 3
    _all_over(schedule)
    assert schedule.problems() == ()


def test_two_faults_of_one_target_never_hold_at_the_same_time() -> None:
    """The later one waits until the target is well, however long the healing of the earlier one takes."""
    slow, released = threading.Event(), threading.Event()

    class SlowToHeal(Recorder):
        def heal(self) -> None:
            slow.set()
            released.wait(PATIENCE_S)
            super().heal()

    first, second = SlowToHeal(), Recorder()
    bench = Bench({Fault(node="broker", duration_s=0.01): first, Fault(node="broker", at_s=0.02, duration_s=0.01): second})
    bench.schedule.start(time.monotonic())
    slow.wait(PATIENCE_S)
    time.sleep(0.1)
    assert second.events == []
    released.set()
    _all_over(bench.schedule)
    earlier, later = bench.schedule.records()
    assert earlier.ready_s is not None
    assert later.injected_s is not None
    assert later.injected_s >= earlier.ready_s


def test_faults_of_different_targets_hold_together() -> None:
    """One that lasts doesn't keep another from happening."""
    long, short = Recorder(), Recorder()
    bench = Bench({Fault(node="broker", duration_s=60): long, Fault(node="cache", duration_s=0.01): short})
    bench.schedule.start(time.monotonic())
    short.injected.wait(PATIENCE_S)
    long.injected.wait(PATIENCE_S)
    assert "heal" not in long.events
    bench.schedule.stop()
    assert bench.schedule.problems() == ()
