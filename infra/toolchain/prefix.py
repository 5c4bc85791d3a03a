"""Unpacks the programs' packages into a folder of the user's own, for who is not root on Debian or Ubuntu."""

import re
import shutil
import tempfile
from collections.abc import Sequence
from pathlib import Path

from infra.errors import InfraError
from infra.toolchain.apt import check, update_and_install
from infra.toolchain.machine import Machine
from infra.toolchain.programs import RABBITMQ, Program
from infra.toolchain.progress import Progress
from infra.toolchain.runner import Runner
from infra.toolchain.trees import PREFIX_NAME, prefix_folder, prefix_tree

UNFINISHED = ".unfinished"
"""End of the name of a prefix that is being made; what is called so when nobody makes one was left by a killed installation."""
ERL = """#!/bin/sh
# Erlang's own start script holds the path that its package is installed to.
ROOTDIR=$(cd "$(dirname "$0")/../usr/lib/erlang" && pwd) || exit 1
for BINDIR in "$ROOTDIR"/erts-*/bin; do :; done
EMU=beam PROGNAME=erl
export ROOTDIR BINDIR EMU PROGNAME
exec "$BINDIR/erlexec" "$@"
"""


def install(programs: Sequence[Program], machine: Machine, run: Runner, progress: Progress) -> None:
    """Make the private prefix with these ``programs``; it is there whole or not at all.

    Raises:
        InfraError: the packages can't be had, or what they hold does not run here.
    """
    prefix = prefix_folder(machine, programs)
    if RABBITMQ in programs and re.search(r"\s", str(prefix)):
        raise InfraError(f"RabbitMQ's scripts can't live in a folder with a blank in its name ({prefix}); set XDG_CACHE_HOME to another")
    for leftover in (*machine.cache.glob(f"{PREFIX_NAME}*{UNFINISHED}"), prefix):
        shutil.rmtree(leftover, ignore_errors=True)
    unfinished = Path(tempfile.mkdtemp(prefix=prefix.name, suffix=UNFINISHED, dir=machine.cache))
    try:
        packages = _download(programs, unfinished / "apt", machine, run, progress)
        _unpack(packages, unfinished, run, progress, programs)
        shutil.rmtree(unfinished / "apt")
        _finish(unfinished, programs, run)
        unfinished.rename(prefix)
    finally:
        shutil.rmtree(unfinished, ignore_errors=True)


def pretend_absent(status: str, parts: Sequence[str]) -> str:
    """The ``status`` of dpkg without the packages whose names begin like one of ``parts``: so apt fetches them even if they are there."""
    own = re.compile(rf"Package: (?:{'|'.join(map(re.escape, parts))})")
    return "\n\n".join(entry for entry in status.split("\n\n") if not own.match(entry))


def _download(programs: Sequence[Program], folder: Path, machine: Machine, run: Runner, progress: Progress) -> list[Path]:
    """Fetch the packages and what they depend on, with the system's sources and keys but lists and a cache of our own."""
    archives, lists, status = folder / "cache/archives", folder / "state/lists", folder / "status"
    for needed in (archives, lists):
        (needed / "partial").mkdir(parents=True)
    parts = [part for program in programs for part in program.parts]
    installed = (machine.root / "var/lib/dpkg/status").read_text(encoding="utf-8")
    status.write_text(pretend_absent(installed, parts), encoding="utf-8")
    settings = {
        "Dir::State": folder / "state",
        "Dir::State::status": status,
        "Dir::Cache": folder / "cache",
        "Debug::NoLocking": "1",
        "Acquire::Languages": "none",
    }
    options = [word for key, value in settings.items() for word in ("-o", f"{key}={value}")]
    update_and_install(["--download-only", *options], programs, run, progress)
    return sorted(archives.glob("*.deb"))


def _unpack(packages: Sequence[Path], folder: Path, run: Runner, progress: Progress, programs: Sequence[Program]) -> None:
    progress.say(f"unpacking {len(packages)} packages")
    for package in packages:
        check(run(("dpkg-deb", "-x", package, folder)), f"dpkg-deb -x {package.name}", programs)
        progress.hear(f"Unpacking {package.name.split('_')[0]}")


def _finish(folder: Path, programs: Sequence[Program], run: Runner) -> None:
    """Give Erlang a start script that finds itself, and try that it runs with its cryptography, which it loads late."""
    if RABBITMQ not in programs:
        return
    erl = folder / "bin/erl"
    erl.parent.mkdir()
    erl.write_text(ERL, encoding="utf-8")
    erl.chmod(0o755)
    trial = run((erl, "-noinput", "-eval", "ok = crypto:start(), halt()."), environment=prefix_tree(folder).environment)
    check(trial, "Erlang from the unpacked packages", programs)
