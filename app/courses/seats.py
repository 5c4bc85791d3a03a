"""Who gets a seat: pure, given the courses as they are locked."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any
from uuid import UUID


class SeatOutcome(StrEnum):
    """The answer to a request for a seat."""

    ACCEPTED = "accepted"
    COURSE_FULL = "course_full"
    MISSING_PREREQUISITES = "missing_prerequisites"
    UNKNOWN_STUDENT = "unknown_student"
    UNKNOWN_COURSE = "unknown_course"
    RELEASED = "released"
    """Given up, before or after it was asked for: it holds no seat and never will."""


@dataclass(frozen=True)
class SeatRequest:
    """A request for a seat."""

    reservation_id: UUID
    course_id: int
    student_id: int
    student_version: int | None
    completed_courses: frozenset[str] | None
    """None: there is no such student."""


@dataclass
class LockedCourse:
    """A course whose row no other transaction can change now."""

    course_id: int
    version: int
    capacity: int
    taken: int
    prerequisites: Sequence[str]
    newly_taken: int = 0


@dataclass(frozen=True)
class SeatAnswer:
    """An answer and what it is based on."""

    reservation_id: UUID
    course_id: int
    outcome: SeatOutcome
    evidence: dict[str, Any] | None = field(default=None, hash=False)


def decide(requests: Sequence[SeatRequest], courses: Mapping[int, LockedCourse]) -> list[SeatAnswer]:
    """Answer the requests in their order; counts the seats that are taken in the courses."""
    return [_decide(request, courses.get(request.course_id)) for request in requests]


def _decide(request: SeatRequest, course: LockedCourse | None) -> SeatAnswer:
    evidence: dict[str, Any] = {}
    outcome = SeatOutcome.ACCEPTED
    if course is None:
        outcome = SeatOutcome.UNKNOWN_COURSE
    else:
        evidence["course_version"] = course.version
        evidence["prerequisites"] = list(course.prerequisites)
        evidence["capacity"] = course.capacity
        evidence["taken"] = course.taken
    if request.completed_courses is None:
        outcome = SeatOutcome.UNKNOWN_STUDENT
    else:
        evidence["student_version"] = request.student_version
        evidence["completed_courses"] = sorted(request.completed_courses)
    if course is not None and request.completed_courses is not None:
        if missing := [code for code in course.prerequisites if code not in request.completed_courses]:
            outcome = SeatOutcome.MISSING_PREREQUISITES
            evidence["missing"] = missing
        elif course.taken >= course.capacity:
            outcome = SeatOutcome.COURSE_FULL
        else:
            course.taken += 1
            course.newly_taken += 1
    return SeatAnswer(request.reservation_id, request.course_id, outcome, evidence)
