"""Has programs ready to run: finds them, or installs what is missing in the way that this machine allows."""

import fcntl
from collections.abc import Callable, Collection, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

from infra.errors import InfraError
from infra.toolchain import apt, prefix
from infra.toolchain.finding import find
from infra.toolchain.machine import Machine
from infra.toolchain.programs import Found, Missing, Program, enumeration
from infra.toolchain.progress import Progress
from infra.toolchain.runner import Runner
from infra.toolchain.trees import prefix_folder

APT = "apt"


def ensure(
    programs: Collection[Program], machine: Machine, run: Runner, note: Callable[[str], None], clock: Callable[[], float]
) -> Mapping[Program, Found]:
    """The programs on this machine, installed first where they are missing; ``note`` hears what is done and how long it took.

    Raises:
        InfraError: they can't be installed here; names them and the command that gets them.
    """
    found = find(programs, machine, run)
    if not isinstance(found, Missing):
        return found
    if not machine.has_apt:
        packages = enumeration(absent.program.package for absent in found.absent)
        raise InfraError(f"{found}; install {packages} with the system's package manager (the lab does so itself on Debian and Ubuntu)")
    try:
        with alone(machine.cache / "servers.lock", note):
            found = find(programs, machine, run)  # another may have installed them while we waited
            if isinstance(found, Missing):
                return _install(programs, found, machine, run, note, clock)
            return found
    except OSError as error:
        names = enumeration(program.name for program in programs)
        raise InfraError(f"installing {names}: {error}; make room or give write access there, or set XDG_CACHE_HOME") from error


def _install(
    programs: Collection[Program],
    missing: Missing,
    machine: Machine,
    run: Runner,
    note: Callable[[str], None],
    clock: Callable[[], float],
) -> Mapping[Program, Found]:
    progress = Progress(note, clock)
    lacking = [absent.program for absent in missing.absent]
    names = enumeration(program.name for program in lacking)
    if machine.is_root:
        progress.say(f"installing {names} with apt (they stay stopped, now and at boot)")
        apt.install(lacking, machine, run, progress)
    else:
        progress.say(f"unpacking {names} into {prefix_folder(machine, lacking)} (no root needed, nothing else is changed)")
        prefix.install(lacking, machine, run, progress)
    found = find(programs, machine, run)
    if isinstance(found, Missing):
        raise InfraError(f"installed {names}, and yet: {found}; get these by hand")
    versions = enumeration(f"{program.name} {found[program].version}" for program in lacking)
    progress.say(f"installed {versions} in {progress.elapsed_s:.0f} s")
    return found | {program: replace(found[program], origin=APT) for program in lacking} if machine.is_root else found


@contextmanager
def alone(lock: Path, note: Callable[[str], None]) -> Iterator[None]:
    """Hold ``lock``, which ends with this process whatever happens to it."""
    lock.parent.mkdir(parents=True, exist_ok=True)
    with lock.open("w") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            note("waiting for another installation to end")
            fcntl.flock(file, fcntl.LOCK_EX)
        yield
