"""Finds and ends the processes of a deployment, whoever is their parent by now.

Every process that we start carries :data:`MARK` in its environment or works in the deployment's folder, and its children
inherit that: so they are found after their supervisor, or the command that started it, was killed, and a recycled pid
is never taken for one of ours.
"""

from __future__ import annotations

import contextlib
import signal
import time
from collections.abc import Iterable
from pathlib import Path

import psutil

from infra.errors import NodeError
from infra.home import PULUMI

MARK = "SPIRELAB_HOME"
NODE_MARK = "SPIRELAB_NODE"
_LOOK_EVERY_S = 0.02


def belongs(process: psutil.Process, home: Path) -> bool:
    """Whether the process was started for the deployment in ``home``; the Pulumi CLI that may be making it is no part of it."""
    return _has_mark(process, MARK, str(home)) or (_works_in(process, home) and not _works_in(process, home / PULUMI))


def all_of(home: Path) -> list[psutil.Process]:
    """Every living process of the deployment, and what descends from them."""
    found: dict[int, psutil.Process] = {}
    for process in psutil.process_iter():
        if process.pid not in found and belongs(process, home):
            found.update((member.pid, member) for member in tree(process))
    return list(found.values())


def of_node(node: str, home: Path, folders: Iterable[Path]) -> list[psutil.Process]:
    """Every living process of one node, found by its mark or because it works in one of the node's ``folders``."""
    places = tuple(folders)
    return [
        process for process in all_of(home) if _has_mark(process, NODE_MARK, node) or any(_works_in(process, folder) for folder in places)
    ]


def recorded(pid_file: Path, home: Path) -> psutil.Process | None:
    """The process that wrote its pid into ``pid_file``, if that is alive and still the same."""
    try:
        process = psutil.Process(int(pid_file.read_text()))
    except (OSError, ValueError, psutil.NoSuchProcess):
        return None
    return process if is_alive(process) and belongs(process, home) else None


def tree(process: psutil.Process) -> list[psutil.Process]:
    """A process and its descendants, parents first."""
    try:
        return [process, *process.children(recursive=True)]
    except psutil.NoSuchProcess:
        return []


def is_alive(process: psutil.Process) -> bool:
    """Whether it runs; a zombie does not."""
    try:
        return process.is_running() and process.status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


def send(processes: Iterable[psutil.Process], number: signal.Signals) -> None:
    """Signal each; one that is gone already is no error."""
    for process in processes:
        with contextlib.suppress(psutil.NoSuchProcess):
            process.send_signal(number)


def wait_gone(processes: Iterable[psutil.Process], timeout_s: float) -> list[psutil.Process]:
    """Wait until all have ended; those that have not after ``timeout_s``."""
    deadline = time.monotonic() + timeout_s
    living = [process for process in processes if is_alive(process)]
    while living and time.monotonic() < deadline:
        time.sleep(_LOOK_EVERY_S)
        living = [process for process in living if is_alive(process)]
    return living


def kill_all_of(home: Path) -> bool:
    """SIGKILL everything of the deployment, also what is started meanwhile; whether there was anything.

    Raises:
        NodeError: a process would not go.
    """
    found_any = False
    while members := all_of(home):
        found_any = True
        if stuck := kill(members):
            raise NodeError(f"process {stuck[0].pid} of {home.name!r} can't be killed; it hangs in the kernel")
    return found_any


def kill(processes: Iterable[psutil.Process], timeout_s: float = 5.0) -> list[psutil.Process]:
    """SIGKILL all, and wait; those that would not go (stuck in the kernel)."""
    members = list(processes)
    send(members, signal.SIGKILL)
    return wait_gone(members, timeout_s)


def memory_bytes(processes: Iterable[psutil.Process]) -> int:
    """Proportional set size of all together; resident size of those that the kernel does not tell us more of."""
    total = 0
    for process in processes:
        with contextlib.suppress(psutil.Error):
            try:
                total += process.memory_full_info().pss
            except psutil.AccessDenied:
                total += process.memory_info().rss
    return total


def _has_mark(process: psutil.Process, name: str, value: str) -> bool:
    with contextlib.suppress(psutil.Error, OSError):
        return process.environ().get(name) == value
    return False


def _works_in(process: psutil.Process, folder: Path) -> bool:
    with contextlib.suppress(psutil.Error, OSError):
        return Path(process.cwd()).is_relative_to(folder)
    return False
