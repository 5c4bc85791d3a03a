"""A trial's history as checkers ask it: operations with their ends, looks at enrolments, and what was there before and after."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Final, TypeVar

from experiments.definition import WRITES, Operation
from experiments.records.history import (
    Completion,
    CountsRow,
    CourseRow,
    Decision,
    EnrollmentRow,
    Event,
    FaultEvent,
    Invoke,
    Mark,
    Owed,
    Row,
    Trial,
)

PENDING: Final = "pending"
ENROLLED: Final = "enrolled"
REJECTED: Final = "rejected"
DROPPED: Final = "dropped"
MISSING: Final = "missing"
"""The system doesn't know the enrolment."""
TERMINAL: Final = frozenset({ENROLLED, REJECTED, DROPPED})
"""States that a request doesn't leave by itself."""
PROCESSING_FAILED: Final = "processing_failed"
COURSE_FULL: Final = "course_full"
MISSING_PREREQUISITES: Final = "missing_prerequisites"

_Kind = TypeVar("_Kind", bound=Row)


@dataclass(frozen=True, slots=True, eq=False)
class Op:
    """One operation, from its invocation to its end."""

    invoke: Invoke
    end: Completion | None
    """None: nothing followed, so its outcome is unknown."""

    @property
    def f(self) -> Operation:
        """What was done."""
        return self.invoke.f

    @property
    def process(self) -> int:
        """Who did it."""
        return self.invoke.process

    @property
    def began_s(self) -> float:
        """When it was invoked: it has had no effect before."""
        return self.invoke.at_s

    @property
    def ended_s(self) -> float:
        """When its effect, if it has one, was there at the latest; infinite if nobody knows."""
        return math.inf if self.end is None or self.end.type == "unknown" else self.end.at_s

    @property
    def is_ok(self) -> bool:
        """It took effect."""
        return self.end is not None and self.end.type == "ok"

    @property
    def is_possible(self) -> bool:
        """It may have taken effect, or may yet."""
        return self.end is None or self.end.type != "fail"


@dataclass(frozen=True, slots=True, eq=False)
class Look:
    """Somebody saw an enrolment in a state, at some moment of an interval."""

    enrollment: str
    state: str
    reason: str | None
    decision: Decision | None
    began_s: float
    ended_s: float
    seen_by: Op | EnrollmentRow


