"""The rules themselves: a right history has no violation, and every wrong one is seen by the rule it breaks."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

import pytest

from tests.race import rules
from tests.race.history import (
    Account,
    Asked,
    Dropped,
    Enrollment,
    Evidence,
    Final,
    History,
    Read,
    SeatsRead,
    Sighting,
    Span,
    Written,
)

Rule = Callable[[History], Iterator[str]]

COURSE, SMALL, ADA, BOB = 1, 2, 11, 12
NEEDS = ("MATH101",)


def _at(sent_s: float, answered_s: float | None = None) -> Span:
    return Span(sent_s, sent_s + 0.5 if answered_s is None else answered_s)


def _course(course_id: int, version: int = 1, *, capacity: int = 1) -> dict[str, Any]:
    return {"id": course_id, "version": version, "capacity": capacity, "prerequisites": list(NEEDS)}


def _student(student_id: int, version: int = 1) -> dict[str, Any]:
    return {"id": student_id, "version": version, "completed_courses": list(NEEDS)}


SAW = Evidence(1, 1, 0, NEEDS, 1, NEEDS)
FULL = replace(SAW, taken=1)
FIRST = Enrollment("first", ADA, COURSE, "dropped", None, SAW)
REFUSED = Enrollment("refused", BOB, COURSE, "rejected", "course_full", FULL)
SECOND = Enrollment("second", BOB, COURSE, "enrolled", None, SAW)


def _final(*entries: Enrollment, taken: int = 1, reservations: frozenset[str] = frozenset({"second"})) -> Final:
    return Final(
        by_id={entry.id: entry for entry in entries},
        by_course={COURSE: entries},
        by_student={key: [entry for entry in entries if entry.student_id == key] for key in (ADA, BOB)},
        seats={COURSE: SeatsRead(_at(100), COURSE, 1, taken, 1 - taken)},
        reservations=reservations,
    )


RIGHT = History(
    final=_final(FIRST, REFUSED, SECOND),
    asked=(
        Asked(_at(10), ADA, COURSE, "k1", 202, "first"),
        Asked(_at(11), ADA, COURSE, "k1", 202, "first"),
        Asked(_at(12), ADA, SMALL, "k1", 422),
        Asked(_at(13), ADA, COURSE, None, 409),
        Asked(_at(20), BOB, COURSE, None, 202, "refused"),
        Asked(_at(40), BOB, COURSE, "k2", 202, "second"),
    ),
    drops=(Dropped(_at(30), "first", 200),),
    writes=(
        Written(_at(1), "POST", "/courses/1", 201, _course(COURSE)),
        Written(_at(1), "POST", "/students/11", 201, _student(ADA)),
        Written(_at(1), "POST", "/students/12", 201, _student(BOB)),
        Written(_at(50), "PATCH", "/courses/1", 200, _course(COURSE, 2, capacity=3)),
        Written(_at(1), "POST", "/courses/2", 201, _course(SMALL)),
        Written(_at(60), "DELETE", "/courses/2", 204),
    ),
    reads=(
        Read(_at(2), "/courses/1", _course(COURSE)),
        Read(_at(50.2), "/courses/1", _course(COURSE)),
        Read(_at(51), "/courses/1", _course(COURSE, 2, capacity=3)),
        Read(_at(61), "/courses/2", None),
    ),
    seats=(SeatsRead(_at(25), COURSE, 1, 1, 0),),
    accounts=(Account(COURSE, 1, 1, 1),),
    sightings=(
        Sighting(_at(10.6), replace(FIRST, status="pending", evidence=None)),
        Sighting(_at(15), replace(FIRST, status="enrolled")),
        Sighting(_at(22), REFUSED),
        Sighting(_at(45), SECOND),
    ),
)
"""Ada has the one seat, Bob is refused; she drops it, he asks again and gets it. Another course is deleted."""


@pytest.mark.parametrize("rule", rules.RULES, ids=lambda rule: rule.__name__)
def test_a_right_history_has_no_violation(rule: Rule) -> None:
    """What may happen is no violation of any rule."""
    assert list(rule(RIGHT)) == []


def _ends(*entries: Enrollment, **changes: Any) -> History:
    return replace(RIGHT, final=_final(*entries, **changes))


def _and(**more: Any) -> History:
    """The right history with one thing more."""
    longer: dict[str, Any] = {name: (*getattr(RIGHT, name), item) for name, item in more.items()}
    return replace(RIGHT, **longer)


WRONG: dict[str, tuple[Rule, History]] = {
    "an accepted request is unknown": (rules.no_loss, _ends(FIRST, SECOND)),
    "a request stays pending": (rules.no_loss, _ends(FIRST, replace(REFUSED, status="pending", reason=None), SECOND)),
    "a request is missing in a history": (rules.no_loss, replace(RIGHT, final=replace(RIGHT.final, by_course={COURSE: (FIRST, REFUSED)}))),
    "two views of a request differ": (
        rules.no_loss,
        replace(RIGHT, final=replace(RIGHT.final, by_student={ADA: [FIRST], BOB: [REFUSED, replace(SECOND, evidence=FULL)]})),
    ),
    "nobody asked for it": (
        rules.no_ghosts,
        _ends(FIRST, REFUSED, SECOND, Enrollment("ghost", ADA, COURSE, "rejected", "course_full", FULL)),
    ),
    "it is about something else": (rules.no_ghosts, _ends(FIRST, REFUSED, replace(SECOND, student_id=ADA))),
    "a rejection becomes an enrolment": (rules.one_outcome, _and(sightings=Sighting(_at(44), replace(SECOND, status="rejected")))),
    "a decision is taken back": (rules.one_outcome, _and(sightings=Sighting(_at(16), replace(FIRST, status="pending", evidence=None)))),
    "a dropped one is enrolled again": (rules.one_outcome, _and(sightings=Sighting(_at(14), FIRST))),
    "what a decision saw changes": (rules.one_outcome, _and(sightings=Sighting(_at(46), replace(SECOND, evidence=FULL)))),
    "more reservations than seats taken": (rules.no_over_enrolment, _and(accounts=Account(COURSE, 2, 1, 2))),
    "more seats taken than there are": (rules.no_over_enrolment, _and(accounts=Account(COURSE, 1, 2, 2))),
    "free and taken are not the capacity": (rules.no_over_enrolment, _and(seats=SeatsRead(_at(26), COURSE, 1, 1, 1))),
    "two in one seat at one moment": (rules.no_over_enrolment, replace(RIGHT, drops=(Dropped(_at(47), "first", 200),))),
    "more enrolled than seats taken in the end": (rules.no_over_enrolment, _ends(FIRST, REFUSED, SECOND, taken=0)),
    "an enrolment without a reservation": (rules.no_over_enrolment, _ends(FIRST, REFUSED, SECOND, reservations=frozenset())),
    "a seat that nobody sits in": (rules.no_over_enrolment, _ends(FIRST, REFUSED, SECOND, reservations=frozenset({"first", "second"}))),
    "enrolled on seeing no free seat": (rules.no_over_enrolment, _ends(FIRST, REFUSED, replace(SECOND, evidence=FULL))),
    "full while the seat was free": (rules.no_false_rejection, replace(RIGHT, drops=(Dropped(_at(18), "first", 200),))),
    "full while there were more seats": (
        rules.no_false_rejection,
        _and(writes=Written(_at(17), "PATCH", "/courses/1", 200, _course(COURSE, 2, capacity=2))),
    ),
    "full on seeing a free seat": (rules.no_false_rejection, _ends(FIRST, replace(REFUSED, evidence=SAW), SECOND)),
    "a course that is there is unknown": (rules.no_false_rejection, _ends(FIRST, replace(REFUSED, reason="unknown_course"), SECOND)),
    "a request is given up": (rules.no_false_rejection, _ends(FIRST, replace(REFUSED, reason="processing_failed"), SECOND)),
    "enrolled without a prerequisite": (
        rules.prerequisites_held,
        _ends(FIRST, REFUSED, replace(SECOND, evidence=replace(SAW, completed_courses=()))),
    ),
    "nothing is missing": (rules.prerequisites_held, _ends(FIRST, replace(REFUSED, reason="missing_prerequisites"), SECOND)),
    "it saw what nobody wrote": (rules.prerequisites_held, _ends(FIRST, REFUSED, replace(SECOND, evidence=replace(SAW, capacity=9)))),
    "it saw an old record": (
        rules.prerequisites_held,
        _and(writes=Written(_at(35), "PATCH", "/students/12", 200, _student(BOB, 2))),
    ),
    "a key gives a second request": (rules.no_second_effect, _and(asked=Asked(_at(70), ADA, COURSE, "k1", 202, "another"))),
    "a key is accepted for another body": (rules.no_second_effect, _and(asked=Asked(_at(70), BOB, COURSE, "k1", 202, "first"))),
    "a key is a conflict with itself": (rules.no_second_effect, _and(asked=Asked(_at(70), ADA, COURSE, "k1", 409))),
    "a key is refused its own body": (rules.no_second_effect, _and(asked=Asked(_at(70), ADA, COURSE, "k1", 422))),
    "a key that nobody used is refused": (rules.no_second_effect, _and(asked=Asked(_at(70), ADA, COURSE, "k3", 422))),
    "a conflict with what was dropped": (rules.no_second_effect, _and(asked=Asked(_at(70), ADA, COURSE, None, 409))),
    "a conflict with what was rejected": (rules.no_second_effect, _and(asked=Asked(_at(30), BOB, COURSE, None, 409))),
    "a read is older than a write": (rules.reads_are_fresh, _and(reads=Read(_at(52), "/courses/1", _course(COURSE)))),
    "a read is of what was deleted": (rules.reads_are_fresh, _and(reads=Read(_at(62), "/courses/2", _course(SMALL)))),
    "what is there is not found": (rules.reads_are_fresh, _and(reads=Read(_at(3), "/courses/1", None))),
    "a read is of what nobody wrote": (rules.reads_are_fresh, _and(reads=Read(_at(53), "/courses/1", _course(COURSE, 2, capacity=4)))),
}


@pytest.mark.parametrize(("rule", "history"), WRONG.values(), ids=WRONG)
def test_a_wrong_history_is_seen(rule: Rule, history: History) -> None:
    """Each violation is found by the rule that it breaks."""
    assert len(list(rule(history))) > 0


def test_a_request_whose_answer_was_lost_is_no_ghost() -> None:
    """It may be stored; as many of them as answers were lost, a key counting once, and no more."""
    lost = [Asked(_at(sent_s), ADA, SMALL, "k9", None) for sent_s in (70, 71)]
    found = [Enrollment(name, ADA, SMALL, "rejected", "unknown_course", None) for name in ("found", "again")]
    history = replace(RIGHT, asked=(*RIGHT.asked, *lost))
    assert list(rules.no_ghosts(replace(history, final=_final(FIRST, REFUSED, SECOND, found[0])))) == []
    assert len(list(rules.no_ghosts(replace(history, final=_final(FIRST, REFUSED, SECOND, *found))))) == 1


def test_a_version_that_no_answer_told_of_says_what_the_next_one_does() -> None:
    """A write that was delivered twice makes two versions with one content."""
    twice = Written(_at(55), "PATCH", "/courses/1", 200, _course(COURSE, 4, capacity=5))
    between = Read(_at(55.1), "/courses/1", _course(COURSE, 3, capacity=5))
    history = replace(RIGHT, writes=(*RIGHT.writes, twice), reads=(*RIGHT.reads, between))
    assert list(rules.reads_are_fresh(history)) == []


def test_a_refusal_that_is_repeated_for_its_key_is_right() -> None:
    """The first was in conflict, the second comes after the drop; without the first it would be a conflict with nothing."""
    again = Asked(_at(70), ADA, COURSE, "k9", 409)
    assert list(rules.no_second_effect(_and(asked=again))) != []
    assert list(rules.no_second_effect(replace(RIGHT, asked=(*RIGHT.asked, Asked(_at(14), ADA, COURSE, "k9", 409), again)))) == []
