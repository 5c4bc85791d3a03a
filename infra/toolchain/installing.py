"""Has the servers ready to run: finds them, or installs what is missing in the way that this machine allows."""

import fcntl
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

from infra.errors import InfraError
from infra.toolchain import apt, prefix
from infra.toolchain.finding import find
from infra.toolchain.machine import Machine
from infra.toolchain.progress import Progress
from infra.toolchain.runner import Runner
from infra.toolchain.servers import Missing, ServerBinaries, enumeration
from infra.toolchain.trees import prefix_folder

APT = "apt"


def ensure(machine: Machine, run: Runner, note: Callable[[str], None], clock: Callable[[], float]) -> ServerBinaries:
    """The servers of this machine, installed first where they are missing; ``note`` hears what is done and how long it took.

    Raises:
        InfraError: they can't be installed here; names them and the command that gets them.
    """
    servers = find(machine, run)
    if isinstance(servers, ServerBinaries):
        return servers
    if not machine.has_apt:
        packages = enumeration(absent.server.package for absent in servers.absent)
        raise InfraError(f"{servers}; install {packages} with the system's package manager (the lab does so itself on Debian and Ubuntu)")
    try:
        with _alone(machine.cache / "servers.lock", note):
            servers = find(machine, run)  # another may have installed them while we waited
            return servers if isinstance(servers, ServerBinaries) else _install(servers, machine, run, note, clock)
    except OSError as error:
        raise InfraError(f"installing the servers: {error}; make room or give write access there, or set XDG_CACHE_HOME") from error


def _install(missing: Missing, machine: Machine, run: Runner, note: Callable[[str], None], clock: Callable[[], float]) -> ServerBinaries:
    progress = Progress(note, clock)
    lacking = [absent.server for absent in missing.absent]
    names = enumeration(server.name for server in lacking)
    if machine.is_root:
        progress.say(f"installing {names} with apt (they stay stopped, now and at boot)")
        apt.install(lacking, machine, run, progress)
    else:
        progress.say(f"unpacking {names} into {prefix_folder(machine, lacking)} (no root needed, nothing else is changed)")
        prefix.install(lacking, machine, run, progress)
    servers = find(machine, run)
    if isinstance(servers, Missing):
        raise InfraError(f"installed {names}, and yet: {servers}; get these by hand")
    versions = enumeration(f"{server.name} {servers.versions[server.name.lower()]}" for server in lacking)
    progress.say(f"installed {versions} in {progress.elapsed_s:.0f} s")
    return replace(servers, origin=APT) if machine.is_root else servers


@contextmanager
def _alone(lock: Path, note: Callable[[str], None]) -> Iterator[None]:
    """Hold ``lock``, which ends with this process whatever happens to it."""
    lock.parent.mkdir(parents=True, exist_ok=True)
    with lock.open("w") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            note("waiting for another installation of the servers to end")
            fcntl.flock(file, fcntl.LOCK_EX)
        yield
