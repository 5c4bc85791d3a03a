"""What a deployment could leave behind on the machine, looked up without asking infra."""

from __future__ import annotations

import contextlib
from dataclasses import dataclass
from pathlib import Path

import psutil

from infra import operations
from infra.deployment import Deployment, Role
from infra.settings import Settings


@dataclass(frozen=True)
class Traces:
    """What belonged to a deployment while it was up."""

    folder: Path
    processes: tuple[psutil.Process, ...]
    ports: frozenset[int]
    keys: frozenset[int]
    """Of its System V shared memory."""

    def left(self) -> list[str]:
        """What is still there, in words."""
        found = [f"process {process}" for process in self.processes if is_alive(process)]
        found += [f"process {process}" for process in _mentioning(self.folder)]
        found += [f"port {port}" for port in self.ports & _listening()]
        found += [f"shared memory segment with the key {key}" for key in self.keys & _keys_in_use()]
        return found + ([f"folder {self.folder}"] if self.folder.exists() else [])


def of(deployment: Deployment) -> Traces:
    """Take down what it has now."""
    folder = folder_of(deployment.name)
    members = [process for node in deployment.nodes for process in operations.processes(deployment, node.name)]
    members.append(psutil.Process(int((folder / "supervisor" / "pid").read_text())))
    ports = set()
    for process in members:
        with contextlib.suppress(psutil.Error):
            ports |= {connection.laddr.port for connection in process.net_connections("tcp") if connection.status == psutil.CONN_LISTEN}
    databases = [node.name for node in deployment.nodes if node.role is Role.DATABASE]
    return Traces(folder, tuple(members), frozenset(ports), frozenset(_key_of(folder / "data" / name) for name in databases))


def of_half_made(name: str) -> Traces:
    """The same of a deployment that was not finished: whatever there is now of its folders; PostgreSQL's keys are their inodes."""
    folder = folder_of(name)
    return Traces(folder, (), frozenset(), frozenset(path.stat().st_ino for path in (folder / "data").glob("*")))


def is_alive(process: psutil.Process) -> bool:
    """Whether it runs, and not only waits for its parent to notice its end."""
    try:
        return process.is_running() and process.status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


def folder_of(name: str) -> Path:
    """The deployment's folder."""
    return Settings().state_dir / "deployments" / name


def _key_of(data: Path) -> int:
    return int((data / "postmaster.pid").read_text().splitlines()[6].split()[0])


def _keys_in_use() -> set[int]:
    return {int(row.split()[0]) for row in Path("/proc/sysvipc/shm").read_text().splitlines()[1:]}


def _listening() -> set[int]:
    return {
        connection.laddr.port
        for connection in psutil.net_connections("tcp")
        if connection.status == psutil.CONN_LISTEN and connection.laddr
    }


def _mentioning(folder: Path) -> list[psutil.Process]:
    """Processes with the folder on their command line, in their environment or as their working directory."""
    found = []
    for process in psutil.process_iter():
        with contextlib.suppress(psutil.Error):
            if process.status() == psutil.STATUS_ZOMBIE:
                continue
            text = " ".join((*process.cmdline(), *process.environ().values(), process.cwd()))
            if f"{folder}/" in f"{text}/":
                found.append(process)
    return found
