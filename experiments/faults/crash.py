"""The crash fault: SIGKILL of a node's whole process tree, healed by starting the node again."""

from __future__ import annotations

import socket
import time
from collections.abc import Callable, Sequence
from typing import Protocol

import psutil

from experiments.errors import FaultError
from infra.deployment import Node

PROOF_TIMEOUT_S = 1.0
"""Time for the kernel to reap a killed tree and close its sockets; milliseconds in practice."""
PROOF_POLL_S = 0.01
CONNECT_TIMEOUT_S = 0.5
"""A closed port on loopback refuses at once."""


class NodeControl(Protocol):
    """What a deployment lets a fault do to its nodes."""

    def kill_node(self, node: str) -> None:
        """SIGKILL the node's whole process tree."""

    def start_node(self, node: str) -> None:
        """Start the node again if it doesn't run; returns when its readiness check passes."""

    def processes(self, node: str) -> Sequence[psutil.Process]:
        """The node's process tree, as it is now."""


class Crash:
    """One crash of one node."""

    def __init__(self, node: Node, control: NodeControl, *, refuses: Callable[[str, int], bool] | None = None) -> None:
        self._node = node
        self._control = control
        self._refuses = refuses or port_refuses
        self._victims: tuple[psutil.Process, ...] = ()

    def inject(self) -> None:
        """Kill the node.

        Raises:
            FaultError: it has no process to kill.
        """
        self._victims = tuple(self._control.processes(self._node.name))
        if not self._victims:
            raise FaultError(f"{self._node.name} has no process to kill; it was not running")
        self._control.kill_node(self._node.name)

    def proof(self) -> str:
        """What shows, independently of who killed it, that the node is down.

        Raises:
            FaultError: its processes live, or its port still accepts connections.
        """
        deadline = time.monotonic() + PROOF_TIMEOUT_S
        while (doubt := self._doubt()) is not None:
            if time.monotonic() > deadline:
                raise FaultError(doubt)
            time.sleep(PROOF_POLL_S)
        gone = "process " + ", ".join(str(victim.pid) for victim in self._victims) + " gone"
        return gone if self._node.port is None else f"{gone}; port {self._node.port} refuses connections"

    def heal(self) -> None:
        """Start the node again; returns when it is ready. Harmless if it runs."""
        self._control.start_node(self._node.name)

    def _doubt(self) -> str | None:
        if alive := [victim.pid for victim in self._victims if _runs(victim)]:
            return f"process {alive[0]} of {self._node.name} is still alive"
        if self._node.port is not None and not self._refuses(self._node.host, self._node.port):
            return f"port {self._node.port} of {self._node.name} still accepts connections"
        return None


def port_refuses(host: str, port: int) -> bool:
    """A connection attempt is answered by a refusal, as where nobody listens."""
    try:
        socket.create_connection((host, port), timeout=CONNECT_TIMEOUT_S).close()
    except ConnectionRefusedError:
        return True
    except OSError:
        return False
    return False


def _runs(process: psutil.Process) -> bool:
    try:
        return process.is_running() and process.status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False
