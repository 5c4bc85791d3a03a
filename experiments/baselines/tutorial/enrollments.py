"""The table of enrolments and the queue that carries their ids, which the service and the worker share."""

from __future__ import annotations

from datetime import UTC, datetime
from uuid import UUID, uuid4

from sqlmodel import JSON, Field, SQLModel

QUEUE = "tutorial.enrollments"


def now() -> datetime:
    """This moment."""
    return datetime.now(UTC)


class Enrollment(SQLModel, table=True):
    """A request and its outcome; the table, and what clients get."""

    __tablename__ = "tutorial_enrollments"

    id: UUID = Field(default_factory=uuid4, primary_key=True)
    student_id: int = Field(index=True)
    course_id: int = Field(index=True)
    status: str = "pending"
    reason: str | None = None
    missing_prerequisites: list[str] | None = Field(default=None, sa_type=JSON)
    requested_at: datetime = Field(default_factory=now)
    decided_at: datetime | None = None
    dropped_at: datetime | None = None
