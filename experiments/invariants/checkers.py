"""The checkers themselves, one function a rule.

The rules are those of the system's contract; each verdict says what was checked and how many, and a failure names a witness.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from typing import Final, Literal

from experiments.invariants.history import MISSING, TERMINAL, History
from experiments.records.schema import InvariantRecord

UNREAD: Final = "the business state could not be read after the load"


def no_loss(history: History) -> InvariantRecord:
    """Every request answered 202 reaches exactly one outcome."""
    final = history.final
    if final is None:
        return _verdict(no_loss, "unknown", UNREAD)
    if repeated := [item for item, count in Counter(history.accepted).items() if count > 1]:
        return _verdict(no_loss, "fail", f"{len(repeated)} ids were given to more than one request, first {repeated[0]}")
    states = {item: final.requests[item].status if item in final.requests else MISSING for item in history.accepted}
    if lost := [item for item, status in states.items() if status == MISSING]:
        return _verdict(no_loss, "fail", f"{len(lost)} of {len(states)} accepted requests are unknown to the system, first {lost[0]}")
    if undecided := [item for item, status in states.items() if status not in TERMINAL]:
        if final.settled:
            return _verdict(no_loss, "fail", f"{len(undecided)} of {len(states)} have no outcome, first {undecided[0]}")
        return _verdict(no_loss, "unknown", f"{len(undecided)} of {len(states)} were still pending when the time to settle was over")
    return _verdict(no_loss, "pass", f"{len(states)} accepted requests, each with one outcome")


def no_ghosts(history: History) -> InvariantRecord:
    """Every outcome belongs to a request that was sent.

    A request whose answer was lost may be there, so there may be as many unacknowledged ones as went unanswered and no more.
    """
    final = history.final
    if final is None:
        return _verdict(no_ghosts, "unknown", UNREAD)
    found = final.unacknowledged
    if len(found) > history.unanswered:
        return _verdict(
            no_ghosts,
            "fail",
            f"{len(found)} requests that no client was told of, and only {history.unanswered} went unanswered; first {found[0]}",
        )
    return _verdict(no_ghosts, "pass", f"{len(found)} requests that no client was told of, {history.unanswered} went unanswered")


def no_over_enrolment(history: History) -> InvariantRecord:
    """No course has more students than seats, and the seats taken are exactly the students enrolled."""
    final = history.final
    if final is None:
        return _verdict(no_over_enrolment, "unknown", UNREAD)
    for course in final.courses:
        if course.enrolled > course.capacity:
            return _verdict(
                no_over_enrolment, "fail", f"course {course.course_id} has {course.enrolled} students enrolled in {course.capacity} seats"
            )
        if course.taken != course.enrolled and final.settled:
            return _verdict(
                no_over_enrolment,
                "fail",
                f"course {course.course_id} has {course.taken} seats taken by {course.enrolled} students enrolled",
            )
    if not final.settled:
        return _verdict(no_over_enrolment, "unknown", "requests were still pending when it was read, so seats and students may differ")
    return _verdict(no_over_enrolment, "pass", f"{len(final.courses)} courses")


Checker = Callable[[History], InvariantRecord]

CHECKERS: Final[Mapping[str, Checker]] = {
    "no_loss": no_loss,
    "no_ghosts": no_ghosts,
    "no_over_enrolment": no_over_enrolment,
}
"""Every rule that is checked after every trial, by name."""


def check(history: History, checkers: Mapping[str, Checker] = CHECKERS) -> tuple[InvariantRecord, ...]:
    """The verdict of each checker; one that crashes says nothing of the system, so its verdict is unknown."""
    return tuple(_run(name, checker, history) for name, checker in checkers.items())


def failures(records: Iterable[InvariantRecord]) -> tuple[InvariantRecord, ...]:
    """Those that failed."""
    return tuple(record for record in records if record.verdict == "fail")


def _run(name: str, checker: Checker, history: History) -> InvariantRecord:
    try:
        return checker(history)
    except Exception as error:  # noqa: BLE001 - whatever a checker trips over, the trial's other verdicts stand
        return InvariantRecord(name=name, verdict="unknown", detail=f"the checker failed: {error!r}")


def _verdict(rule: Checker, verdict: Literal["pass", "fail", "unknown"], detail: str) -> InvariantRecord:
    return InvariantRecord(name=rule.__name__, verdict=verdict, detail=detail)
