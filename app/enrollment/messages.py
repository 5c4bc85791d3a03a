"""What the relay tells the worker through the queue."""

from __future__ import annotations

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
