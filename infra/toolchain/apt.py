"""Installs the programs' packages with apt as root, holding them back from starting, now and at the next boot."""

from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from infra.errors import InfraError
from infra.toolchain.machine import Machine
from infra.toolchain.programs import Program
from infra.toolchain.progress import Progress
from infra.toolchain.runner import Finished, Runner

MARK = "SPIRELAB_INSTALLS_SERVERS"
ENVIRONMENT = {"DEBIAN_FRONTEND": "noninteractive", "LC_ALL": "C.UTF-8", "NEEDRESTART_SUSPEND": "1", MARK: "1"}
"""No question is asked, what is said can be read by us, Ubuntu's needrestart leaves running services alone, and MARK says that it is us."""
LOCK_WAIT_S = 300
"""Seconds to wait for another apt, as the one that upgrades a machine after its boot."""
OURS = "# spirelab put this here while it installs servers; left over, it can be deleted"
NOTHING_STARTS = f"""#!/bin/sh
{OURS}
[ -z "${MARK}" ] || exit 101
"""
"""The policy-rc.d that maintainer scripts ask before they start a service: 101 forbids. It does so below our own apt only, which it
outlives if we are killed."""
NO_CLUSTER = f"{OURS}\ncreate_main_cluster = false\n"
"""Keeps postgresql-common from making a cluster of its own, which would be started at every boot."""
TOLD_LINES = 3
"""Last lines of a failed apt that are worth reading."""


def install_command(programs: Iterable[Program]) -> str:
    """What a person types to get these programs."""
    return f"apt-get install --no-install-recommends {' '.join(program.package for program in programs)}"


def install(programs: Sequence[Program], machine: Machine, run: Runner, progress: Progress) -> None:
    """Have the ``programs`` installed and neither running nor enabled.

    Raises:
        InfraError: apt refused; with what it said.
    """
    # what is there already, too old or not, is its owner's: neither upgraded nor removed nor switched off
    new_services = [service for program in programs for service in program.services if not _is_service(service, machine.root)]
    policy = machine.root / "usr/sbin/policy-rc.d"
    cluster = machine.root / "etc/postgresql-common/createcluster.d/spirelab.conf"
    with _while_installing(policy, NOTHING_STARTS, mode=0o755), _while_installing(cluster, NO_CLUSTER, mode=0o644):
        try:
            update_and_install(("--no-remove", "--no-upgrade", "-o", f"DPkg::Lock::Timeout={LOCK_WAIT_S}"), programs, run, progress)
        finally:
            for service in new_services:
                _disable(service, run)


def update_and_install(options: Sequence[str], programs: Sequence[Program], run: Runner, progress: Progress) -> None:
    """Fetch the package lists, then let apt install the ``programs`` as the ``options`` say.

    Raises:
        InfraError: apt refused; with what it said.
    """
    apt = ("apt-get", "-q", "-y", "--no-install-recommends", *options)
    progress.say("reading the package lists")
    update = run((*apt, "update"), environment=ENVIRONMENT, on_line=progress.hear)
    check(update, "apt-get update", programs)
    progress.say("fetching the packages")
    result = run((*apt, "install", *(program.package for program in programs)), environment=ENVIRONMENT, on_line=progress.hear)
    # apt-get update succeeds without a network too, and only what it warned of explains why a package is unknown afterwards
    check(Finished(result.code, update.output + result.output), "apt-get install", programs)


def check(finished: Finished, what: str, programs: Iterable[Program]) -> None:
    """Turn a failure of ``what`` into one sentence.

    Raises:
        InfraError: it failed.
    """
    if finished.succeeded:
        return
    lines = [line.strip() for line in finished.output.splitlines() if line.strip()]
    unfetched = [line for line in lines if line.startswith("W: Failed to fetch")]
    errors = [line for line in lines if line.startswith("E:")]
    told = [*unfetched[:1], *errors[-TOLD_LINES:]] or lines[-TOLD_LINES:] or [f"exit status {finished.code}"]
    raise InfraError(f"{what} failed: {' / '.join(told)}; mend this, or get the programs yourself, as root: {install_command(programs)}")


def _disable(service: str, run: Runner) -> None:
    """Keep it from starting at boot: one command knows init scripts, the other units, and neither need know this one."""
    run(("update-rc.d", service, "disable"), environment=ENVIRONMENT)
    run(("systemctl", "disable", service), environment=ENVIRONMENT)


def _is_service(name: str, root: Path) -> bool:
    unit = name if "." in name else f"{name}.service"
    return any((root / place).exists() for place in (f"etc/init.d/{name}", f"lib/systemd/system/{unit}", f"etc/systemd/system/{unit}"))


@contextmanager
def _while_installing(path: Path, text: str, *, mode: int) -> Iterator[None]:
    """Have a file there meanwhile, unless the machine has one of its own."""
    if path.exists() and OURS not in path.read_text(encoding="utf-8", errors="replace"):
        yield
        return
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
        path.chmod(mode)
        yield
    finally:
        path.unlink(missing_ok=True)
