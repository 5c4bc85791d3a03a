"""What the relay tells the worker through the queue."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from uuid import UUID

from pydantic import BaseModel, ConfigDict

QUEUE_NAME = "enrollment.requests"


class Kind(StrEnum):
    """What is to be done with an enrolment."""

    DECIDE = "decide"
    RELEASE = "release"


class Message(BaseModel):
    """A task; what it is about is read from the database, so that a message never tells anything outdated."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    kind: Kind
    enrollment_id: UUID


@dataclass(frozen=True, slots=True)
class Task:
    """A task in the outbox that is a relay's to publish."""

    outbox_id: int
    enrollment_id: UUID
    kind: Kind
    request_id: str | None

    def message(self) -> Message:
        """What is published of it; the request id goes beside it, in the message's correlation id."""
        return Message(kind=self.kind, enrollment_id=self.enrollment_id)
