"""A CPU hog: busy loops on the processors that a node uses."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Final

import psutil

from experiments.errors import FaultError
from experiments.faults import hog
from experiments.faults.interfaces import NodeControl
from experiments.faults.looking import await_no_doubt
from experiments.faults.processes import healthy, runs
from infra.deployment import Node

PROGRAM: Final = hog.__name__
LONGEST_OVERTIME_S: Final = 60.0
"""Time that a heal may be late before the hogs end by themselves."""
CPU_TIME_S: Final = 0.1
PROOF_TIMEOUT_S: Final = 15.0
"""Time for a hog's interpreter to start and to get its first processor time on a machine that others use."""
END_TIMEOUT_S: Final = 5.0
_REPOSITORY = Path(__file__).resolve().parents[2]


class CpuHog:
    """One process for each processor that the nodes may use."""

    def __init__(self, nodes: Sequence[Node], control: NodeControl, *, deployment: str, duration_s: float) -> None:
        self._nodes = {node.name: node for node in nodes}
        self._control = control
        self._label = f"{deployment}:{','.join(self._nodes)}"
        self._longest_s = duration_s + LONGEST_OVERTIME_S
        self._hogs: list[subprocess.Popen[bytes]] = []

    def inject(self) -> None:
        """Start the hogs.

        Raises:
            FaultError: a node doesn't run.
        """
        for cpu in sorted({cpu for name in self._nodes for cpu in self._cpus(name)}):
            command = [sys.executable, "-m", PROGRAM, self._label, str(cpu), str(self._longest_s)]
            self._hogs.append(
                subprocess.Popen(command, cwd=_REPOSITORY, stdin=subprocess.PIPE, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
            )

    def proof(self) -> str:
        """The kernel has given each hog processor time."""
        await_no_doubt(self._doubt, PROOF_TIMEOUT_S)
        return ", ".join(f"process {child.pid} used {_cpu_time_s(child.pid):.1f} s of a processor" for child in self._hogs)

    def heal(self) -> None:
        """End every hog with this label, whoever started it."""
        for process in self._found():
            process.kill()
        for child in self._hogs:
            child.wait()
            if child.stdin is not None:
                child.stdin.close()

    def health(self) -> str:
        """No hog is left, and the nodes are ready."""
        await_no_doubt(lambda: next((f"hog {process.pid} is still there" for process in self._found()), None), END_TIMEOUT_S)
        return f"no hog left; {healthy(self._nodes, self._control)}"

    def _cpus(self, name: str) -> list[int]:
        processes = self._control.processes(name)
        if not processes:
            raise FaultError(f"{name} has no process to disturb; it was not running")
        return list(processes[0].cpu_affinity())

    def _doubt(self) -> str | None:
        for child in self._hogs:
            if child.poll() is not None:
                return f"hog {child.pid} has ended"
            if _cpu_time_s(child.pid) < CPU_TIME_S:
                return f"hog {child.pid} got no processor time"
        return None if self._hogs else "there is no hog"

    def _found(self) -> list[psutil.Process]:
        return [process for process in psutil.process_iter() if runs(process) and _is_hog(process, self._label)]


def _is_hog(process: psutil.Process, label: str) -> bool:
    try:
        words = process.cmdline()
    except psutil.Error:
        return False
    return PROGRAM in words and label in words


def _cpu_time_s(pid: int) -> float:
    try:
        times = psutil.Process(pid).cpu_times()
    except psutil.NoSuchProcess:
        return 0.0
    return times.user + times.system
