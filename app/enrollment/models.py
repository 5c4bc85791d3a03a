"""The tables of the enrollment database."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import BigInteger, Column, DateTime, Identity, Index, String, column, func
from sqlalchemy.dialects.postgresql import JSONB
from sqlmodel import Field, SQLModel

LONGEST_REQUEST_ID = 200
"""As the gateway and the services take it over."""


def _time(*, default_now: bool = False) -> Any:
    server_default = func.now() if default_now else None
    return Field(default=None, sa_column=Column(DateTime(timezone=True), nullable=not default_now, server_default=server_default))


class Enrollment(SQLModel, table=True):
    """A request and its outcome."""

    __tablename__ = "enrollments"
    __table_args__ = (
        Index(
            "enrollments_one_active",
            "student_id",
            "course_id",
            unique=True,
            postgresql_where=column("status").in_(("pending", "enrolled")),
        ),
        Index("enrollments_by_student", "student_id", "requested_at", "id"),
        Index("enrollments_by_course", "course_id", "requested_at", "id"),
        Index("enrollments_seat_due", "course_id", postgresql_where=column("seat_release") == "due"),
        Index("enrollments_key_to_forget", "requested_at", postgresql_where=column("idempotency_key").is_not(None)),
    )

    id: UUID = Field(primary_key=True)
    student_id: int
    course_id: int
    status: str
    reason: str | None = None
    decision: dict[str, Any] | None = Field(default=None, sa_column=Column(JSONB(none_as_null=True), nullable=True))
    """What the decision saw."""
    requested_at: datetime | None = _time(default_now=True)
    decided_at: datetime | None = _time()
    dropped_at: datetime | None = _time()
    seat_release: str | None = None
    """``due`` from when the seat is to be given up until the courses service has confirmed it, then ``done``."""
    idempotency_key: str | None = Field(default=None, unique=True)
    """Forgotten after a while, see :mod:`app.enrollment.retention`."""


class Outbox(SQLModel, table=True):
    """A task for the worker, kept until its effect is stored; sent when it is due, and again if its effect stays away."""

    __tablename__ = "outbox"

    id: int | None = Field(default=None, sa_column=Column(BigInteger, Identity(), primary_key=True))
    enrollment_id: UUID = Field(index=True)
    kind: str
    request_id: str | None = Field(default=None, sa_column=Column(String(LONGEST_REQUEST_ID), nullable=True))
    """The HTTP request that the task comes from; goes with the message into the worker's log."""
    created_at: datetime | None = _time(default_now=True)
    due_at: datetime | None = Field(
        default=None, sa_column=Column(DateTime(timezone=True), nullable=False, server_default=func.now(), index=True)
    )
    sent_at: datetime | None = _time()
    times_sent: int = 0


class Inbox(SQLModel, table=True):
    """A request that the worker has handled, so that a second delivery of its message has no effect."""

    __tablename__ = "inbox"
    __table_args__ = (
        # rows come in the order of their times and go in it: a block range index finds the oldest at no cost for those that come
        Index("inbox_by_time", "handled_at", postgresql_using="brin", postgresql_with={"autosummarize": "on"}),
    )

    enrollment_id: UUID = Field(primary_key=True)
    handled_at: datetime | None = _time(default_now=True)


metadata = SQLModel.metadata
