"""One node as a supervised process: create, start, wait, reload, stop, forget."""

from __future__ import annotations

import contextlib
import json
import re
import shutil
import signal
import subprocess
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psutil

from infra import readiness
from infra.errors import CancelledError, NodeError
from infra.home import Home, read_json, write_private
from infra.progress import Watch
from infra.targets.declaration import NodeDeclaration, Software, StopSignal
from infra.targets.process import cluster, ipc, processes
from infra.targets.process.software import Launch, script
from infra.targets.process.supervisor import Program, Supervisor

_LOOK_EVERY_S = 0.05
_GRACE_S = 8.0
_LOG_LINES = 15
_DECLARATION = "declaration.json"
"""In a node's folder: what it is, for whoever wants to kill or start it, whichever engine made it."""
_COLOUR = re.compile(r"\x1b\[[0-9;]*m")


@dataclass(frozen=True)
class ProcessNode:
    """A node of a deployment, running or not."""

    home: Home
    declaration: NodeDeclaration

    @property
    def name(self) -> str:
        """The node's name."""
        return self.declaration.name

    @property
    def _supervisor(self) -> Supervisor:
        return Supervisor(self.home)

    @property
    def _pid_file(self) -> Path:
        return self.home.node_dir(self.name) / "pid"

    @property
    def _record_file(self) -> Path:
        return self.home.node_dir(self.name) / "record.json"

    def _record(self) -> dict[str, Any]:
        return read_json(self._record_file)

    def create(self, launch: Launch, watch: Watch) -> None:
        """Lay out its folders, start it and wait until it is ready; a node that fails is stopped and forgotten again.

        Raises:
            NodeError: it ended, or was not ready in time.
            CancelledError: the command is ending.
        """
        began = time.monotonic()
        if self.home.node_dir(self.name).exists():
            self.delete()  # it ended by itself, or a killed command left it half-made
        try:
            self._lay_out(launch)
            if self.declaration.software is Software.POSTGRESQL:
                cluster.create(self.home.data_dir(self.name), self.home.root.templates_dir, launch, self.declaration.first_start)
            self._supervisor.add(
                Program(
                    name=self.name,
                    script=self.home.node_dir(self.name) / "run",
                    directory=self.home.node_dir(self.name),
                    log=self.home.log_file(self.name),
                    user=launch.user,
                )
            )
            self.start()
            self.wait_ready(watch)
        except BaseException:
            self.delete()
            raise
        watch.progress.done(self.name, "ready", time.monotonic() - began)

    def start(self) -> None:
        """Start it, which it is not yet."""
        self._clean_up_after_death()
        self._pid_file.unlink(missing_ok=True)
        log = self.home.log_file(self.name)
        record = {"starts": self._record().get("starts", 0) + 1, "log_from": log.stat().st_size if log.exists() else 0}
        write_private(self._record_file, json.dumps(record))
        self._supervisor.start(self.name)

    def wait_ready(self, watch: Watch) -> None:
        """Wait until every readiness check passes.

        Raises:
            NodeError: it ended, or was not ready in time.
            CancelledError: the command is ending.
        """
        deadline = time.monotonic() + watch.ready_timeout_s
        said = ""
        while waiting_for := readiness.first_unmet(self.declaration.readiness):
            if waiting_for != said:
                watch.progress.waiting(self.name, waiting_for)
                said = waiting_for
            if watch.cancelled.is_set():
                raise CancelledError(f"gave up waiting for {self.name}")
            if self.has_ended():
                raise NodeError(f"{self.name} ended while it was started{self.last_lines()}")
            if time.monotonic() > deadline:
                raise NodeError(f"{self.name} was not ready in {watch.ready_timeout_s:.0f} s: no {waiting_for}{self.last_lines()}")
            time.sleep(_LOOK_EVERY_S)

    def reload(self, launch: Launch, watch: Watch) -> None:
        """Put changed configuration files in force without a restart, and see that they are.

        Raises:
            NodeError: the server refuses the files, which leaves the earlier ones in force, or does not take them over.
        """
        began = time.monotonic()
        names = (*self.declaration.files, _DECLARATION)
        earlier = {path: path.read_text() for file in names if (path := self._config(file)).exists()}
        self._write_files(launch.user)
        try:
            self._test(launch)
            processes.send(self.processes()[:1], signal.Signals[f"SIG{self.declaration.reload_signal}"])
            self.wait_ready(watch)
        except BaseException:
            for path, text in earlier.items():
                write_private(path, text, owner=launch.user)
            raise
        watch.progress.done(self.name, "reloaded", time.monotonic() - began)

    def stop(self, how: StopSignal, grace_s: float = _GRACE_S) -> None:
        """End it with everything that it started; after ``grace_s`` by force. Not running is fine."""
        members = self.processes() or self._just_started()
        if how is not StopSignal.KILL and members:
            processes.send(members[:1], signal.Signals[f"SIG{how.value}"])
            processes.send(members, signal.SIGCONT)  # a paused process does not hear
            members = processes.wait_gone(members, grace_s)
        left = processes.kill([*members, *self.processes()])
        if left:
            raise NodeError(f"{self.name} (pid {left[0].pid}) can't be killed; it hangs in the kernel")
        self._clean_up_after_death()

    def delete(self) -> None:
        """Stop it and forget everything but its data and its log."""
        if self.declaration.stop_delay_s and self.main_process() is not None:
            time.sleep(self.declaration.stop_delay_s)
        self.stop(self.declaration.stop_signal)
        with contextlib.suppress(NodeError):  # the supervisor may be dead
            self._supervisor.remove(self.name)
        shutil.rmtree(self.home.node_dir(self.name), ignore_errors=True)

    def has_ended(self) -> bool:
        """Whether it was started and is no more; the supervisor has the last word, for a process can't be read while it is exec'ing."""
        if self.main_process() is not None:
            return False
        state = self._supervisor.states().get(self.name)
        return state is None or state.pid is None

    def main_process(self) -> psutil.Process | None:
        """The server's first process, None where it has ended."""
        return processes.recorded(self._pid_file, self.home.path)

    def processes(self) -> list[psutil.Process]:
        """Its whole tree, the first process first; also what a killed first process left behind."""
        main = self.main_process()
        if main is not None:
            return processes.tree(main)
        folders = (self.home.node_dir(self.name), self.home.data_dir(self.name))
        return processes.of_node(self.name, self.home.path, folders)

    def _just_started(self) -> list[psutil.Process]:
        """What the supervisor has forked a moment ago, and does not look like the node yet."""
        with contextlib.suppress(NodeError, psutil.NoSuchProcess):
            state = self._supervisor.states().get(self.name)
            if state is not None and state.pid is not None:
                return [psutil.Process(state.pid)]
        return []

    def restarts(self) -> int:
        """Times it was started again."""
        return max(0, int(self._record().get("starts", 0)) - 1)

    def last_lines(self) -> str:
        """The end of its log, as the tail of an error message."""
        try:
            text = self.home.log_file(self.name).read_bytes()
        except OSError:
            return ""
        start = self._record().get("log_from", 0)
        text = text[start:] if start <= len(text) else text  # it was rotated meanwhile
        lines = [line for line in _COLOUR.sub("", text.decode(errors="replace")).splitlines() if line.strip()][-_LOG_LINES:]
        return f"; the end of {self.home.log_file(self.name)}:\n" + "\n".join(f"    {line}" for line in lines) if lines else ""

    def _lay_out(self, launch: Launch) -> None:
        folder, data = self.home.node_dir(self.name), self.home.data_dir(self.name)
        shutil.rmtree(folder, ignore_errors=True)
        for path in (folder, data):
            path.mkdir(mode=0o700, exist_ok=True)
            if launch.user:
                shutil.chown(path, launch.user, launch.user)
        self._write_files(launch.user)
        write_private(folder / "run", script(launch, self._pid_file), mode=0o700, owner=launch.user)
        self._test(launch)

    def _write_files(self, owner: str | None) -> None:
        for file, text in self.declaration.files.items():
            write_private(self._config(file), text, owner=owner)
        write_private(self._config(_DECLARATION), self.declaration.model_dump_json(), owner=owner)

    def _config(self, file: str) -> Path:
        return self.home.node_dir(self.name) / file

    def _test(self, launch: Launch) -> None:
        if not launch.test:
            return
        done = subprocess.run(
            launch.test,
            cwd=self.home.node_dir(self.name),
            env=launch.environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            check=False,
        )
        if done.returncode != 0:
            raise NodeError(f"{self.name} refuses its configuration:\n{done.stdout.strip()}")

    def _clean_up_after_death(self) -> None:
        if self.declaration.software is Software.POSTGRESQL:
            ipc.forget_dead_server(self.home.data_dir(self.name))


def nodes_of(home: Home) -> dict[str, ProcessNode]:
    """Every node that the deployment has, running or not, by name."""
    found = {}
    for file in sorted(home.node_dir("any").parent.glob(f"*/{_DECLARATION}")):
        with contextlib.suppress(FileNotFoundError):  # another command is taking it down
            found[file.parent.name] = ProcessNode(home, NodeDeclaration.model_validate_json(file.read_text()))
    return found
