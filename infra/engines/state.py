"""The embedded engine's state file: every resource that exists, or may exist half, in the order in which it came to be."""

from __future__ import annotations

import threading
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict, ValidationError

from infra.errors import StateError
from infra.home import read_json, write_private


class Record(BaseModel):
    """One resource."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    urn: str
    type: str
    id: str
    properties: dict[str, Any]
    """What the provider gave back; while it is being created, the inputs."""
    dependencies: tuple[str, ...] = ()
    pending: bool = False
    """Its creation began, and nobody has written down that it succeeded."""
    superseded: bool = False
    """Another one has taken its place; it goes when nothing uses it any more."""


class _Content(BaseModel):
    model_config = ConfigDict(extra="forbid")

    version: int = 1
    resources: list[Record] = []
    outputs: dict[str, Any] | None = None
    """What the program returned when it last ran through."""


class StateFile:
    """Written after each change, so that a killed command leaves a true account."""

    def __init__(self, path: Path) -> None:
        """Read it.

        Raises:
            StateError: it is damaged, or of a newer version.
        """
        self._path = path
        self._lock = threading.Lock()
        try:
            self._content = _Content.model_validate(read_json(path))
        except ValidationError:
            raise StateError(f"{path} is damaged; `python -m infra down --volumes` removes the deployment") from None

    @property
    def outputs(self) -> dict[str, Any] | None:
        """What the program returned when it last ran through; None while it has not."""
        return self._content.outputs

    def records(self) -> list[Record]:
        """All resources."""
        with self._lock:
            return list(self._content.resources)

    def current(self, urn: str) -> Record | None:
        """The resource that has this name now."""
        return next((record for record in self.records() if record.urn == urn and not record.superseded), None)

    def put(self, record: Record, *, instead_of: Record | None = None) -> None:
        """Add a resource, at the place of the one it stands for."""
        with self._lock:
            resources = self._content.resources
            if instead_of is not None and instead_of in resources:
                resources[resources.index(instead_of)] = record
            else:
                resources.append(record)
            self._write()

    def remove(self, record: Record) -> None:
        """Forget a resource that is gone."""
        with self._lock:
            self._content.resources = [other for other in self._content.resources if other != record]
            self._write()

    def set_outputs(self, outputs: dict[str, Any] | None) -> None:
        """Keep what the program returned."""
        with self._lock:
            self._content.outputs = outputs
            self._write()

    def _write(self) -> None:
        write_private(self._path, self._content.model_dump_json())
