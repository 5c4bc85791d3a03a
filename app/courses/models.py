"""The tables of the courses database."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import CheckConstraint, Column, DateTime, Text, UniqueConstraint, func
from sqlalchemy.dialects.postgresql import ARRAY, JSONB
from sqlmodel import Field, SQLModel

UNIQUE_CODE = "courses_code_unique"
SEATS_WITHIN_CAPACITY = "courses_taken_within_capacity"


class Course(SQLModel, table=True):
    """A course and how many of its seats are taken."""

    __tablename__ = "courses"
    __table_args__ = (
        UniqueConstraint("code", name=UNIQUE_CODE),
        CheckConstraint("taken >= 0 AND taken <= capacity", name=SEATS_WITHIN_CAPACITY),
    )

    id: int | None = Field(default=None, primary_key=True)
    code: str
    name: str
    capacity: int
    prerequisites: list[str] = Field(sa_column=Column(ARRAY(Text), nullable=False))
    version: int = 1
    """Goes up with every change of what clients see of a course; its seats are told apart from that, and uncached."""
    taken: int = 0
    delivery_key: str | None = None
    """The request that made it, so that its second delivery by the gateway is no conflict with itself."""


class Reservation(SQLModel, table=True):
    """The one answer that a request for a seat gets, however often it is asked; also the tombstone of one that was given up."""

    __tablename__ = "reservations"

    id: UUID = Field(primary_key=True)
    """The enrolment's id."""
    course_id: int = Field(index=True)
    outcome: str
    evidence: dict[str, Any] | None = Field(sa_column=Column(JSONB(none_as_null=True), nullable=True))
    """What the decision saw; None where a release came before any reservation."""
    decided_at: datetime | None = Field(default=None, sa_column=Column(DateTime(timezone=True), nullable=False, server_default=func.now()))


metadata = SQLModel.metadata
