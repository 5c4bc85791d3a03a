"""Faults of whole nodes: killed, stopped, paused, restarted, slow to start; one node, or every replica of a group at once."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final

import psutil

from experiments.errors import FaultError
from experiments.faults.exchange import OPENINGS, exchange, refuses
from experiments.faults.interfaces import NodeControl
from experiments.faults.looking import HEALTH_TIMEOUT_S, await_no_doubt, each
from infra.deployment import Node

PROOF_TIMEOUT_S: Final = 9.0
"""Time for the kernel to reap a tree and close its sockets, or to stop it; milliseconds on an idle machine."""
CONNECT_TIMEOUT_S: Final = 1.0
"""A port where somebody listens accepts at once, whatever the listener does; a closed one refuses at once."""
SILENCE_S: Final = 0.3
"""A server that runs answers an opening in a few milliseconds."""


class NodeFault:
    """What the faults of whole nodes have in common: they are over when every node runs, and is ready."""

    def __init__(self, nodes: Sequence[Node], control: NodeControl) -> None:
        self._nodes: Mapping[str, Node] = {node.name: node for node in nodes}
        self._control = control
        self._before: Mapping[str, tuple[psutil.Process, ...]] = {}

    def heal(self) -> None:
        """Start each node if it doesn't run; not waiting, for what it needs to be ready may still have to be healed itself."""
        each(self._nodes, self._control.launch_node)

    def health(self) -> str:
        """Each node's own readiness checks pass."""
        return healthy(self._nodes, self._control)

    def _remember(self) -> None:
        self._before = {name: tuple(self._control.processes(name)) for name in self._nodes}
        if idle := [name for name, processes in self._before.items() if not processes]:
            raise FaultError(f"{idle[0]} has no process to strike; it was not running")

    def _gone(self) -> str:
        await_no_doubt(self._doubt_of_end, PROOF_TIMEOUT_S)
        return "; ".join(f"{_pids(self._before[name])} gone{_refusal(node)}" for name, node in self._nodes.items())

    def _doubt_of_end(self) -> str | None:
        for name, node in self._nodes.items():
            if alive := [process.pid for process in self._before.get(name, ()) if runs(process)]:
                return f"process {alive[0]} of {name} is still alive"
            if node.port is not None and not refuses(node.host, node.port, CONNECT_TIMEOUT_S):
                return f"port {node.port} of {name} still accepts connections"
        return None

    def _is_new(self, name: str) -> bool:
        return bool(now := self._control.processes(name)) and now[0] not in self._before[name]


class Crash(NodeFault):
    """SIGKILL of the whole process tree."""

    def inject(self) -> None:
        """Kill it.

        Raises:
            FaultError: a node has no process to kill.
        """
        self._remember()
        each(self._nodes, self._control.kill_node)

    def proof(self) -> str:
        """Every process is gone, and the ports refuse."""
        return self._gone()


class Stop(NodeFault):
    """An end in good order."""

    def inject(self) -> None:
        """Ask for it, and wait for it.

        Raises:
            FaultError: a node has no process to stop.
        """
        self._remember()
        each(self._nodes, self._control.stop_node)

    def proof(self) -> str:
        """Every process is gone, and the ports refuse."""
        return self._gone()


class Restart(Stop):
    """An end in good order, and a new start."""

    def health(self) -> str:
        """Each node is ready, and is another process than before where that is known."""
        text = super().health()  # a node that is only about to be started has no process yet
        if self._before and (old := [name for name in self._nodes if not self._is_new(name)]):
            raise FaultError(f"{old[0]} was not started anew")
        return text


class RollingRestart(NodeFault):
    """A restart of one node after the other, each as soon as the one before is ready."""

    def inject(self) -> None:
        """Restart all; returns when the last one is ready.

        Raises:
            FaultError: a node has no process to restart.
        """
        self._remember()
        for name in self._nodes:
            self._control.stop_node(name)
            self._control.start_node(name)

    def proof(self) -> str:
        """Every node is another process than before.

        Raises:
            FaultError: one is not.
        """
        if old := [name for name in self._nodes if not self._is_new(name)]:
            raise FaultError(f"{old[0]} was not started anew")
        return "; ".join(
            f"{name} is process {self._control.processes(name)[0].pid}, was {self._before[name][0].pid}" for name in self._nodes
        )


