"""What infra asks of whoever runs the Pulumi program."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Protocol

from infra.engines.program import Program


class Action(StrEnum):
    """What becomes of a resource."""

    CREATE = "create"
    UPDATE = "update"
    REPLACE = "replace"
    DELETE = "delete"


@dataclass(frozen=True, order=True)
class Change:
    """One resource that is, or would be, touched."""

    kind: str
    """The last part of its Pulumi type: ``Node``, ``Port``, ``Supervisor``, ..."""
    name: str
    action: Action


class Engine(Protocol):
    """Brings the resources of one deployment to what a program says."""

    def up(self, program: Program) -> dict[str, Any]:
        """Make everything as the program says, and nothing else; what it returned.

        What went away by itself is made again. On Ctrl-C and on a failure, what is there stays recorded.

        Raises:
            InfraError: the first failure.
        """
        ...

    def preview(self, program: Program) -> Sequence[Change]:
        """What :meth:`up` would do, and nothing else."""
        ...

    def refresh(self) -> Sequence[Change]:
        """Take note of what was changed or went away behind our back; the next :meth:`up` mends it."""
        ...

    def destroy(self) -> None:
        """Delete every resource, dependants first.

        Raises:
            InfraError: the first failure; the others are deleted all the same.
        """
        ...

    def outputs(self) -> dict[str, Any] | None:
        """What the program returned when it last ran through; None while it has not."""
        ...
