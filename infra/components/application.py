"""What a replica of a service and a worker have in common: our own code, started as a module."""

from __future__ import annotations

import functools
import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from infra.settings import REPOSITORY, Settings
from infra.topology import Implementation

WORKER = "worker"


@dataclass(frozen=True)
class _Package:
    """Where an implementation's commands are; infra runs them and imports none."""

    name: str
    worker: str


_PACKAGES: Mapping[Implementation, _Package] = {
    "product": _Package("app", worker="enrollment.worker"),
    "tutorial": _Package("experiments.baselines.tutorial", worker=WORKER),
}


def module(implementation: Implementation, part: str) -> str:
    """What follows ``python -m`` to run a part: a service by its name, or the :data:`WORKER`."""
    package = _PACKAGES[implementation]
    return f"{package.name}.{package.worker if part == WORKER else part}"


def revision(implementation: Implementation) -> str:
    """Digest of the implementation's source files: a replica that runs other ones has to be replaced."""
    root = Settings().application_dir if implementation == "product" else REPOSITORY
    return digest(root, _PACKAGES[implementation].name)


@functools.cache
def digest(root: Path, package: str) -> str:
    """Digest of the source files of a package below ``root``."""
    found = hashlib.sha256()
    for path in sorted(root.joinpath(*package.split(".")).rglob("*.py")):
        found.update(f"{path.relative_to(root)}\n".encode())
        found.update(path.read_bytes())
    return found.hexdigest()[:16]