class Pause(NodeFault):
    """SIGSTOP of the whole process tree."""

    def inject(self) -> None:
        """Pause it.

        Raises:
            FaultError: a node has no process to pause.
        """
        self._remember()
        each(self._nodes, self._control.pause_node)

    def proof(self) -> str:
        """The kernel shows every process as stopped, and an opening is not answered.

        Raises:
            FaultError: a process runs, or the server answers.
        """
        await_no_doubt(lambda: first_running(self._nodes, self._control), PROOF_TIMEOUT_S)
        return "; ".join(f"{_pids(self._control.processes(name))} stopped{_silence(node)}" for name, node in self._nodes.items())

    def heal(self) -> None:
        """Resume each node, and start it if it has ended meanwhile."""
        each(self._nodes, self._control.resume_node)
        super().heal()


class SlowStart(Pause):
    """A stop and a start that doesn't come to its end: the new process is held as soon as it is there."""

    def inject(self) -> None:
        """Stop it, start it, hold it.

        Raises:
            FaultError: a node has no process to stop.
        """
        self._remember()
        each(self._nodes, self._begin)

    def proof(self) -> str:
        """A new process is there and stopped, and the node is not ready.

        Raises:
            FaultError: it is ready, or was not started anew.
        """
        await_no_doubt(lambda: first_running(self._nodes, self._control), PROOF_TIMEOUT_S)
        if old := [name for name in self._nodes if not self._is_new(name)]:
            raise FaultError(f"{old[0]} was not started anew")
        if ready := [name for name in self._nodes if not self._control.unmet(name)]:
            raise FaultError(f"{ready[0]} is ready")
        return "; ".join(f"new {_pids(self._control.processes(name))} held, {name} not ready" for name in self._nodes)

    def _begin(self, name: str) -> None:
        self._control.stop_node(name)
        self._control.launch_node(name)
        self._control.pause_node(name)


def healthy(nodes: Mapping[str, Node], control: NodeControl) -> str:
    """Wait until each node's readiness checks pass, and say so.

    Raises:
        FaultError: one is not ready in time.
    """

    def doubt(name: str) -> str | None:
        unmet = control.unmet(name)
        return f"{name} is not ready: no {unmet}" if unmet else None

    each(nodes, lambda name: await_no_doubt(lambda: doubt(name), HEALTH_TIMEOUT_S))
    return f"{', '.join(nodes)} ready"


def first_running(nodes: Mapping[str, Node], control: NodeControl) -> str | None:
    """A process of the nodes that is not stopped, in words."""
    for name in nodes:
        processes = [process for process in control.processes(name) if runs(process)]  # what has just ended is no matter
        if not processes:
            return f"{name} has no process"
        for process in processes:
            if (status := _status(process)) != psutil.STATUS_STOPPED:
                return f"process {process.pid} of {name} is {status}, not stopped"
    return None


def runs(process: psutil.Process) -> bool:
    """Whether it is alive; a zombie is not."""
    return _status(process) not in {psutil.STATUS_ZOMBIE, psutil.STATUS_DEAD}


def _status(process: psutil.Process) -> str:
    try:
        return process.status() if process.is_running() else psutil.STATUS_DEAD
    except psutil.NoSuchProcess:
        return psutil.STATUS_DEAD


def _refusal(node: Node) -> str:
    return "" if node.port is None else f", port {node.port} refuses connections"


def _silence(node: Node) -> str:
    """The words for a server that doesn't answer an opening; nothing for a node that doesn't listen."""
    if node.port is None or node.role not in OPENINGS:
        return ""
    try:
        exchange(node.host, node.port, node.role, SILENCE_S)
    except TimeoutError:
        return f", port {node.port} accepts and does not answer"
    except OSError as error:
        raise FaultError(f"port {node.port} of {node.name} is not silent: {error.strerror or error}") from None
    raise FaultError(f"port {node.port} of {node.name} still answers")


def _pids(processes: Sequence[psutil.Process]) -> str:
    return "process " + ", ".join(str(process.pid) for process in processes)
