"""supervisord of one deployment: starts, lists and forgets its processes; never restarts one by itself."""

from __future__ import annotations

import contextlib
import os
import resource
import secrets
import subprocess
import sys
import time
import xmlrpc.client
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from filelock import FileLock

from infra.errors import NodeError
from infra.home import Home, read_json, write_private
from infra.targets.process import ipc, processes

_START_TIMEOUT_S = 20.0
_REAP_TIMEOUT_S = 5.0
_LOOK_EVERY_S = 0.02
_MOST_FILES = 65_536
_LOG_BYTES = "20MB"
_STATES_AT_REST = ("EXITED", "STOPPED", "FATAL", "BACKOFF")


@dataclass(frozen=True)
class Program:
    """What supervisord has to know of a node; everything else is in the script."""

    name: str
    script: Path
    directory: Path
    log: Path
    user: str | None


@dataclass(frozen=True)
class ProcessState:
    """What supervisord says of a node."""

    state: str
    pid: int | None
    uptime_s: float


class Supervisor:
    """Talks to a deployment's supervisord, which may be dead."""

    def __init__(self, home: Home) -> None:
        self._home = home
        self._dir = home.supervisor_dir

    def launch(self, port: int) -> None:
        """Start it, detached from us, on ``port``; what an earlier one left running is ended first.

        Raises:
            NodeError: it does not come up.
        """
        end_everything(self._home)
        (self._dir / "programs").mkdir(parents=True, exist_ok=True)
        self._dir.chmod(0o700)
        for left in (self._dir / "programs").iterdir():
            left.unlink()
        password = secrets.token_urlsafe(24)
        write_private(self._dir / "supervisord.conf", self._configuration(port, password))
        write_private(self._dir / "access.json", f'{{"port": {port}, "password": "{password}"}}')
        command = [sys.executable, "-m", "supervisor.supervisord", "-c", str(self._dir / "supervisord.conf")]
        environment = {"PATH": os.defpath, "LANG": "C.UTF-8", processes.MARK: str(self._home.path)}
        started = subprocess.run(
            command,
            check=False,
            cwd=self._dir,
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
            timeout=_START_TIMEOUT_S,
        )
        deadline = time.monotonic() + _START_TIMEOUT_S
        while started.returncode == 0 and time.monotonic() < deadline:
            if self.is_up():
                return
            time.sleep(_LOOK_EVERY_S)
        raise NodeError(f"supervisord did not start; see {self._dir / 'supervisord.log'}")

    def shut_down(self) -> None:
        """End it and everything of the deployment that is still there."""
        main = self.process()
        if main is not None:
            main.terminate()
            processes.wait_gone([main], 5.0)
        end_everything(self._home)
        for file in ("access.json", "supervisord.conf", "pid"):
            (self._dir / file).unlink(missing_ok=True)

    def process(self) -> Any:
        """Its process, None where it is dead."""
        return processes.recorded(self._dir / "pid", self._home.path)

    def is_up(self) -> bool:
        """Whether it answers."""
        try:
            with self._rpc() as rpc:
                return bool(rpc.getState()["statename"] == "RUNNING")
        except NodeError:
            return False

    def add(self, program: Program) -> None:
        """Make a program known, without starting it."""
        user = f"user={program.user}\n" if program.user else ""
        text = (
            f"[program:{program.name}]\ncommand={program.script}\ndirectory={program.directory}\n{user}"
            "autostart=false\nautorestart=false\nstartsecs=0\nstartretries=0\nstopasgroup=true\nkillasgroup=true\nstopwaitsecs=5\n"
            f"umask=077\nredirect_stderr=true\nstdout_logfile={program.log}\nstdout_logfile_maxbytes={_LOG_BYTES}\n"
            "stdout_logfile_backups=2\n"
        )
        with self._changing() as rpc:
            write_private(self._program_file(program.name), text)
            rpc.reloadConfig()
            rpc.addProcessGroup(program.name)

    def remove(self, name: str) -> None:
        """Forget a program whose processes have ended; not known is fine."""
        if not self._program_file(name).exists():
            return
        self._wait_reaped(name)
        with self._changing() as rpc:
            with contextlib.suppress(_UnknownProgramError):
                rpc.removeProcessGroup(name)
            self._program_file(name).unlink(missing_ok=True)
            rpc.reloadConfig()

    def start(self, name: str) -> None:
        """Start a known program that does not run.

        Raises:
            NodeError: it can't be started.
        """
        self._wait_reaped(name)
        with self._rpc() as rpc:
            wait = False
            rpc.startProcess(name, wait)

    def states(self) -> dict[str, ProcessState]:
        """Every known program.

        Raises:
            NodeError: supervisord does not answer.
        """
        with self._rpc() as rpc:
            return {
                info["name"]: ProcessState(
                    state=info["statename"],
                    pid=info["pid"] or None,
                    uptime_s=float(info["now"] - info["start"]) if info["pid"] else 0.0,
                )
                for info in rpc.getAllProcessInfo()
            }

    def _wait_reaped(self, name: str) -> None:
        """A process that has just ended counts as running until supervisord has taken notice."""
        deadline = time.monotonic() + _REAP_TIMEOUT_S
        while (found := self.states().get(name)) and found.state not in _STATES_AT_REST and time.monotonic() < deadline:
            time.sleep(_LOOK_EVERY_S)

    def _program_file(self, name: str) -> Path:
        return self._dir / "programs" / f"{name}.conf"

    @contextlib.contextmanager
    def _changing(self) -> Iterator[Any]:
        """One change of the configuration at a time: each reads all files again."""
        with FileLock(self._dir / "changes.lock"), self._rpc() as rpc:
            yield rpc

    @contextlib.contextmanager
    def _rpc(self) -> Iterator[Any]:
        access = read_json(self._dir / "access.json")
        if not access:
            raise NodeError(f"the deployment {self._home.name!r} has no supervisord; bring it up again")
        url = f"http://spirelab:{access['password']}@127.0.0.1:{access['port']}/RPC2"
        try:
            with xmlrpc.client.ServerProxy(url) as proxy:
                yield proxy.supervisor
        except xmlrpc.client.Fault as fault:
            if fault.faultString.startswith("BAD_NAME"):
                raise _UnknownProgramError(fault.faultString) from fault
            raise NodeError(f"supervisord of {self._home.name!r} refuses: {fault.faultString}") from fault
        except (OSError, xmlrpc.client.ProtocolError) as error:
            raise NodeError(f"supervisord of {self._home.name!r} does not answer ({error}); bring the deployment up again") from error

    def _configuration(self, port: int, password: str) -> str:
        files = min(resource.getrlimit(resource.RLIMIT_NOFILE)[1], _MOST_FILES)
        user = "user=root\n" if os.geteuid() == 0 else ""
        return (
            f"[supervisord]\n{user}logfile={self._dir}/supervisord.log\nlogfile_maxbytes=5MB\nlogfile_backups=1\nloglevel=warn\n"
            f"pidfile={self._dir}/pid\nnodaemon=false\nsilent=true\nminfds={files}\nminprocs=64\ndirectory={self._dir}\n"
            f"childlogdir={self._dir}\numask=022\n"
            f"[inet_http_server]\nport=127.0.0.1:{port}\nusername=spirelab\npassword={password}\n"
            "[rpcinterface:supervisor]\nsupervisor.rpcinterface_factory=supervisor.rpcinterface:make_main_rpcinterface\n"
            f"[include]\nfiles={self._dir}/programs/*.conf\n"
        )


def end_everything(home: Home) -> bool:
    """SIGKILL all processes of the deployment and remove what they leave in the kernel; whether there was any.

    Raises:
        NodeError: a process would not go.
    """
    found = processes.kill_all_of(home.path)
    ipc.forget_dead_servers(home.data_root)
    return found


class _UnknownProgramError(NodeError):
    """supervisord has no program of that name."""
