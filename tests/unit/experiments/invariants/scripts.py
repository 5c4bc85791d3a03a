"""Histories written by hand, a line an event; and the rules' verdicts on them."""

from __future__ import annotations

from itertools import count
from typing import Any

from experiments.definition import Operation
from experiments.invariants.checkers import RULES
from experiments.invariants.history import History
from experiments.records.history import (
    Completion,
    CountsRow,
    CourseRow,
    EnrollmentRow,
    Event,
    Invoke,
    Mark,
    Owed,
    ReservationRow,
    StudentRow,
    Trial,
)
from experiments.records.journal import merged
from experiments.records.schema import InvariantRecord

COURSE = 5
END_S = 100.0
"""When the business state is read."""


def seen(**changes: Any) -> dict[str, Any]:
    """What a decision saw: a course with free seats and no prerequisites, and a student; ``changes`` where it was otherwise."""
    dull = {"course_version": 1, "student_version": 1, "capacity": 2, "taken": 0, "prerequisites": (), "completed_courses": ()}
    return {**dull, **changes}


class Script:
    """Makes a history; times are seconds, and every operation is done by a process of its own unless one is named."""

    def __init__(self, *, bound_s: float = 2.0, decision_bound_s: float | None = None) -> None:
        self.events: list[Event] = [
            Trial(at_s=-1, trial_id="000-b0-sample", epoch_unix_s=1.0, staleness_bound_s=bound_s, decision_bound_s=decision_bound_s)
        ]
        self._processes = count()

    @property
    def history(self) -> History:
        """What was written so far."""
        return History(merged(self.events))

    def op(
        self, f: Operation, began_s: float, ended_s: float | None, ending: str = "ok", *, process: int | None = None, **fields: Any
    ) -> int:
        """An operation; what the invocation has no field for is what the answer told. ``ended_s`` None: nothing followed."""
        who = next(self._processes) if process is None else process
        asked = {name: fields.pop(name) for name in list(fields) if name in Invoke.model_fields and name not in _ANSWERED.get(f, ())}
        self.events.append(Invoke.model_validate({"at_s": began_s, "process": who, "f": f, **asked}))
        if ended_s is not None:
            self.events.append(Completion.model_validate({"at_s": ended_s, "process": who, "f": f, "type": ending, **fields}))
        return who

    def enroll(
        self, name: str, student: int, began_s: float, ended_s: float | None, ending: str = "ok", *, course: int = COURSE, **fields: Any
    ) -> int:
        """A request with the key ``k-<name>``, which gives the id ``<name>`` where it is ok."""
        given = {"enrollment": name} if ending == "ok" and ended_s is not None else {}
        asked = {"key": f"k-{name}", "student": student, "course": course, "digest": f"{student}-{course}"}
        return self.op(Operation.ENROLL, began_s, ended_s, ending, **{**asked, **given, **fields})

    def read(self, name: str, began_s: float, ended_s: float, state: str, reason: str | None = None, **fields: Any) -> int:
        """A look at an enrolment."""
        return self.op(Operation.READ_ENROLLMENT, began_s, ended_s, enrollment=name, state=state, reason=reason, **fields)

    def drop(self, name: str, began_s: float, ended_s: float | None, ending: str = "ok") -> int:
        """A drop."""
        told: dict[str, Any] = {"state": "dropped"} if ending == "ok" and ended_s is not None else {}
        return self.op(Operation.DROP, began_s, ended_s, ending, enrollment=name, **told)

    def update(self, capacity: int, began_s: float, ended_s: float | None, ending: str = "ok", **fields: Any) -> int:
        """A change of the course's capacity."""
        return self.op(Operation.UPDATE_CAPACITY, began_s, ended_s, ending, **{"course": COURSE, "capacity": capacity, **fields})

    def before(self, *, capacity: int = 2, taken: int = 0, enrolled: int = 0, version: int = 1) -> None:
        """What the databases said of the course before the load."""
        at: dict[str, Any] = {"at_s": -2, "began_s": -3, "moment": "initial", "course": COURSE}
        self.events.append(CourseRow(**at, source="courses-db", version=version, capacity=capacity, taken=taken, prerequisites=()))
        self.events.append(CourseRow(**at, source="enrollment-db", enrolled=enrolled, pending=0))

    def owed(self, name: str, student: int, *, course: int = COURSE) -> None:
        """A request of an earlier trial of which nobody knows what became."""
        self.events.append(Owed(at_s=-1, f=Operation.ENROLL, student=student, course=course, key=f"k-{name}"))

    def row(self, name: str, student: int, state: str, reason: str | None = None, *, source: str = "enrollment-db", **fields: Any) -> None:
        """An enrolment as the final read has it; in the database it has its key."""
        key = {} if source == "api" else {"key": f"k-{name}"}
        known = {"enrollment": name, "student": student, "course": COURSE, "state": state, "reason": reason}
        self.events.append(EnrollmentRow.model_validate({**_final(source), **key, **known, **fields}))

    def course(self, *, source: str, **fields: Any) -> None:
        """The course as the final read has it."""
        self.events.append(CourseRow.model_validate({**_final(source), "course": COURSE, **fields}))

    def student(self, student: int, completed: tuple[str, ...], *, version: int = 1) -> None:
        """A student as the final read has them."""
        self.events.append(StudentRow(**_final("students-db"), student=student, version=version, completed_courses=completed))

    def reservation(self, name: str, outcome: str) -> None:
        """The answer to a request for a seat."""
        self.events.append(ReservationRow(**_final("courses-db"), enrollment=name, course=COURSE, outcome=outcome))

    def finish(self, *, quiet: bool = True, pending: int = 0, outbox: int = 0) -> None:
        """The end of the wait, and what was under way in the database."""
        self.events.append(Mark(at_s=END_S - 2, name="quiet" if quiet else "not_quiet"))
        self.events.append(CountsRow(**_final("enrollment-db"), pending=pending, outbox=outbox, inbox=0))

    def judge(self, rule: str) -> InvariantRecord:
        """The verdict of one rule."""
        return next(one for one in RULES if one.name == rule).judge(self.history)


_ANSWERED = {Operation.ENROLL: {"enrollment"}, Operation.READ_SEATS: {"capacity"}, Operation.READ_COURSE: {"capacity"}}
"""Fields of a completion that an invocation of the operation doesn't have, though invocations of others do."""


def _final(source: str) -> dict[str, Any]:
    return {"at_s": END_S, "began_s": END_S - 1, "moment": "final", "source": source}


def told(record: InvariantRecord) -> list[str]:
    """The witness, as lines."""
    return [f"{event.at_s:g} {event.who}: {event.what}" for event in record.witness]
