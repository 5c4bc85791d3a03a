"""What clients did and were answered, and how it ended: all that the rules are judged by."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, Self

TERMINAL = frozenset({"enrolled", "rejected", "dropped"})
"""A request in one of these states is decided."""
HELD_A_SEAT = frozenset({"enrolled", "dropped"})
"""A request in one of these states may have held a seat."""
NEVER_S = float("inf")


@dataclass(frozen=True, slots=True)
class Span:
    """When a client sent a request and when it had the answer, on the one clock of all clients."""

    sent_s: float
    answered_s: float

    def precedes(self, other: Span) -> bool:
        """The answer was there before the other request was sent: every order of events has this one first."""
        return self.answered_s < other.sent_s


@dataclass(frozen=True, slots=True)
class Evidence:
    """What a decision says that it saw; None where there was nothing to see."""

    course_version: int | None = None
    capacity: int | None = None
    taken: int | None = None
    prerequisites: tuple[str, ...] = ()
    student_version: int | None = None
    completed_courses: tuple[str, ...] = ()
    missing: tuple[str, ...] = ()

    @classmethod
    def of(cls, body: Mapping[str, Any]) -> Self:
        """The evidence in an answer."""
        fields: dict[str, Any] = {name: tuple(value) if isinstance(value, list) else value for name, value in body.items()}
        return cls(**fields)


@dataclass(frozen=True, slots=True)
class Enrollment:
    """A request for enrolment as the API shows it."""

    id: str
    student_id: int
    course_id: int
    status: str
    reason: str | None = None
    evidence: Evidence | None = None

    @classmethod
    def of(cls, body: Mapping[str, Any]) -> Self:
        """The request in an answer."""
        evidence = None if body["decision"] is None else Evidence.of(body["decision"])
        return cls(body["id"], body["student_id"], body["course_id"], body["status"], body["reason"], evidence)


@dataclass(frozen=True, slots=True)
class Asked:
    """A POST /enroll; a status of None is no answer or one of 5xx, after which the request may be stored or not."""

    span: Span
    student_id: int
    course_id: int
    key: str | None
    status: int | None
    enrollment_id: str | None = None

    @property
    def body(self) -> tuple[int, int]:
        """What was asked for."""
        return self.student_id, self.course_id


@dataclass(frozen=True, slots=True)
class Dropped:
    """A DELETE of an enrolment; the status as in :class:`Asked`."""

    span: Span
    enrollment_id: str
    status: int | None


@dataclass(frozen=True, slots=True)
class Written:
    """A course or a student made, changed or deleted by its only writer, who repeats a request until it is answered."""

    span: Span
    """From the first time it was sent to the answer."""
    method: str
    path: str
    status: int
    body: Mapping[str, Any] | None = None
    """What it is from then on, where it was made or changed."""

    @property
    def deletes(self) -> bool:
        """It is gone from then on; not found where an earlier delivery has deleted it."""
        return self.method == "DELETE" and self.status in {204, 404}


@dataclass(frozen=True, slots=True)
class Read:
    """A course or a student that was read by its path or on a page; no body where it was not found."""

    span: Span
    path: str
    body: Mapping[str, Any] | None


@dataclass(frozen=True, slots=True)
class SeatsRead:
    """The seats of a course as the API tells them."""

    span: Span
    course_id: int
    capacity: int
    taken: int
    free: int


@dataclass(frozen=True, slots=True)
class Account:
    """One course in the database at one moment: what its row says, and how many seats its reservations hold."""

    course_id: int
    capacity: int
    taken: int
    reserved: int


@dataclass(frozen=True, slots=True)
class Sighting:
    """A request for enrolment that was read while others were at work."""

    span: Span
    enrollment: Enrollment


@dataclass(frozen=True)
class Final:
    """What is there when nothing is under way any more, read through the API, and the reservations in the database."""

    by_id: Mapping[str, Enrollment]
    """Each id that a client was given; without those that were not found."""
    by_course: Mapping[int, Sequence[Enrollment]]
    by_student: Mapping[int, Sequence[Enrollment]]
    seats: Mapping[int, SeatsRead | None]
    """None where there is no such course any more."""
    reservations: frozenset[str]
    """The requests that hold a seat according to the courses database."""


@dataclass(frozen=True)
class History:
    """Everything that happened, in the order of its answers."""

    final: Final
    asked: Sequence[Asked] = ()
    drops: Sequence[Dropped] = ()
    writes: Sequence[Written] = ()
    reads: Sequence[Read] = ()
    seats: Sequence[SeatsRead] = ()
    accounts: Sequence[Account] = ()
    sightings: Sequence[Sighting] = ()
    server_errors: Sequence[int] = ()
    """The statuses of answers by which the system said that it could not answer."""

    @cached_property
    def enrollments(self) -> dict[str, Enrollment]:
        """Every request that the system knows in the end."""
        listed = (entry for entries in (*self.final.by_course.values(), *self.final.by_student.values()) for entry in entries)
        return {**self.final.by_id, **{entry.id: entry for entry in listed}}


@dataclass
class Log:
    """A history in the making."""

    asked: list[Asked] = field(default_factory=list)
    drops: list[Dropped] = field(default_factory=list)
    writes: list[Written] = field(default_factory=list)
    reads: list[Read] = field(default_factory=list)
    seats: list[SeatsRead] = field(default_factory=list)
    accounts: list[Account] = field(default_factory=list)
    sightings: list[Sighting] = field(default_factory=list)
    server_errors: list[int] = field(default_factory=list)

    def closed(self, final: Final) -> History:
        """The history that ends so."""
        return History(
            final, self.asked, self.drops, self.writes, self.reads, self.seats, self.accounts, self.sightings, self.server_errors
        )
