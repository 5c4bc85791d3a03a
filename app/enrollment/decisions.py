"""The states of an enrolment and how an answer about a seat becomes its outcome; pure."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Any
from uuid import UUID


class Status(StrEnum):
    """Pending becomes one of the others once; only enrolled may become dropped after that."""

    PENDING = "pending"
    ENROLLED = "enrolled"
    REJECTED = "rejected"
    DROPPED = "dropped"


class Reason(StrEnum):
    """Why a request was rejected."""

    COURSE_FULL = "course_full"
    MISSING_PREREQUISITES = "missing_prerequisites"
    UNKNOWN_STUDENT = "unknown_student"
    UNKNOWN_COURSE = "unknown_course"
    PROCESSING_FAILED = "processing_failed"
    """It could not be decided in as many attempts as the queue allows."""


@dataclass(frozen=True)
class Seat:
    """What the courses service answered to the request for a seat."""

    outcome: str
    evidence: dict[str, Any] | None


@dataclass(frozen=True)
class Decision:
    """The outcome of a request and what it is based on."""

    enrollment_id: UUID
    status: Status
    reason: Reason | None = None
    evidence: dict[str, Any] | None = None


ACCEPTED = "accepted"
_REASONS = frozenset(Reason)


def decide(enrollment_id: UUID, seat: Seat) -> Decision:
    """The outcome that follows from the answer.

    An answer that has no reason of its own (``released``: the seat of a request which is still pending was given up) can only come
    from a database that was set back; such a request fails.
    """
    if seat.outcome == ACCEPTED:
        return Decision(enrollment_id, Status.ENROLLED, None, seat.evidence)
    if seat.outcome in _REASONS:
        return Decision(enrollment_id, Status.REJECTED, Reason(seat.outcome), seat.evidence)
    return failed(enrollment_id)


def failed(enrollment_id: UUID) -> Decision:
    """The outcome of a request that could not be decided."""
    return Decision(enrollment_id, Status.REJECTED, Reason.PROCESSING_FAILED)