@dataclass(frozen=True)
class History:
    """The events of one trial, by time."""

    events: tuple[Event, ...]

    @cached_property
    def trial(self) -> Trial | None:
        """What the checkers have to know of the trial; None: it never began."""
        return next((event for event in self.events if isinstance(event, Trial)), None)

    @cached_property
    def ops(self) -> tuple[Op, ...]:
        """Every operation, in the order of the invocations. A process does one thing at a time, so its next event is the end."""
        ends: dict[int, Completion] = {}
        found: list[Op] = []
        for event in reversed(self.events):
            if isinstance(event, Completion):
                ends[event.process] = event
            elif isinstance(event, Invoke):
                found.append(Op(event, ends.pop(event.process, None)))
        return tuple(reversed(found))

    @cached_property
    def _by_operation(self) -> Mapping[Operation, Sequence[Op]]:
        found: defaultdict[Operation, list[Op]] = defaultdict(list)
        for op in self.ops:
            found[op.f].append(op)
        return found

    def of(self, *operations: Operation) -> Sequence[Op]:
        """The operations of these kinds, in the order of the invocations of each."""
        return [op for operation in operations for op in self._by_operation.get(operation, ())]

    @cached_property
    def requests(self) -> Mapping[str, Sequence[Op]]:
        """The sendings of each request for enrolment, by its Idempotency-Key."""
        return _grouped((op.invoke.key or f"process {op.process}", op) for op in self.of(Operation.ENROLL))

    @cached_property
    def accepted(self) -> Mapping[str, Op]:
        """The first 202 that gave each enrolment's id."""
        found: dict[str, Op] = {}
        for op in sorted(self.of(Operation.ENROLL), key=lambda op: op.ended_s):
            if op.is_ok and op.end is not None and op.end.enrollment is not None:
                found.setdefault(op.end.enrollment, op)
        return found

    @cached_property
    def drops(self) -> Mapping[str, Sequence[Op]]:
        """The drops of each enrolment that may have had an effect."""
        return _grouped((op.invoke.enrollment or "", op) for op in self.of(Operation.DROP) if op.is_possible)

    @cached_property
    def updates(self) -> Mapping[int, Sequence[Op]]:
        """The changes of each course's capacity."""
        return _grouped((op.invoke.course or 0, op) for op in self.of(Operation.UPDATE_CAPACITY))

    @cached_property
    def owed(self) -> Sequence[Owed]:
        """Writes of earlier trials that may take effect in this one."""
        return [event for event in self.events if isinstance(event, Owed)]

    @cached_property
    def looks(self) -> Mapping[str, Sequence[Look]]:
        """Every look at each enrolment, by the time at which it ended."""
        found = [
            Look(op.invoke.enrollment or "", op.end.state, op.end.reason, op.end.decision, op.began_s, op.ended_s, op)
            for op in self.of(Operation.READ_ENROLLMENT, Operation.DROP)
            if op.is_ok and op.end is not None and op.end.state is not None
        ]
        found += [Look(row.enrollment, row.state, row.reason, row.decision, row.began_s, row.at_s, row) for row in self.rows(EnrollmentRow)]
        return _grouped((look.enrollment, look) for look in sorted(found, key=lambda look: look.ended_s))

    @cached_property
    def last_looks(self) -> Mapping[str, Look]:
        """The last look at each enrolment."""
        return {enrollment: looks[-1] for enrollment, looks in self.looks.items()}

    @cached_property
    def final(self) -> Mapping[str, EnrollmentRow]:
        """The final state of each enrolment that was there then, as the database has it, else as the API tells it."""
        rows = [row for row in self.rows(EnrollmentRow) if row.moment == "final" and row.state != MISSING]
        return {row.enrollment: row for row in sorted(rows, key=lambda row: row.source != "api")}

    @cached_property
    def is_read(self) -> bool:
        """The business state was read after the load."""
        return any(isinstance(event, Row) and event.moment == "final" for event in self.events)

    @cached_property
    def settled(self) -> Mark | None:
        """That the system became quiet after the load, or that it didn't in time; None: nobody waited."""
        return next((mark for mark in reversed(self.marks) if mark.name in ("quiet", "not_quiet")), None)

    @property
    def is_quiet(self) -> bool:
        """Nothing was under way any more when the business state was read."""
        return self.settled is not None and self.settled.name == "quiet"

    @cached_property
    def waited_s(self) -> float:
        """How long it was waited after the load was over and all was healed for the system to become quiet."""
        begun_s = max((mark.at_s for mark in self.marks if mark.name in ("load_over", "healed")), default=math.inf)
        return 0.0 if self.settled is None else max(0.0, self.settled.at_s - begun_s)

    @cached_property
    def marks(self) -> Sequence[Mark]:
        """The points that the trial reached."""
        return [event for event in self.events if isinstance(event, Mark)]

    @cached_property
    def faults(self) -> Sequence[FaultEvent]:
        """What was done to the system."""
        return [event for event in self.events if isinstance(event, FaultEvent)]

    def rows(self, kind: type[_Kind]) -> Sequence[_Kind]:
        """What of this kind was looked at outside of the load."""
        return [event for event in self._by_kind.get(kind, ()) if isinstance(event, kind)]

    @cached_property
    def _by_kind(self) -> Mapping[type[Any], Sequence[Event]]:
        return _grouped((type(event), event) for event in self.events)

    @cached_property
    def courses(self) -> Mapping[int, Sequence[CourseRow]]:
        """What is known of each course from before and after the load."""
        return _grouped((row.course, row) for row in self.rows(CourseRow))

    @cached_property
    def final_counts(self) -> CountsRow | None:
        """What was under way when the enrollment database was read."""
        return next((row for row in self.rows(CountsRow) if row.moment == "final"), None)

    def students_and_courses(self) -> tuple[frozenset[int], frozenset[int]]:
        """Those that requests for enrolment were about."""
        asked = [op.invoke for op in self.of(Operation.ENROLL)]
        students = frozenset(invoke.student for invoke in asked if invoke.student is not None)
        courses = frozenset(invoke.course for invoke in asked if invoke.course is not None)
        updated = frozenset(op.invoke.course for op in self.of(Operation.UPDATE_CAPACITY) if op.invoke.course is not None)
        return students, courses | updated


def still_owed(history: History) -> tuple[Owed, ...]:
    """The writes that may yet take effect after this trial: of unknown outcome, and not found when the business state was read."""
    keys = {row.key for row in history.final.values()}
    pairs = {(row.student, row.course) for row in history.final.values()}
    unknown = [op.invoke for op in history.ops if op.f in WRITES and math.isinf(op.ended_s)]
    earlier = [owed for owed in history.owed if owed.f is not Operation.ENROLL]
    events: list[Invoke | Owed] = [*earlier, *(owed for owed in history.owed if owed.f is Operation.ENROLL), *unknown]
    found = {
        (event.f, event.key, event.enrollment, event.course): Owed(
            at_s=0.0,
            f=event.f,
            student=event.student,
            course=event.course,
            enrollment=event.enrollment,
            key=event.key,
            capacity=event.capacity,
        )
        for event in events
        if event.f is not Operation.ENROLL or (event.key not in keys and (event.student, event.course) not in pairs)
    }
    return tuple(found.values())


_Key = TypeVar("_Key")
_Item = TypeVar("_Item")


def _grouped(items: Iterable[tuple[_Key, _Item]]) -> Mapping[_Key, Sequence[_Item]]:
    found: dict[_Key, list[_Item]] = {}
    for key, item in items:
        found.setdefault(key, []).append(item)
    return found
