"""What may be done to single nodes of the process target: start, stop, pause, limit; for whoever breaks them on purpose."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import time
from collections.abc import Callable
from pathlib import Path

import psutil

from infra import readiness
from infra.errors import NodeError
from infra.progress import Watch
from infra.targets.declaration import Software
from infra.targets.process import processes
from infra.targets.process.node import ProcessNode
from infra.targets.process.supervisor import Supervisor

_ORDERLY_END = {Software.NGINX: signal.SIGQUIT, Software.POSTGRESQL: signal.SIGINT}
"""Where SIGTERM drops what is under way, or waits for every session to end by itself."""
_ORDERLY_END_TIMEOUT_S = 60.0
"""RabbitMQ takes six seconds on an idle machine."""
_APPEAR_TIMEOUT_S = 10.0
_TOOL_TIMEOUT_S = 60.0
"""rabbitmqctl starts a virtual machine of its own, which takes two seconds on an idle machine."""
_LOOK_EVERY_S = 0.01
_STOPPED = frozenset({psutil.STATUS_STOPPED, psutil.STATUS_ZOMBIE, psutil.STATUS_DEAD})


class ProcessControl:
    """The nodes of one deployment."""

    def __init__(self, find: Callable[[str], ProcessNode], watch: Watch, rabbitmqctl: Callable[[], Path]) -> None:
        """``find`` gives a node by its name, ``rabbitmqctl`` the path of that program."""
        self._find = find
        self._watch = watch
        self._rabbitmqctl = rabbitmqctl

    def processes(self, node: str) -> list[psutil.Process]:
        """The node's process tree as it is now, the first process first; empty where it has ended."""
        return self._find(node).processes()

    def unmet(self, node: str) -> str:
        """The first readiness check of the node that doesn't pass now, in words; empty where all pass."""
        return readiness.first_unmet(self._find(node).declaration.readiness)

    def kill_node(self, node: str) -> None:
        """SIGKILL the whole tree, held still first, so that nothing it is just starting outlives it.

        Raises:
            NodeError: it hangs in the kernel.
        """
        found = self._find(node)
        left = processes.kill(_hold(found))
        if left:
            raise NodeError(f"{node} (pid {left[0].pid}) can't be killed; it hangs in the kernel")

    def stop_node(self, node: str) -> None:
        """Ask the node to end, and wait until it has; not running is fine.

        Raises:
            NodeError: it doesn't end.
        """
        found = self._find(node)
        members = found.processes()
        processes.send(members[:1], _ORDERLY_END.get(found.declaration.software, signal.SIGTERM))
        left = processes.wait_gone(members, _ORDERLY_END_TIMEOUT_S)
        if left:
            raise NodeError(f"{node} (pid {left[0].pid}) was asked to end and runs on after {_ORDERLY_END_TIMEOUT_S:.0f} s")

    def launch_node(self, node: str) -> None:
        """Start the node if it doesn't run, and don't wait."""
        found = self._find(node)
        self.resume_node(node)  # whoever killed it may have been killed while it held it still
        if found.main_process() is None and not _is_being_started(found):
            found.start()

    def start_node(self, node: str) -> None:
        """Start the node if it doesn't run; returns when its readiness checks pass.

        Raises:
            NodeError: it does not become ready.
        """
        self.launch_node(node)
        self._find(node).wait_ready(self._watch)

    def pause_node(self, node: str) -> None:
        """SIGSTOP the whole tree, which may just have been started.

        Raises:
            NodeError: there is none.
        """
        found = self._find(node)
        deadline = time.monotonic() + _APPEAR_TIMEOUT_S
        while not found.processes():
            if time.monotonic() > deadline:
                raise NodeError(f"{node} has no process to pause")
            time.sleep(_LOOK_EVERY_S)
        _hold(found)

    def resume_node(self, node: str) -> None:
        """SIGCONT the whole tree; not paused is fine."""
        processes.send(self._find(node).processes(), signal.SIGCONT)

    def reload_node(self, node: str) -> None:
        """SIGHUP to the first process."""
        processes.send(self._find(node).processes()[:1], signal.SIGHUP)

    def limit_file_size(self, node: str, limit_bytes: int | None) -> None:
        """Set RLIMIT_FSIZE of every process of the node; None lifts it. The first process first: what it starts inherits that.

        Done by prlimit as the node's own user: not every root may change the limits of another user's processes.

        Raises:
            NodeError: it can't be changed.
        """
        found = self._find(node)
        limit = "unlimited" if limit_bytes is None else str(limit_bytes)
        done: set[psutil.Process] = set()
        while new := [process for process in found.processes() if process not in done]:
            for process in new:
                done.add(process)
                with contextlib.suppress(psutil.NoSuchProcess):
                    _run_as(process, ["prlimit", f"--pid={process.pid}", f"--fsize={limit}:"])

    def rabbitmqctl(self, node: str, *arguments: str) -> str:
        """What the broker's own command line answers, run with the server's environment, cookie included.

        Raises:
            NodeError: the broker doesn't run, or refuses.
        """
        main = self._find(node).main_process()
        if main is None:
            raise NodeError(f"{node} does not run")
        try:
            return _run_as(main, [str(self._rabbitmqctl()), "--quiet", *arguments], main.environ())
        except psutil.NoSuchProcess:
            raise NodeError(f"{node} has just ended") from None


def _is_being_started(node: ProcessNode) -> bool:
    """The supervisor has forked it a moment ago, and it has not yet left its pid."""
    state = Supervisor(node.home).states().get(node.name)
    try:
        return state is not None and state.pid is not None and processes.is_alive(psutil.Process(state.pid))
    except psutil.NoSuchProcess:
        return False


def _hold(node: ProcessNode) -> list[psutil.Process]:
    """SIGSTOP the tree, parents first, until no process of it runs: one may be starting another at this moment."""
    while running := [process for process in node.processes() if _runs(process)]:
        processes.send(running, signal.SIGSTOP)
        time.sleep(_LOOK_EVERY_S)
    return node.processes()


def _runs(process: psutil.Process) -> bool:
    try:
        return process.status() not in _STOPPED
    except psutil.NoSuchProcess:
        return False


def _run_as(process: psutil.Process, command: list[str], environment: dict[str, str] | None = None) -> str:
    """The output of a command that is run as the user of ``process``; an end of that process meanwhile is no error."""
    as_root = os.geteuid() == 0
    try:
        done = subprocess.run(
            command,
            cwd="/",
            env=environment,
            user=process.uids().real if as_root else None,
            group=process.gids().real if as_root else None,
            extra_groups=[] if as_root else None,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            check=False,
            timeout=_TOOL_TIMEOUT_S,
        )
    except subprocess.TimeoutExpired:
        raise NodeError(f"{Path(command[0]).name} took more than {_TOOL_TIMEOUT_S:.0f} s") from None
    if done.returncode != 0 and process.is_running():
        raise NodeError(f"{Path(command[0]).name} failed: {done.stdout.strip()}")
    return done.stdout.strip()
