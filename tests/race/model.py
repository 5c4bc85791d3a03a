"""The system as it should be, for one client who does one thing after the other: what may be answered, and what is so afterwards.

The one thing that it can't know is when a pending request is decided. What may come of one is the set of the outcomes that any
moment since it was sent would give; an answer then tells which of them came true.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

Outcome = tuple[str, str | None]
ENROLLED: Outcome = ("enrolled", None)
DROPPED: Outcome = ("dropped", None)
FULL: Outcome = ("rejected", "course_full")
MISSING: Outcome = ("rejected", "missing_prerequisites")
UNKNOWN_STUDENT: Outcome = ("rejected", "unknown_student")
UNKNOWN_COURSE: Outcome = ("rejected", "unknown_course")
PENDING: Outcome = ("pending", None)

Body = dict[str, Any]


@dataclass
class Request:
    """A request for enrolment and what it may have become."""

    id: str
    student_id: int
    course_id: int
    key: str | None
    outcome: Outcome = PENDING
    body: Body | None = None
    """As it is read from when its outcome is known."""
    students: list[frozenset[str] | None] = field(default_factory=list)
    """What the student had completed at any moment since; None: there was none."""
    courses: list[tuple[frozenset[str], bool, bool] | None] = field(default_factory=list)
    """Of the course at any moment since: what it wanted, whether it may have had a seat, and whether it may have been full."""

    @property
    def pending(self) -> bool:
        """Not known to be decided."""
        return self.outcome == PENDING

    @property
    def active(self) -> bool:
        """Known to stand in the way of another one."""
        return self.outcome == ENROLLED

    def possible(self) -> set[Outcome]:
        """What it may be decided as, or have been."""
        return {outcome for student in self.students for course in self.courses for outcome in _outcomes(student, course)}


def _outcomes(student: frozenset[str] | None, course: tuple[frozenset[str], bool, bool] | None) -> Iterator[Outcome]:
    if student is None:
        yield UNKNOWN_STUDENT
    elif course is None:
        yield UNKNOWN_COURSE
    elif course[0] - student:
        yield MISSING
    else:
        _, may_have_room, may_be_full = course
        if may_have_room:
            yield ENROLLED
        if may_be_full:
            yield FULL


class Model:
    """Everything that was made and asked for; a deleted course or student stays known by its id, without a body."""

    def __init__(self, courses: Sequence[Body] = (), students: Sequence[Body] = ()) -> None:
        self.courses: dict[int, Body | None] = {body["id"]: body for body in courses}
        self.students: dict[int, Body | None] = {body["id"]: body for body in students}
        self.requests: dict[str, Request] = {}

    def page(self, collection: Mapping[int, Body | None], limit: int, offset: int) -> list[Body]:
        """A page of what is there."""
        return [body for _, body in sorted(collection.items()) if body is not None][offset : offset + limit]

    def code_is_taken(self, code: str, by_other_than: int | None = None) -> bool:
        """Another course has the code."""
        return any(body is not None and body["code"] == code and key != by_other_than for key, body in self.courses.items())

    def held(self, course_id: int) -> int:
        """Seats that are certainly taken."""
        return sum(request.course_id == course_id and request.active for request in self.requests.values())

    def undecided(self, course_id: int) -> int:
        """Seats that may be taken besides."""
        return sum(request.course_id == course_id and request.pending for request in self.requests.values())

    def change_answers(self, course_id: int, change: Mapping[str, Any]) -> set[int]:
        """What a change of a course may be answered."""
        if self.courses.get(course_id) is None:
            return {404}
        if "code" in change and self.code_is_taken(change["code"], by_other_than=course_id):
            return {409}
        capacity, held = change.get("capacity"), self.held(course_id)
        if capacity is None or capacity >= held + self.undecided(course_id):
            return {200}
        return {409} if capacity < held else {200, 409}

    def delete_answers(self, course_id: int) -> set[int]:
        """What the deletion of a course may be answered."""
        if self.courses.get(course_id) is None:
            return {404}
        if self.held(course_id):
            return {409}
        return {204, 409} if self.undecided(course_id) else {204}

    def owner(self, key: str | None) -> Request | None:
        """The request that has the key."""
        return next((request for request in self.requests.values() if key is not None and request.key == key), None)

    def of_pair(self, student_id: int, course_id: int) -> list[Request]:
        """Requests of the student for the course."""
        return [item for item in self.requests.values() if (item.student_id, item.course_id) == (student_id, course_id)]

    def ask_answers(self, student_id: int, course_id: int, key: str | None) -> set[int]:
        """What a request for enrolment may be answered."""
        if (owner := self.owner(key)) is not None:
            return {202} if (owner.student_id, owner.course_id) == (student_id, course_id) else {422}
        others = self.of_pair(student_id, course_id)
        if any(other.active for other in others):
            return {409}
        undecided = next((other for other in others if other.pending), None)
        if undecided is None:
            return {202}
        return {202, 409} if any(status == "rejected" for status, _ in undecided.possible()) else {409}

    def drop_answers(self, request: Request) -> set[int]:
        """What a drop may be answered."""
        if not request.pending:
            return {409} if request.outcome[0] == "rejected" else {200}
        return {200, 409} if any(status == "rejected" for status, _ in request.possible()) else {200}

    def asked(self, request: Request) -> None:
        """There is a new request."""
        self.requests[request.id] = request
        self.changed()

    def decided(self, request: Request, outcome: Outcome) -> None:
        """An answer told what became of a request."""
        request.outcome = outcome
        self.changed()

    def changed(self) -> None:
        """Something that decisions depend on is different now."""
        for request in self.requests.values():
            if not request.pending:
                continue
            student, course = self.students.get(request.student_id), self.courses.get(request.course_id)
            request.students.append(None if student is None else frozenset(student["completed_courses"]))
            if course is None:
                request.courses.append(None)
                continue
            held, others = self.held(request.course_id), self.undecided(request.course_id) - 1
            full = held + others >= course["capacity"]
            request.courses.append((frozenset(course["prerequisites"]), held < course["capacity"], full))
