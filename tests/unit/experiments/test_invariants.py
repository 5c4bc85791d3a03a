"""The rules' checkers: right, wrong and undecidable histories."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from experiments.invariants.checkers import CHECKERS, check, failures, no_ghosts, no_loss, no_over_enrolment
from experiments.invariants.history import FinalState, History, RequestState
from experiments.records.schema import CourseState, InvariantRecord

COURSE = CourseState(course_id=7, capacity=2, taken=1, enrolled=1)
FINAL = FinalState(
    settled=True,
    requests={"a": RequestState("enrolled"), "b": RequestState("rejected", "course_full")},
    courses=(COURSE,),
    unacknowledged=(),
)
GOOD = History(accepted=("a", "b"), unanswered=0, final=FINAL)


def _with(**changes: Any) -> History:
    return replace(GOOD, final=replace(FINAL, **changes))


def test_a_right_history_passes_every_rule() -> None:
    """Each rule has a verdict, and each is pass."""
    records = check(GOOD)
    assert [record.name for record in records] == list(CHECKERS)
    assert {record.verdict for record in records} == {"pass"}
    assert failures(records) == ()


def test_without_a_final_read_nothing_is_known() -> None:
    """An unread state is unknown, never a pass."""
    assert {record.verdict for record in check(replace(GOOD, final=None))} == {"unknown"}


def test_a_checker_that_crashes_is_unknown() -> None:
    """Its own fault is no failure of the system, and hides no other verdict."""

    def broken(_: History) -> InvariantRecord:
        raise ZeroDivisionError

    records = check(GOOD, {"broken": broken, "no_loss": no_loss})
    assert [(record.name, record.verdict) for record in records] == [("broken", "unknown"), ("no_loss", "pass")]


@pytest.mark.parametrize("requests", [{"a": RequestState("enrolled")}, {**FINAL.requests, "b": RequestState("missing")}])
def test_a_request_that_the_system_forgot_is_a_loss(requests: dict[str, RequestState]) -> None:
    """The verdict names the request."""
    record = no_loss(_with(requests=requests))
    assert record.verdict == "fail"
    assert record.detail.endswith("first b")


def test_a_loss_is_seen_before_everything_is_settled() -> None:
    """A request that is gone will not come back, whatever else is pending."""
    assert no_loss(_with(settled=False, requests={"a": RequestState("pending")})).verdict == "fail"


def test_a_request_that_is_still_pending_is_undecided() -> None:
    """It may yet get its outcome, so the verdict is unknown."""
    history = _with(settled=False, requests={**FINAL.requests, "a": RequestState("pending")})
    assert no_loss(history).verdict == "unknown"


def test_two_requests_with_one_id_are_a_loss() -> None:
    """One of them can't have an outcome of its own."""
    record = no_loss(replace(GOOD, accepted=("a", "a", "b")))
    assert (record.verdict, record.detail) == ("fail", "1 ids were given to more than one request, first a")


def test_a_request_that_nobody_sent_is_a_ghost() -> None:
    """More unacknowledged requests than went unanswered can't be explained."""
    record = no_ghosts(_with(unacknowledged=("x",)))
    assert record.verdict == "fail"
    assert record.detail.endswith("first x")


def test_a_request_whose_answer_was_lost_is_no_ghost() -> None:
    """It may have taken effect."""
    assert no_ghosts(replace(_with(unacknowledged=("x",)), unanswered=1)).verdict == "pass"


def test_more_students_than_seats_is_over_enrolment_at_any_time() -> None:
    """Also while requests are pending; the verdict names the course."""
    course = COURSE.model_copy(update={"enrolled": 3, "taken": 3})
    record = no_over_enrolment(_with(settled=False, courses=(course,)))
    assert (record.verdict, record.detail) == ("fail", "course 7 has 3 students enrolled in 2 seats")


def test_seats_and_students_must_agree_in_the_end() -> None:
    """A seat that nobody sits in is a failure once nothing is pending, and undecided before."""
    leaked = (COURSE.model_copy(update={"taken": 2}),)
    assert no_over_enrolment(_with(courses=leaked)).verdict == "fail"
    assert no_over_enrolment(_with(courses=leaked, settled=False)).verdict == "unknown"
