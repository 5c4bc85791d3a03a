"""What is broken at this moment, in a file: written before a fault is injected, so that it can be healed after the lab was killed."""

from __future__ import annotations

import contextlib
import secrets
from pathlib import Path
from typing import Protocol, Self

import psutil
from pydantic import ValidationError

from experiments.definition import AnyFault, Fault, LinkFault, Value
from experiments.errors import FaultError
from infra.home import read_json, updating

FILE_NAME = "faults.json"
"""In the deployment's folder, with which it goes."""


class Entry(Value):
    """A fault that was injected, or was about to be, and by whom."""

    fault: AnyFault
    targets: tuple[str, ...]
    pid: int
    process_started_unix_s: float

    @classmethod
    def of_this_process(cls, fault: Fault | LinkFault, targets: tuple[str, ...]) -> Self:
        """An entry of the process that calls."""
        return cls(fault=fault, targets=targets, pid=(me := psutil.Process()).pid, process_started_unix_s=me.create_time())

    @property
    def has_living_owner(self) -> bool:
        """The process that injected it is there, and will heal it."""
        try:
            return psutil.Process(self.pid).create_time() == self.process_started_unix_s
        except psutil.NoSuchProcess:
            return False


class Journal(Protocol):
    """Knows what has to be healed."""

    def enter(self, fault: Fault | LinkFault, targets: tuple[str, ...]) -> str:
        """Note that the fault is about to be injected; the key to :meth:`remove` it by."""

    def remove(self, key: str) -> None:
        """Note that the fault is healed; not known is fine."""


class FileJournal:
    """The journal of one deployment."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def enter(self, fault: Fault | LinkFault, targets: tuple[str, ...]) -> str:
        """Note that the fault is about to be injected; the key to :meth:`remove` it by."""
        key = secrets.token_hex(8)
        with updating(self._path) as content:
            content[key] = Entry.of_this_process(fault, targets).model_dump(mode="json")
        return key

    def remove(self, key: str) -> None:
        """Note that the fault is healed; not known is fine."""
        with updating(self._path) as content:
            content.pop(key, None)

    def entries(self) -> dict[str, Entry]:
        """What is entered, in the order of the injections.

        Raises:
            FaultError: the file is not a journal.
        """
        content = read_json(self._path)
        try:
            return {key: Entry.model_validate(value) for key, value in content.items()}
        except ValidationError:
            raise FaultError(f"{self._path} is no journal of faults; remove the deployment by `nox -s down -- --volumes`") from None

    def forget(self) -> None:
        """Remove the file: there is nothing that could be healed."""
        with contextlib.suppress(FileNotFoundError):
            self._path.unlink()
