"""What counts as proof that a node is down, with real processes and ports."""

from __future__ import annotations

import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager

import psutil
import pytest

from experiments.errors import FaultError
from experiments.faults.exchange import exchange, refuses
from experiments.faults.processes import Crash, Pause, Restart, RollingRestart
from infra.deployment import Node, Role
from tests.fakes.bench import FakeControl

SHORT_S = 0.2


class Control(FakeControl):
    """Kills and pauses a real process, or only pretends to."""

    def __init__(self, process: psutil.Process | None, *, really: bool = True) -> None:
        super().__init__([])
        object.__setattr__(self, "process", process)
        object.__setattr__(self, "really", really)

    process: psutil.Process | None
    really: bool

    def kill_node(self, node: str) -> None:
        """Kill it."""
        super().kill_node(node)
        if self.really and self.process is not None:
            self.process.kill()
            self.process.wait()

    def pause_node(self, node: str) -> None:
        """Pause it."""
        super().pause_node(node)
        if self.really and self.process is not None:
            self.process.suspend()

    def processes(self, node: str) -> list[psutil.Process]:
        """The one process."""
        del node
        return [] if self.process is None else [self.process]


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
        crash = Crash([_node(port)], Control(process))
        crash.inject()
        assert crash.proof() == f"process {process.pid} gone, port {port} refuses connections"


def test_a_process_that_lives_is_no_crash() -> None:
    """A kill that did nothing is found out."""
    with _child() as process:
        crash = Crash([_node(None)], Control(process, really=False))
        crash.inject()
        with pytest.raises(FaultError, match=f"process {process.pid} of courses-2 is still alive"):
            crash.proof()


def test_a_port_that_accepts_is_no_crash() -> None:
    """Another process behind the same port is found out."""
    with _listening() as port, _child() as process:
        crash = Crash([_node(port)], Control(process))
        crash.inject()
        with pytest.raises(FaultError, match=f"port {port} of courses-2 still accepts"):
            crash.proof()


def test_a_node_that_does_not_run_can_not_be_crashed() -> None:
    """There would be nothing to prove."""
    with pytest.raises(FaultError, match="was not running"):
        Crash([_node(None)], Control(None)).inject()


def test_the_proof_of_a_pause_is_a_stopped_process_and_a_silent_port() -> None:
    """The state comes from the kernel; a listening socket that nobody serves stands for the paused server's."""
    with _listening() as port, _child() as process:
        pause = Pause([_node(port)], Control(process))
        pause.inject()
        assert pause.proof() == f"process {process.pid} stopped, port {port} accepts and does not answer"


def test_a_process_that_runs_is_not_paused() -> None:
    """A pause that did nothing is found out."""
    with _child() as process:
        pause = Pause([_node(None)], Control(process, really=False))
        pause.inject()
        with pytest.raises(FaultError, match=rf"process {process.pid} of courses-2 is \w+, not stopped"):
            pause.proof()


def test_a_process_that_is_the_same_as_before_was_not_restarted() -> None:
    """A restart that did nothing is found out, however well the node is."""
    with _child() as process:
        restart = Restart([_node(None)], Control(process))
        restart.inject()
        with pytest.raises(FaultError, match="courses-2 was not started anew"):
            restart.health()
        rolling = RollingRestart([_node(None)], Control(process))
        rolling.inject()
        with pytest.raises(FaultError, match="courses-2 was not started anew"):
            rolling.proof()


class StartingControl(Control):
    """Starts another process, which takes a look or two to appear."""

    def __init__(self, process: psutil.Process, successor: psutil.Process) -> None:
        super().__init__(process)
        object.__setattr__(self, "successor", successor)

    successor: psutil.Process

    def launch_node(self, node: str) -> None:
        """Ask for it; there is none yet."""
        super().launch_node(node)
        object.__setattr__(self, "process", None)

    def unmet(self, node: str) -> str:
        """What a node without a process lacks, at the first look."""
        del node
        if self.process is not None:
            return ""
        object.__setattr__(self, "process", self.successor)
        return "process"


def test_a_restart_that_takes_its_time_is_one() -> None:
    """Right after the start was asked for there is no process at all, which is no old one."""
    with _child() as process, _child() as successor:
        restart = Restart([_node(None)], StartingControl(process, successor))
        restart.inject()
        restart.heal()
        assert restart.health() == "courses-2 ready"


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
        assert not refuses("127.0.0.1", port, SHORT_S)
        for filler in fillers:
            filler.close()


def test_a_host_that_is_gone_refuses_by_its_silence() -> None:
    """As a container's address does; this one is for documentation, and nobody's."""
    assert refuses("192.0.2.1", 1, SHORT_S)


def test_no_answer_is_told_from_a_refusal() -> None:
    """An exchange with a server that accepts and stays silent times out; one with nobody is refused."""
    with _listening() as port, pytest.raises(TimeoutError):
        exchange("127.0.0.1", port, Role.CACHE, SHORT_S)
    with pytest.raises(ConnectionRefusedError):
        exchange("127.0.0.1", port, Role.CACHE, SHORT_S)
