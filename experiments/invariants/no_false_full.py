"""Rule 5: a rejection for capacity is only right if the seats could all have been taken at that moment."""

from __future__ import annotations

from collections.abc import Iterator

from experiments.invariants.history import COURSE_FULL, History
from experiments.invariants.rule import Evidence, Finding, Rule, Violation
from experiments.invariants.seats import CourseSeats, Rejection, course_seats


def check(history: History) -> Finding:
    """What the decision saw was full, and there were as many who may have held a seat as the course had at some moment.

    A rejection was decided between the request's first sending and the first look that shows it. It is only called wrong where the
    course can't have been full at any moment of that: every request that may have got a seat counts, and a drop only if it was
    acknowledged before the rejected request was sent.
    """
    courses = course_seats(history)
    full = [(seats, rejection) for seats in courses.values() for rejection in seats.rejections if rejection.seen.reason == COURSE_FULL]
    violations = [violation for seats, rejection in full for violation in _wrong(seats, rejection)]
    return Finding({"rejections for capacity": len(full)}, violations)


def _wrong(seats: CourseSeats, rejection: Rejection) -> Iterator[Violation]:
    look = rejection.seen
    decision = look.decision
    if decision is not None and decision.taken is not None and decision.capacity is not None and decision.taken < decision.capacity:
        saw = f"{decision.taken} of {decision.capacity}"
        yield Violation(f"{look.enrollment} was rejected for capacity when {saw} seats were taken", [*rejection.sendings, look])
        return
    least = seats.capacities.least(rejection.asked_s, look.ended_s)
    most = seats.most_taken(rejection.asked_s, look.ended_s)
    if most < least:
        holders = [holder for holder in seats.holders if holder.asked_s <= look.ended_s]
        proof: list[Evidence] = [*rejection.sendings, look, *seats.initial]
        proof += [op for op in seats.capacities.updates if op.began_s <= look.ended_s]
        proof += [holder.sendings[0] for holder in holders]
        proof += [holder.dropped for holder in holders if holder.dropped is not None]
        yield Violation(
            f"{look.enrollment} was rejected for capacity when at most {most:g} of {least:g} seats of course {seats.course} were taken",
            proof,
        )


RULE = Rule("no_false_full", check, "nobody was rejected for capacity")
