"""How many seats a course has at a time, and how many are certainly or possibly taken, as far as its history tells."""

from __future__ import annotations

import math
from bisect import bisect_left, bisect_right
from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

from experiments.definition import Operation
from experiments.invariants.history import (
    DROPPED,
    ENROLLED,
    PROCESSING_FAILED,
    REJECTED,
    History,
    Look,
    Op,
)
from experiments.records.history import CourseRow, Owed


@dataclass(frozen=True)
class Capacities:
    """The capacities that may be in force at a time."""

    initial: int | None
    """None: not known, so that it may be any."""
    updates: Sequence[Op]
    owed: Sequence[Owed] = ()

    def possible(self, from_s: float, to_s: float) -> frozenset[int] | None:
        """Those that may be in force at some moment of the interval; None: any may be.

        A change is in force from somewhere between its invocation and its end, until a later one is. One that was refused may have been
        in force before it was, where its first delivery had an effect and only the second one was refused.
        """
        settled_s = max((op.began_s for op in self.updates if op.is_ok and op.ended_s < from_s), default=-math.inf)
        found = {owed.capacity for owed in self.owed if owed.capacity is not None}
        if settled_s == -math.inf:
            if self.initial is None:
                return None
            found.add(self.initial)
        for op in self.updates:
            until_s = op.ended_s if op.is_possible else (op.end.at_s if op.end is not None else math.inf)
            is_superseded = until_s < (settled_s if op.is_possible else from_s)
            if op.began_s <= to_s and not is_superseded and op.invoke.capacity is not None:
                found.add(op.invoke.capacity)
        return frozenset(found)

    def most(self, from_s: float, to_s: float) -> float:
        """The largest that may be in force."""
        found = self.possible(from_s, to_s)
        return math.inf if found is None else max(found)

    def least(self, from_s: float, to_s: float) -> float:
        """The smallest that may be in force."""
        found = self.possible(from_s, to_s)
        return -math.inf if found is None else min(found)


@dataclass(frozen=True)
class Holder:
    """A request that may hold a seat, or certainly does for some time."""

    sendings: Sequence[Op]
    asked_s: float
    """It holds none before."""
    certain: tuple[float, float] | None = None
    """It certainly holds one between these moments."""
    seen: Look | None = None
    """The first look that shows it enrolled."""
    dropped: Op | None = None
    """The first acknowledged drop: who asks for a seat after it must not find this one taken."""
    may_give_back: bool = True
    """It may have held a seat and given it back."""


@dataclass(frozen=True)
class Rejection:
    """A request that was rejected and never held a seat."""

    sendings: Sequence[Op]
    asked_s: float
    seen: Look
    """The first look that shows it rejected."""


@dataclass(frozen=True)
class CourseSeats:
    """One course."""

    course: int
    capacities: Capacities
    initial: Sequence[CourseRow]
    holders: Sequence[Holder]
    changed_before: int
    """Enrolments of earlier trials that changed in this one: they may have given a seat back."""
    owed: int
    """Requests of earlier trials that may get a seat in this one."""
    rejections: Sequence[Rejection]

    @cached_property
    def most_before(self) -> int | None:
        """The most seats that may be taken by requests of earlier trials; None: not known."""
        if not self.initial:
            return None
        taken = max((row.taken or 0 for row in self.initial), default=0)
        enrolled = sum((row.enrolled or 0) + (row.pending or 0) for row in self.initial)
        return max(taken, enrolled) + self.owed

    @cached_property
    def least_before(self) -> int:
        """Seats that are certainly taken by requests of earlier trials."""
        return max(0, max((row.enrolled or 0 for row in self.initial), default=0) - self.changed_before)

    @cached_property
    def _asked_s(self) -> list[float]:
        return sorted(holder.asked_s for holder in self.holders)

    @cached_property
    def _dropped_s(self) -> list[float]:
        return sorted(holder.dropped.ended_s for holder in self.holders if holder.dropped is not None)

    @cached_property
    def _certain_from_s(self) -> list[float]:
        return sorted(holder.certain[0] for holder in self.holders if holder.certain is not None)

    @cached_property
    def _certain_until_s(self) -> list[float]:
        return sorted(holder.certain[1] for holder in self.holders if holder.certain is not None)

    def most_taken(self, from_s: float, to_s: float) -> float:
        """The most seats that one who asks at ``from_s`` may find taken until ``to_s``."""
        if self.most_before is None:
            return math.inf
        return self.most_before + bisect_right(self._asked_s, to_s) - bisect_left(self._dropped_s, from_s)

    def least_taken(self, from_s: float, to_s: float) -> int:
        """Seats that are certainly taken throughout the interval."""
        return self.least_before + bisect_left(self._certain_from_s, from_s) - bisect_right(self._certain_until_s, to_s)

    @cached_property
    def most_given_back(self) -> int:
        """The most seats that may have been given back."""
        return sum(holder.may_give_back for holder in self.holders) + self.changed_before + self.owed


