"""Who gets a seat."""

from __future__ import annotations

from uuid import UUID, uuid4

from hypothesis import given
from hypothesis import strategies as st

from app.courses.seats import LockedCourse, SeatOutcome, SeatRequest, decide


def _request(course_id: int = 1, completed: frozenset[str] | None = frozenset(), key: UUID | None = None) -> SeatRequest:
    return SeatRequest(key or uuid4(), course_id, 7, None if completed is None else 3, completed)


def _course(capacity: int = 1, taken: int = 0, prerequisites: tuple[str, ...] = ()) -> dict[int, LockedCourse]:
    return {1: LockedCourse(1, 5, capacity, taken, prerequisites)}


@given(capacity=st.integers(0, 20), taken=st.integers(0, 20), asking=st.integers(0, 40))
def test_a_batch_gets_the_free_seats_in_its_order(capacity: int, taken: int, asking: int) -> None:
    """Exactly the first requests, as many as there are free seats, are accepted; the rest find the course full."""
    taken = min(taken, capacity)
    courses = _course(capacity, taken)
    outcomes = [answer.outcome for answer in decide([_request() for _ in range(asking)], courses)]
    accepted = min(asking, capacity - taken)
    assert outcomes == [SeatOutcome.ACCEPTED] * accepted + [SeatOutcome.COURSE_FULL] * (asking - accepted)
    assert courses[1].newly_taken == accepted
    assert courses[1].taken == taken + accepted <= capacity


def test_each_answer_records_the_seats_as_it_found_them() -> None:
    """The second of a batch sees the seat that the first one took."""
    answers = decide([_request(), _request()], _course(capacity=5, taken=2))
    assert [(answer.evidence or {})["taken"] for answer in answers] == [2, 3]


def test_missing_prerequisites_come_before_a_full_course_and_take_no_seat() -> None:
    """Who lacks a prerequisite is told so, with the codes in the course's order, even where no seat is free."""
    courses = _course(capacity=1, taken=1, prerequisites=("C3", "A1", "B2"))
    (answer,) = decide([_request(completed=frozenset({"A1"}))], courses)
    assert answer.outcome is SeatOutcome.MISSING_PREREQUISITES
    assert (answer.evidence or {})["missing"] == ["C3", "B2"]
    assert courses[1].newly_taken == 0


def test_what_does_not_exist_is_refused() -> None:
    """An unknown course and an unknown student are answers of their own; the student's comes first."""
    answers = decide([_request(course_id=2), _request(completed=None), _request(course_id=2, completed=None)], _course())
    assert [answer.outcome for answer in answers] == [SeatOutcome.UNKNOWN_COURSE, SeatOutcome.UNKNOWN_STUDENT, SeatOutcome.UNKNOWN_STUDENT]
