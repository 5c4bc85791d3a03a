"""The events of a trial's history: every operation, every fault, every look at the business state, on one clock.

The terms are Jepsen's. A *process* does one thing at a time: it invokes an operation, and the next event of it says how that ended.
``ok``: it was answered and took effect. ``fail``: it certainly had no effect. ``unknown``: it may have taken effect, or may yet; that is
what became of a write without an answer, and of an invocation that nothing follows. A process here is one arrival of the schedule with
all that comes of it: what is sent again because its fate is unknown, and the writer's own look at what it wrote.

Every ``at_s`` is in seconds since the trial's epoch on the machine's monotonic clock, negative before it. What a field has None for was
not asked, not answered or not known.
"""

from __future__ import annotations

from typing import Annotated, Any, Final, Literal

from pydantic import Field, TypeAdapter

from experiments.definition import Operation, Value

HISTORY_VERSION: Final = 1


class Trial(Value):
    """Which trial it is, and what its checkers have to know of it."""

    type: Literal["trial"] = "trial"
    at_s: float
    version: Literal[1] = HISTORY_VERSION
    trial_id: str
    epoch_unix_s: float
    staleness_bound_s: float
    """How long after the acknowledgement of a write an older version may still be read."""
    decision_bound_s: float | None = None
    """How long after the load is over and all is healed an accepted request may be undecided; None: no bound."""


class Decision(Value):
    """What the decision on an enrolment saw."""

    course_version: int | None = None
    student_version: int | None = None
    capacity: int | None = None
    taken: int | None = None
    """Seats taken before this one."""
    prerequisites: tuple[str, ...] | None = None
    completed_courses: tuple[str, ...] | None = None
    missing: tuple[str, ...] | None = None

    @classmethod
    def of(cls, evidence: dict[str, Any] | None) -> Decision | None:
        """The parts that are known here of what the system recorded."""
        return None if evidence is None else cls.model_validate({name: evidence[name] for name in cls.model_fields if name in evidence})


class Invoke(Value):
    """A process begins an operation."""

    type: Literal["invoke"] = "invoke"
    at_s: float
    process: int
    f: Operation
    student: int | None = None
    course: int | None = None
    enrollment: str | None = None
    """The enrolment that is read or dropped."""
    key: str | None = None
    """The Idempotency-Key."""
    digest: str | None = None
    """Of the body that went with the key."""
    capacity: int | None = None
    """The capacity that is written."""


class Completion(Value):
    """The operation that the process began has ended for its client."""

    type: Literal["ok", "fail", "unknown"]
    at_s: float
    process: int
    f: Operation
    http: int | None = None
    """Status of the answer; None: there was none."""
    error: str | None = None
    """Why there was none: timeout or connection_error."""
    replica: str | None = None
    cache: str | None = None
    """hit, miss or off."""
    enrollment: str | None = None
    """The id that a 202 gave."""
    state: str | None = None
    """Of an enrolment: pending, enrolled, rejected or dropped; missing: the system doesn't know it."""
    reason: str | None = None
    decision: Decision | None = None
    version: int | None = None
    """Of the course or student that was read or written."""
    versions: tuple[tuple[int, int], ...] | None = None
    """Course and version, of a page of the catalogue."""
    capacity: int | None = None
    taken: int | None = None
    free: int | None = None


class FaultEvent(Value):
    """A step in the life of a fault."""

    type: Literal["fault"] = "fault"
    at_s: float
    step: Literal["begin", "proven", "healed", "ready"]
    """As in :class:`experiments.records.schema.FaultRecord`: its heal is carried out, and its node is ready again."""
    kind: str
    node: str
    detail: str | None = None
    """What proved it."""


class Mark(Value):
    """The trial reached a point."""

    type: Literal["mark"] = "mark"
    at_s: float
    name: Literal["warm_up", "measure", "cool_down", "load_over", "healed", "quiet", "not_quiet"]


class Owed(Value):
    """A write of an earlier trial that may still take effect, because its outcome was never known."""

    type: Literal["owed"] = "owed"
    at_s: float
    f: Operation
    student: int | None = None
    course: int | None = None
    enrollment: str | None = None
    key: str | None = None
    capacity: int | None = None


class _Row(Value):
    """Something that was looked at outside of the load, before it (initial) or after it (final)."""

    at_s: float
    """When the answer was there."""
    began_s: float
    """When it was asked for."""
    moment: Literal["initial", "final"]
    source: Literal["api", "courses-db", "students-db", "enrollment-db"]


class EnrollmentRow(_Row):
    """An enrolment of this trial, or an earlier one that changed in it."""

    type: Literal["enrollment"] = "enrollment"
    enrollment: str
    student: int | None = None
    course: int | None = None
    state: str
    """As in :class:`Completion`; missing is an answer of the API's."""
    reason: str | None = None
    decision: Decision | None = None
    key: str | None = None
    """The Idempotency-Key that it was stored with."""


class CourseRow(_Row):
    """A course, as far as the source knows it."""

    type: Literal["course"] = "course"
    course: int
    version: int | None = None
    prerequisites: tuple[str, ...] | None = None
    capacity: int | None = None
    taken: int | None = None
    free: int | None = None
    reserved: int | None = None
    """Reservations in force."""
    enrolled: int | None = None
    pending: int | None = None


class StudentRow(_Row):
    """A student who asked for a seat."""

    type: Literal["student"] = "student"
    student: int
    version: int
    completed_courses: tuple[str, ...]


class ReservationRow(_Row):
    """The answer that the courses service gave to one enrolment's request for a seat."""

    type: Literal["reservation"] = "reservation"
    enrollment: str
    course: int
    outcome: str


class CountsRow(_Row):
    """How much is under way."""

    type: Literal["counts"] = "counts"
    pending: int
    """Enrolments without an outcome."""
    outbox: int
    """Tasks whose effect is not stored."""
    inbox: int
    """Messages whose effect is."""


Row = EnrollmentRow | CourseRow | StudentRow | ReservationRow | CountsRow
Event = Annotated[Trial | Invoke | Completion | FaultEvent | Mark | Owed | Row, Field(discriminator="type")]
EVENT: Final[TypeAdapter[Event]] = TypeAdapter(Event)
"""Reads an event from its JSON."""
