"""The reload of NGINX, under load."""

from __future__ import annotations

from typing import Final

from experiments.errors import FaultError
from experiments.faults.interfaces import NodeControl
from experiments.faults.looking import await_no_doubt
from experiments.faults.processes import healthy
from infra.deployment import Node

PROOF_TIMEOUT_S: Final = 15.0
"""NGINX reads its configuration and forks new workers within a few milliseconds on an idle machine."""


class Reload:
    """New worker processes with the configuration as it is; the old ones end when their requests are answered."""

    def __init__(self, node: Node, control: NodeControl) -> None:
        self._node = node
        self._control = control
        self._master = 0
        self._workers: frozenset[int] = frozenset()

    def inject(self) -> None:
        """Ask for it.

        Raises:
            FaultError: it doesn't run.
        """
        self._master, self._workers = self._pids()
        self._control.reload_node(self._node.name)

    def proof(self) -> str:
        """The same first process has new worker processes."""
        await_no_doubt(self._doubt, PROOF_TIMEOUT_S)
        _, workers = self._pids()
        new, old = (", ".join(map(str, sorted(pids))) for pids in (workers - self._workers, self._workers))
        return f"worker processes {new}, were {old}"

    def heal(self) -> None:
        """Start it if it has ended; else it is over by itself."""
        self._control.start_node(self._node.name)

    def health(self) -> str:
        """It is ready with its configuration in force."""
        return healthy({self._node.name: self._node}, self._control)

    def _doubt(self) -> str | None:
        master, workers = self._pids()
        if master != self._master:
            return f"{self._node.name} was started anew, not reloaded"
        return None if workers - self._workers else f"{self._node.name} has no new worker process"

    def _pids(self) -> tuple[int, frozenset[int]]:
        processes = [process.pid for process in self._control.processes(self._node.name)]
        if not processes:
            raise FaultError(f"{self._node.name} has no process to reload; it was not running")
        return processes[0], frozenset(processes[1:])
