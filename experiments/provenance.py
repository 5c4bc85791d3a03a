"""Where and with what a run is made: processor, kernel, versions, commit; no secret, no host name, no path."""

from __future__ import annotations

import importlib.metadata
import os
import platform
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import psutil

from experiments.records.schema import Provenance, ServerVersion
from infra.deployment import Deployment

GIT_TIMEOUT_S = 10.0
"""Git on a very slow disk; longer is not worth a run's start."""


def collect(deployment: Deployment, *, servers: Mapping[str, str], load_generator: str, repository: Path) -> Provenance:
    """The facts that must agree before two runs may be compared."""
    commit, dirty = git_state(repository)
    return Provenance(
        target=deployment.target,
        engine=deployment.engine,
        cpu_model=cpu_model(_text(Path("/proc/cpuinfo"))),
        cpu_count=usable_cpus(),
        memory_bytes=psutil.virtual_memory().total,
        kernel=f"{platform.system()} {platform.release()}",
        operating_system=operating_system(_text(Path("/etc/os-release"))),
        python=platform.python_version(),
        packages=packages(),
        servers=tuple(ServerVersion(name=name, version=version) for name, version in sorted(servers.items())),
        git_commit=commit,
        git_dirty=dirty,
        load_generator=load_generator,
    )


@dataclass(frozen=True)
class ThisMachine:
    """What a calibration of this machine is kept by."""

    cpu_model: str
    cpu_count: int
    memory_bytes: int
    target: str


def this_machine(target: str) -> ThisMachine:
    """This machine, before anything is deployed on it."""
    return ThisMachine(cpu_model(_text(Path("/proc/cpuinfo"))), usable_cpus(), psutil.virtual_memory().total, target)


def cpu_model(cpuinfo: str) -> str:
    """The processor's name in the text of /proc/cpuinfo, else its architecture."""
    for line in cpuinfo.splitlines():
        key, _, value = line.partition(":")
        if key.strip() == "model name":
            return value.strip()
    return platform.machine()


def usable_cpus() -> int:
    """Processors that this process may use, which a container may have limited."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def operating_system(os_release: str) -> str:
    """The distribution's name in the text of /etc/os-release, else the kernel's."""
    for line in os_release.splitlines():
        key, _, value = line.partition("=")
        if key == "PRETTY_NAME":
            return value.strip().strip('"')
    return platform.system()


def packages() -> dict[str, str]:
    """Every installed Python package with its version."""
    found = {distribution.metadata["Name"]: distribution.version for distribution in importlib.metadata.distributions()}
    return dict(sorted(found.items()))


def git_state(repository: Path) -> tuple[str | None, bool | None]:
    """The commit that is checked out and whether files differ from it; None where that can't be told."""
    commit = _git(repository, "rev-parse", "HEAD")
    if commit is None:
        return None, None
    changes = _git(repository, "status", "--porcelain")
    return commit, None if changes is None else bool(changes)


def _git(repository: Path, *arguments: str) -> str | None:
    command = ["git", "-C", str(repository), *arguments]
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=GIT_TIMEOUT_S, check=True)
    except (OSError, subprocess.SubprocessError):
        return None
    return done.stdout.strip()


def _text(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except OSError:
        return ""
