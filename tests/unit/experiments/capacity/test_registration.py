"""Who asks for a seat, and what the histories say of the decisions."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from experiments.capacity.applications import pairs
from experiments.capacity.decided import Entry, decisions_per_s, overbooked_seats, pending

NOON = datetime(2026, 11, 22, 12, tzinfo=UTC)


def _decided(*seconds: float, course_id: int = 1, status: str = "enrolled") -> list[Entry]:
    return [Entry(course_id, status, NOON + timedelta(seconds=second)) for second in seconds]


@given(courses=st.integers(1, 20), students=st.integers(1, 30), applicants=st.integers(1, 10), at_once=st.integers(1, 6))
def test_nobody_asks_twice_for_the_same_course(courses: int, students: int, applicants: int, at_once: int) -> None:
    """Every pair is new, and each course gets a whole number of applicants' groups."""
    wanted = list(pairs(range(courses), range(students), applicants=applicants, at_once=at_once))
    assert len(set(wanted)) == len(wanted)
    assert len(wanted) == courses * (students // applicants) * applicants


def test_courses_are_filled_some_at_a_time() -> None:
    """All applicants of two courses come before the first of a third one; then the next students follow."""
    wanted = list(pairs([1, 2, 3, 4], [10, 11, 12, 13], applicants=2, at_once=2))
    assert wanted[:5] == [(10, 1), (10, 2), (11, 1), (11, 2), (10, 3)]
    assert wanted[8:10] == [(12, 1), (12, 2)]


def test_the_rate_is_of_what_was_decided_between_the_first_and_the_last_instant() -> None:
    """A batch that the first instant found decided was worked on before it."""
    assert decisions_per_s(_decided(0, 0, 0, 1, 2)) == 1
    assert decisions_per_s(_decided(2, 0, 1)) == 1


@pytest.mark.parametrize("entries", [[], _decided(1, 1, 1), [Entry(1, "pending", None)]])
def test_one_instant_has_no_rate(entries: list[Entry]) -> None:
    """Nor has nothing at all."""
    assert decisions_per_s(entries) is None


def test_seats_beyond_a_course_s_capacity_are_counted() -> None:
    """Only enrolled students take seats; who was rejected does not, nor does a full course count."""
    entries = [*_decided(0, 1, 2), *_decided(3, status="rejected"), *_decided(4, 5, course_id=2)]
    assert overbooked_seats(entries, 2) == {1: 1}
    assert overbooked_seats(entries, 3) == {}


def test_an_entry_is_read_from_the_api_s_history() -> None:
    """Times have their zone; a request that waits has none yet."""
    decided = Entry.of({"course_id": 7, "status": "enrolled", "decided_at": "2026-11-22T12:00:00.5Z", "reason": None})
    waiting = Entry.of({"course_id": 7, "status": "pending", "decided_at": None})
    assert decided == _decided(0.5, course_id=7)[0]
    assert pending([decided, waiting]) == 1
