"""The life of a fault: carried out, proven, healed."""

from __future__ import annotations

import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

import psutil
import pytest

from experiments.definition import Fault
from experiments.errors import FaultError
from experiments.faults.crash import Crash, port_refuses
from experiments.faults.schedule import FaultSchedule
from infra.deployment import Node, Role
from infra.errors import InfraError

SOON = Fault(node="courses-2", at_s=0.0, duration_s=0.05)
LATER = Fault(node="courses-2", at_s=60.0, duration_s=60.0)
LONG = Fault(node="courses-2", at_s=0.0, duration_s=60.0)


class Recorder:
    """A disturbance that remembers its life, and fails where it is told to."""

    def __init__(self, *, inject: Exception | None = None, proof: Exception | None = None, heal: tuple[Exception | None, ...] = ()) -> None:
        self.events: list[str] = []
        self.injected = threading.Event()
        self._inject, self._proof, self._heal = inject, proof, list(heal)

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


def _schedule(fault: Fault, recorder: Recorder) -> FaultSchedule:
    return FaultSchedule([fault], lambda _: recorder, note=lambda _: None)


def _run(recorder: Recorder) -> FaultSchedule:
    schedule = _schedule(SOON, recorder)
    schedule.start(time.monotonic())
    recorder.injected.wait()
    time.sleep(SOON.duration_s)
    schedule.stop()
    return schedule


def test_a_fault_is_carried_out_proven_and_healed_in_this_order() -> None:
    """The record has the time of each step, and there is nothing to complain of."""
    recorder = Recorder()
    schedule = _run(recorder)
    (record,) = schedule.records()
    assert recorder.events == ["inject", "proof", "heal"]
    assert record.proof == "seen"
    assert record.injected_s is not None
    assert record.healed_s is not None
    assert record.ready_s is not None
    assert SOON.at_s <= record.injected_s < record.healed_s <= record.ready_s
    assert schedule.problems() == ()


@pytest.mark.parametrize("where", ["inject", "proof"])
def test_a_fault_without_proof_is_healed_all_the_same(where: str) -> None:
    """What nobody saw may still have happened; the problem is named."""
    error = FaultError("nothing happened")
    recorder = Recorder(inject=error) if where == "inject" else Recorder(proof=error)
    schedule = _run(recorder)
    assert recorder.events[-1] == "heal"
    assert schedule.records()[0].proof is None
    assert schedule.problems() == ("no proof of the crash of courses-2: nothing happened",)


def test_a_fault_that_crashes_the_lab_itself_is_healed() -> None:
    """Healing doesn't depend on why the injection ended."""
    recorder = Recorder(inject=InfraError("the supervisor is gone"))
    assert _run(recorder).records()[0].healed_s is not None


def test_stopping_early_heals_at_once() -> None:
    """The end of a trial doesn't wait for the planned healing."""
    recorder = Recorder()
    schedule = _schedule(LONG, recorder)
    schedule.start(time.monotonic())
    recorder.injected.wait()
    schedule.stop()
    schedule.stop()
    assert recorder.events == ["inject", "proof", "heal"]


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
    assert recorder.events == ["inject", "proof", "heal", "heal"]
    assert schedule.problems() == ()


def test_a_node_that_can_not_be_healed_is_a_problem() -> None:
    """The record shows that it was never ready again."""
    schedule = _run(Recorder(heal=(InfraError("no"), InfraError("never"))))
    assert schedule.records()[0].ready_s is None
    assert schedule.problems() == ("courses-2 was not healed: never",)


class Control:
    """Kills real processes, or only pretends to."""

    def __init__(self, process: psutil.Process | None, *, really: bool = True) -> None:
        self._process = process
        self._really = really

    def kill_node(self, node: str) -> None:
        """Kill it."""
        del node
        if self._really and self._process is not None:
            self._process.kill()
            self._process.wait()

    def start_node(self, node: str) -> None:
        """Nothing to start."""

    def processes(self, node: str) -> list[psutil.Process]:
        """The one process."""
        del node
        return [] if self._process is None else [self._process]


def _node(port: int | None) -> Node:
    return Node(name="courses-2", role=Role.SERVICE, group="courses", port=port, log_path="")


@contextmanager
def _child() -> Iterator[psutil.Process]:
    with subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE) as child:
        try:
            yield psutil.Process(child.pid)
        finally:
            child.kill()


@contextmanager
def _listening() -> Iterator[int]:
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield server.getsockname()[1]


def test_the_proof_of_a_crash_is_a_dead_process_and_a_refusing_port() -> None:
    """Both are looked at by the fault itself, not taken from who killed the node."""
    with _listening() as port:
        pass
    with _child() as process:
        crash = Crash(_node(port), Control(process))
        crash.inject()
        assert crash.proof() == f"process {process.pid} gone; port {port} refuses connections"


def test_a_process_that_lives_is_no_crash() -> None:
    """A kill that did nothing is found out."""
    with _child() as process:
        crash = Crash(_node(None), Control(process, really=False))
        crash.inject()
        with pytest.raises(FaultError, match=f"process {process.pid} of courses-2 is still alive"):
            crash.proof()


def test_a_port_that_accepts_is_no_crash() -> None:
    """Another process behind the same port is found out."""
    with _listening() as port, _child() as process:
        crash = Crash(_node(port), Control(process))
        crash.inject()
        with pytest.raises(FaultError, match=f"port {port} of courses-2 still accepts"):
            crash.proof()


def test_a_node_that_does_not_run_can_not_be_crashed() -> None:
    """There would be nothing to prove."""
    with pytest.raises(FaultError, match="was not running"):
        Crash(_node(None), Control(None)).inject()


def test_a_silent_port_does_not_refuse() -> None:
    """Only a refusal counts: a full backlog, as of a paused process, is no proof."""
    with socket.socket() as server:
        server.bind(("127.0.0.1", 0))
        server.listen(0)
        port = server.getsockname()[1]
        fillers = [socket.socket() for _ in range(2)]
        for filler in fillers:
            filler.settimeout(0)
            filler.connect_ex(("127.0.0.1", port))
        assert not port_refuses("127.0.0.1", port)
        for filler in fillers:
            filler.close()
