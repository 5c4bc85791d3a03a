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


def _oldest_first(name: str, time: str) -> Index:
    """Rows come in the order of their times and go in it: a block range index finds the oldest at no cost for those that come."""
    return Index(name, time, postgresql_using="brin", postgresql_with={"autosummarize": "on"})


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


class IdempotencyKey(SQLModel, table=True):
    """A key that a request came with, kept for a while (see :mod:`app.enrollment.retention`).

    Also of a request that was refused; there is no enrolment of its id then. A delivery of it that comes late, after the reason for the
    refusal has gone, is refused as well: its client was told so.
    """

    __tablename__ = "idempotency_keys"
    __table_args__ = (_oldest_first("idempotency_keys_by_time", "came_at"),)

    key: str = Field(primary_key=True)
    enrollment_id: UUID
    student_id: int
    course_id: int
    came_at: datetime | None = _time(default_now=True)


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
    __table_args__ = (_oldest_first("inbox_by_time", "handled_at"),)

    enrollment_id: UUID = Field(primary_key=True)
    handled_at: datetime | None = _time(default_now=True)


metadata = SQLModel.metadata
