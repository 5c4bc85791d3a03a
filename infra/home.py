"""The folders of deployments: what lies where, who may read it, and one command at a time on each."""

from __future__ import annotations

import contextlib
import json
import os
import re
import shutil
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from filelock import FileLock, Timeout

from infra.errors import StateError

_NAME = re.compile(r"[a-z][a-z0-9-]{0,31}")
_PLAIN_PATH = re.compile(r"[A-Za-z0-9_./@+-]+")
_OTHERS_MAY_ENTER = 0o001
PULUMI = "pulumi"
"""Name of the folder where the Pulumi CLI works: its processes are no part of the deployment."""


@dataclass(frozen=True)
class Home:
    """The folder of one deployment."""

    path: Path

    @property
    def name(self) -> str:
        """The deployment's name."""
        return self.path.name

    @property
    def root(self) -> StateRoot:
        """The folder of all deployments, which this one is in."""
        return StateRoot(self.path.parent.parent)

    @property
    def state_file(self) -> Path:
        """The engine's record of every resource; 0600, for it holds secrets."""
        return self.path / "state.json"

    @property
    def secrets_file(self) -> Path:
        """The generated passwords, which outlive ``down`` as the data does; 0600."""
        return self.path / "secrets.json"

    @property
    def owner_file(self) -> Path:
        """Which process the deployment lives and dies with, if any."""
        return self.path / "owner.json"

    @property
    def maker_file(self) -> Path:
        """Which engine made what is there, on which target; as long as something may be there."""
        return self.path / "made-by.json"

    @property
    def pulumi_dir(self) -> Path:
        """Pulumi's project and state where its engine made the deployment; 0700, for it holds the passphrase."""
        return self.path / PULUMI

    @property
    def supervisor_dir(self) -> Path:
        """Configuration and log of supervisord."""
        return self.path / "supervisor"

    def node_dir(self, node: str) -> Path:
        """Configuration and scratch of a node; gone with the node."""
        return self.path / "nodes" / node

    def data_dir(self, node: str) -> Path:
        """What a node keeps until the deployment's volumes are removed."""
        return self.data_root / node

    @property
    def data_root(self) -> Path:
        """The folders of all nodes' data."""
        return self.path / "data"

    def log_file(self, node: str) -> Path:
        """Standard output and error of a node."""
        return self.path / "logs" / f"{node}.log"

    def make(self) -> None:
        """Create the folder; others may pass through it, as the user ``postgres`` has to, but not list it."""
        for folder in (self.path, self.path / "nodes", self.path / "data", self.path / "logs"):
            folder.mkdir(mode=0o711, exist_ok=True)
            folder.chmod(0o711)

    def has_contents(self) -> bool:
        """Whether any node has ever been laid out in it."""
        return any((self.path / "logs").iterdir()) or any((self.path / "data").iterdir())

    def remove(self) -> None:
        """Forget the deployment with everything in it."""
        shutil.rmtree(self.path, ignore_errors=True)
        if self.path.exists():
            raise StateError(f"{self.path} could not be removed whole; remove it by hand")


@dataclass(frozen=True)
class StateRoot:
    """The folder of all deployments of this user on this machine."""

    path: Path

    @property
    def ports_file(self) -> Path:
        """Which deployment has which port, so that two that start at once don't pick the same."""
        return self.path / "ports.json"

    @property
    def templates_dir(self) -> Path:
        """Initialised database clusters to copy."""
        return self.path / "templates"

    def home(self, name: str) -> Home:
        """The folder of the deployment ``name``, there or not.

        Raises:
            StateError: the name would not make a folder, a host name and a node name alike.
        """
        if not _NAME.fullmatch(name):
            raise StateError(f"{name!r} can't name a deployment: use up to 32 of a-z, 0-9 and '-', with a letter first")
        return Home(self.path / "deployments" / name)

    def names(self) -> list[str]:
        """Every deployment that has a folder, up or not."""
        folder = self.path / "deployments"
        try:
            return sorted(entry.name for entry in folder.iterdir() if entry.is_dir() and _NAME.fullmatch(entry.name))
        except FileNotFoundError:
            return []

    def make(self) -> None:
        """Create the folder.

        Raises:
            StateError: it can't be made, or the servers could not work in it.
        """
        if not _PLAIN_PATH.fullmatch(str(self.path)):
            raise StateError(f"{str(self.path)!r} has characters that some servers can't take; set SPIRELAB_STATE_DIR to a plain path")
        try:
            for folder in (self.path, self.path / "deployments", self.path / "locks", self.templates_dir):
                folder.mkdir(mode=0o755, parents=True, exist_ok=True)
        except OSError as error:
            raise StateError(f"{self.path} can't be used ({error.strerror}); set SPIRELAB_STATE_DIR to a folder of yours") from error
        if os.geteuid() == 0:
            for folder in (self.path, *self.path.parents):
                if not folder.stat().st_mode & _OTHERS_MAY_ENTER:
                    raise StateError(f"the user postgres can't enter {folder}; set SPIRELAB_STATE_DIR to a folder where it can")

    @contextlib.contextmanager
    def lock(self, name: str, timeout_s: float) -> Iterator[None]:
        """Hold the deployment ``name`` for one command; a killed holder's lock is free at once.

        Raises:
            StateError: another command kept it for longer than ``timeout_s``.
        """
        try:
            with FileLock(self.path / "locks" / f"{name}.lock", timeout=timeout_s):
                yield
        except Timeout:
            raise StateError(f"another command has been working on deployment {name!r} for {timeout_s:.0f} s; try again after it") from None


@contextlib.contextmanager
def updating(path: Path) -> Iterator[dict[str, Any]]:
    """A JSON object file to read and change, one process and thread at a time; written whole or not at all."""
    with FileLock(path.with_suffix(".lock")):
        content = read_json(path)
        before = json.dumps(content)
        yield content
        if json.dumps(content) != before:
            write_private(path, json.dumps(content, indent=1))


def read_json(path: Path) -> dict[str, Any]:
    """The JSON object in a file of ours, empty where there is no such file.

    Raises:
        StateError: it can't be read or is no JSON object.
    """
    try:
        content = json.loads(path.read_text())
    except FileNotFoundError:
        return {}
    except OSError as error:
        raise StateError(f"{path} can't be read: {error.strerror}") from error
    except ValueError:
        content = None
    if not isinstance(content, dict):
        raise StateError(f"{path} is damaged; `python -m infra down --volumes` removes the deployment")
    return content


def write_private(path: Path, text: str, *, mode: int = 0o600, owner: str | None = None) -> None:
    """Write a file of mode ``mode`` that never exists half, nor readable for others before it is complete.

    Raises:
        StateError: the disk is full, or the folder can't be written.
    """
    try:
        descriptor, temporary = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
        try:
            with os.fdopen(descriptor, "w") as file:
                file.write(text)
            Path(temporary).chmod(mode)
            if owner is not None:
                shutil.chown(temporary, owner)
            Path(temporary).replace(path)
        except BaseException:
            Path(temporary).unlink(missing_ok=True)
            raise
    except OSError as error:
        raise StateError(f"{path} can't be written: {error.strerror}") from error