def course_seats(history: History) -> Mapping[int, CourseSeats]:
    """Every course that somebody asked to be enrolled in, or whose capacity was changed."""
    ids = {key: op.end.enrollment for key, ops in history.requests.items() for op in ops if op.end is not None and op.end.enrollment}
    ids |= {row.key: row.enrollment for row in history.final.values() if row.key is not None}
    holders: defaultdict[int, list[Holder]] = defaultdict(list)
    rejections: defaultdict[int, list[Rejection]] = defaultdict(list)
    for key, sendings in history.requests.items():
        course = sendings[0].invoke.course
        if course is None or not any(op.is_possible for op in sendings):
            continue
        looks = history.looks.get(ids.get(key, ""), ())
        last = looks[-1] if looks else None
        if last is not None and last.state == REJECTED and last.reason != PROCESSING_FAILED:
            seen = next(look for look in looks if look.state == REJECTED)
            rejections[course].append(Rejection(sendings, min(op.began_s for op in sendings), seen))
        else:
            holders[course].append(_holder(history, sendings, looks))
    _, courses = history.students_and_courses()
    earlier = {row.enrollment: row.course for row in history.final.values() if row.key not in history.requests}
    changed = Counter(course for enrollment, course in earlier.items() if enrollment not in history.accepted)
    return {
        course: CourseSeats(
            course=course,
            capacities=_capacities(history, course),
            initial=[row for row in history.courses.get(course, ()) if row.moment == "initial"],
            holders=holders[course],
            changed_before=changed[course],
            owed=sum(event.f is Operation.ENROLL and event.course == course for event in history.owed),
            rejections=rejections[course],
        )
        for course in sorted(courses)
    }


def _holder(history: History, sendings: Sequence[Op], looks: Sequence[Look]) -> Holder:
    enrolled = [look for look in looks if look.state == ENROLLED]
    drops = history.drops.get(looks[0].enrollment, ()) if looks else ()
    certain = None
    if enrolled:
        dropped_s = min((op.began_s for op in drops), default=math.inf)
        if any(look.state == DROPPED for look in looks) and not drops:
            dropped_s = max(look.began_s for look in enrolled)
        certain = (enrolled[0].ended_s, max(enrolled[0].ended_s, dropped_s))
    acknowledged = sorted((op for op in drops if op.is_ok), key=lambda op: op.ended_s)
    is_given_back = bool(acknowledged) and looks[-1].reason != PROCESSING_FAILED
    return Holder(
        sendings=sendings,
        asked_s=min(op.began_s for op in sendings),
        certain=certain,
        seen=enrolled[0] if enrolled else None,
        dropped=acknowledged[0] if is_given_back else None,
        may_give_back=bool(drops) or not looks or looks[-1].state != ENROLLED,
    )


def _capacities(history: History, course: int) -> Capacities:
    known = [row.capacity for row in history.courses.get(course, ()) if row.moment == "initial" and row.capacity is not None]
    return Capacities(
        initial=known[0] if known else None,
        updates=history.updates.get(course, ()),
        owed=[event for event in history.owed if event.f is Operation.UPDATE_CAPACITY and event.course == course],
    )
