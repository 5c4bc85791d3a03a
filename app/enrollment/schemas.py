"""What clients send and get of enrolments."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from uuid import UUID

from pydantic import BaseModel, Field

from app.enrollment.decisions import Reason, Status
from app.kit.http import Body, Id

IDEMPOTENCY_KEY_PATTERN = r"^[\x21-\x7e]+$"
LONGEST_IDEMPOTENCY_KEY = 255


class EnrollBody(Body):
    """A request for enrolment."""

    student_id: Id = Field(examples=[1])
    course_id: Id = Field(examples=[1])


class Accepted(BaseModel):
    """The receipt of a request; its outcome is found under its Location."""

    id: UUID
    status: Status = Status.PENDING


class EnrollmentRead(BaseModel):
    """A request and its outcome."""

    id: UUID
    student_id: int
    course_id: int
    status: Status
    reason: Reason | None = Field(description="why it was rejected")
    missing_prerequisites: list[str] | None = Field(description="the codes that the student lacks, where that is the reason")
    requested_at: datetime
    decided_at: datetime | None
    dropped_at: datetime | None
    decision: dict[str, Any] | None = Field(description="what the decision saw: versions, seats, prerequisites, completed courses")
