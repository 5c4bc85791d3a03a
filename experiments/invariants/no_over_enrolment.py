"""Rule 4: enrolled <= capacity at every moment; enrolled + free = capacity."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from typing import Final

from experiments.definition import Operation
from experiments.invariants.history import ENROLLED, History, Look
from experiments.invariants.rule import NOT_QUIET, UNREAD, Evidence, Finding, Rule, Violation
from experiments.invariants.seats import CourseSeats, Holder, course_seats
from experiments.records.history import CourseRow, ReservationRow

HELD: Final = "accepted"
"""A reservation in force."""


def check(history: History) -> Finding:
    """At the end, in every look at seats, in what decisions saw, and at every moment as far as clients can tell."""
    courses = course_seats(history)
    final = {course: [row for row in rows if row.moment == "final"] for course, rows in history.courses.items()}
    decisions = _decisions(history)
    violations = [
        *(violation for rows in final.values() for violation in _final(rows, is_quiet=history.is_quiet)),
        *(_reserved(history) if history.is_quiet else ()),
        *_seats(history, courses),
        *(violation for course, looks in decisions.items() for violation in _decided(looks, courses.get(course))),
        *(violation for seats in courses.values() for violation in _at_every_moment(seats)),
    ]
    evidence = {
        "courses read": sum(bool(final.get(course)) for course in courses),
        "looks at seats": len(history.of(Operation.READ_SEATS)),
        "enrolments with what was seen": sum(map(len, decisions.values())),
    }
    doubt = UNREAD if not history.is_read else None if history.is_quiet else NOT_QUIET
    return Finding(evidence, violations, doubt)


def _final(rows: Sequence[CourseRow], *, is_quiet: bool) -> Iterator[Violation]:
    """The services must agree once nothing is under way; that more are enrolled than there are seats is never right."""
    capacities = [row for row in rows if row.capacity is not None]
    students = [row for row in rows if row.enrolled is not None]
    seats = [row for row in rows if row.taken is not None]
    for row in students:
        roomiest = max(capacities, key=lambda found: found.capacity or 0, default=None)
        if roomiest is not None and (row.enrolled or 0) > (roomiest.capacity or 0):
            yield Violation(f"course {row.course} has {row.enrolled} students enrolled in {roomiest.capacity} seats", [row, roomiest])
    for row in seats:
        if row.free is not None and row.capacity is not None and row.free != row.capacity - (row.taken or 0):
            yield Violation(f"course {row.course} has {row.capacity} seats, {row.taken} taken and {row.free} free", [row])
        if is_quiet and row.reserved is not None and row.reserved != row.taken:
            yield Violation(f"course {row.course} has {row.taken} seats taken by {row.reserved} reservations", [row])
        for other in students if is_quiet else ():
            if other.enrolled != row.taken:
                yield Violation(f"course {row.course} has {row.taken} seats taken by {other.enrolled} students enrolled", [row, other])


def _reserved(history: History) -> Iterator[Violation]:
    """Who is enrolled holds a seat in the courses service, and nobody else does."""
    reservations = {row.enrollment: row for row in history.rows(ReservationRow)}
    for enrollment, row in history.final.items() if reservations else ():
        reservation = reservations.get(enrollment)
        is_new = enrollment in history.accepted or row.key in history.requests
        if row.state == ENROLLED and is_new and (reservation is None or reservation.outcome != HELD):
            yield Violation(f"{enrollment} is enrolled and holds no seat", [row, *([reservation] if reservation is not None else [])])
    for enrollment, reservation in reservations.items():
        known = history.final.get(enrollment)
        if reservation.outcome == HELD and (known is None or known.state != ENROLLED):
            state = "unknown" if known is None else known.state
            yield Violation(f"{enrollment} holds a seat and is {state}", [reservation, *([known] if known is not None else [])])


def _seats(history: History, courses: Mapping[int, CourseSeats]) -> Iterator[Violation]:
    for op in history.of(Operation.READ_SEATS):
        end = op.end
        if end is None or end.capacity is None or end.taken is None or end.free is None:
            continue
        course = op.invoke.course or 0
        if not 0 <= end.taken <= end.capacity or end.free != end.capacity - end.taken:
            yield Violation(f"course {course} had {end.capacity} seats, {end.taken} taken and {end.free} free", [op])
        elif course in courses and end.taken < courses[course].least_taken(op.began_s, op.ended_s):
            sure = courses[course].least_taken(op.began_s, op.ended_s)
            inside = [holder for holder in courses[course].holders if _holds(holder, op.began_s, op.ended_s)]
            proof: list[Evidence] = [op, *courses[course].initial, *(holder.seen for holder in inside if holder.seen is not None)]
            yield Violation(f"{end.taken} seats of course {course} were said to be taken while {sure} students were enrolled", proof)


def _holds(holder: Holder, from_s: float, to_s: float) -> bool:
    return holder.certain is not None and holder.certain[0] < from_s and holder.certain[1] > to_s


def _decisions(history: History) -> dict[int, list[Look]]:
    """A look at each enrolled request that tells what the decision saw, by course."""
    found: defaultdict[int, list[Look]] = defaultdict(list)
    for enrollment, looks in history.looks.items():
        acceptance = history.accepted.get(enrollment)
        row = history.final.get(enrollment)
        course = acceptance.invoke.course if acceptance is not None else row.course if row is not None else None
        told = next((look for look in looks if look.state == ENROLLED and look.decision is not None), None)
        if course is not None and told is not None:
            found[course].append(told)
    return found


def _decided(looks: Sequence[Look], seats: CourseSeats | None) -> Iterator[Violation]:
    by_taken: defaultdict[int, list[Look]] = defaultdict(list)
    for look in looks:
        decision = look.decision
        if decision is None or decision.taken is None or decision.capacity is None:
            continue
        by_taken[decision.taken].append(look)
        if decision.taken >= decision.capacity:
            yield Violation(f"{look.enrollment} was enrolled when {decision.taken} of {decision.capacity} seats were taken", [look])
    if seats is None:
        return
    # Each seat given back lets one more decision see the same number of seats taken.
    for taken, alike in by_taken.items():
        if len(alike) > 1 + seats.most_given_back:
            yield Violation(
                f"{len(alike)} students got a seat of course {seats.course} when {taken} were taken, "
                f"and at most {seats.most_given_back} were given back",
                alike[: seats.most_given_back + 2],
            )


def _at_every_moment(seats: CourseSeats) -> Iterator[Violation]:
    """Where those who certainly hold a seat at the same time are more than the largest capacity that may have been in force."""
    holders = [holder for holder in seats.holders if holder.certain is not None and holder.certain[0] < holder.certain[1]]
    steps = [(holder.certain[0], 1, holder) for holder in holders if holder.certain is not None]
    steps += [(holder.certain[1], -1, holder) for holder in holders if holder.certain is not None]
    moments = sorted(
        [*steps, *((math.nextafter(op.ended_s, math.inf), 0, None) for op in seats.capacities.updates if op.is_ok)],
        key=lambda step: step[:2],
    )
    inside: dict[int, Holder] = {}
    for at_s, change, holder in moments:
        if holder is not None and change < 0:
            inside.pop(id(holder), None)
        elif holder is not None:
            inside[id(holder)] = holder
        certain = seats.least_before + len(inside)
        if certain > seats.capacities.most(at_s, at_s):
            looks = [found.seen for found in inside.values() if found.seen is not None]
            proof: list[Evidence] = [*seats.initial, *seats.capacities.updates, *looks]
            most = int(seats.capacities.most(at_s, at_s))
            yield Violation(f"{certain} students were enrolled at once in course {seats.course}, which had at most {most} seats", proof)
            return


RULE = Rule("no_over_enrolment", check, "nobody asked for a seat")
