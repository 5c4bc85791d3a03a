"""What is known of the versions of courses and students: which were acknowledged when, and what they hold."""

from __future__ import annotations

from bisect import bisect_left
from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from experiments.definition import Operation
from experiments.invariants.history import History, Op
from experiments.records.history import CourseRow, StudentRow

Thing = tuple[Literal["course", "student"], int]
"""A course or a student."""


@dataclass(frozen=True)
class Writes:
    """The acknowledged writes of one thing, by the time of their acknowledgement."""

    ended_s: tuple[float, ...]
    newest: tuple[Op, ...]
    """After each of them, the one of the newest version so far."""

    def newest_before(self, at_s: float) -> Op | None:
        """The newest version that was acknowledged before a moment."""
        count = bisect_left(self.ended_s, at_s)
        return self.newest[count - 1] if count else None


def version(op: Op) -> int:
    """The version that a completed operation tells; 0 where it tells none."""
    return op.end.version or 0 if op.end is not None else 0


def thing(op: Op) -> Thing:
    """What an operation on a course or a student is about."""
    if op.f in (Operation.UPDATE_STUDENT, Operation.READ_STUDENT):
        return "student", op.invoke.student or 0
    return "course", op.invoke.course or 0


def writes(history: History) -> Mapping[Thing, Writes]:
    """The acknowledged writes of everything that was written."""
    acknowledged: defaultdict[Thing, list[Op]] = defaultdict(list)
    for op in history.of(Operation.UPDATE_CAPACITY, Operation.UPDATE_STUDENT):
        if op.is_ok and version(op):
            acknowledged[thing(op)].append(op)
    found = {}
    for what, ops in acknowledged.items():
        ops.sort(key=lambda op: op.ended_s)
        newest: list[Op] = []
        for op in ops:
            newest.append(max(newest[-1], op, key=version) if newest else op)
        found[what] = Writes(tuple(op.ended_s for op in ops), tuple(newest))
    return found


def initial_rows(history: History) -> Mapping[Thing, CourseRow | StudentRow]:
    """What was known of each course and student before the load."""
    found: dict[Thing, CourseRow | StudentRow] = {
        ("course", row.course): row for row in history.rows(CourseRow) if row.moment == "initial" and row.version is not None
    }
    found |= {("student", row.student): row for row in history.rows(StudentRow) if row.moment == "initial"}
    return found
