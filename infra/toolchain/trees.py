"""The file trees that may hold programs: the machine's own, and a private prefix in the user's cache."""

import hashlib
import platform
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from infra.toolchain.machine import Machine
from infra.toolchain.programs import Program

SYSTEM, PREFIX = "system", "private prefix"
PREFIX_RECIPE = 1
"""Count it up when a prefix is made differently, and old ones no longer count."""
PREFIX_NAME = "servers-"


@dataclass(frozen=True)
class Tree:
    """A file tree that may hold programs."""

    root: Path
    search_path: tuple[Path, ...]
    """Folders in which its executables are looked for."""
    environment: Mapping[str, str]
    """What its executables need in order to run."""
    origin: str
    """What a person calls it."""


def system_tree(machine: Machine) -> Tree:
    """The machine's own file tree."""
    return Tree(root=machine.root, search_path=machine.search_path, environment={}, origin=SYSTEM)


def prefix_tree(prefix: Path) -> Tree:
    """The file tree of a private prefix, whose libraries the system's linker does not know."""
    libraries = sorted(folder for pattern in ("lib/*-linux-gnu*", "usr/lib/*-linux-gnu*") for folder in prefix.glob(pattern))
    return Tree(
        root=prefix,
        search_path=(prefix / "bin", prefix / "usr/bin", prefix / "usr/sbin"),
        environment={"LD_LIBRARY_PATH": ":".join(map(str, libraries))},
        origin=PREFIX,
    )


def prefix_folder(machine: Machine, programs: Iterable[Program]) -> Path:
    """Where the private prefix with these programs is, or would be."""
    content = " ".join([str(PREFIX_RECIPE), platform.machine(), *sorted(program.package for program in programs)])
    return machine.cache / f"{PREFIX_NAME}{machine.suite}-{hashlib.sha256(content.encode()).hexdigest()[:8]}"
