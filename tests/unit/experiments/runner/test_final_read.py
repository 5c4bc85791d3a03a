"""The final read, against an API that answers from a table."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import count
from typing import Any

import httpx
import pytest

from experiments.errors import TrialError
from experiments.records.history import CourseRow, Decision, EnrollmentRow, Mark
from experiments.runner.api_read import PAGE, ApiReader
from experiments.runner.final_read import read_after
from experiments.runner.looks import After, Asked


def _request(item: str, status: str = "enrolled", *, course: int = 1, **fields: Any) -> dict[str, Any]:
    return {"id": item, "student_id": 7, "course_id": course, "status": status, "reason": None, "decision": None, **fields}


def _seats(taken: int) -> dict[str, Any]:
    return {"course_id": 1, "capacity": 5, "taken": taken, "free": 5 - taken}


class Api:
    """Answers by path; a list of answers is given one after the other, its last for ever."""

    def __init__(self, answers: Mapping[str, Any]) -> None:
        self._answers = {path: list(answer) if isinstance(answer, tuple) else [answer] for path, answer in answers.items()}

    def __call__(self, request: httpx.Request) -> httpx.Response:
        """The answer, 404 for an unknown path; an int is a status."""
        page = request.url.params.get("offset", "0")
        known = self._answers.get(request.url.path if page == "0" else f"{request.url.path}?{page}")
        if known is None:
            return httpx.Response(404, json={})
        answer = known.pop(0) if len(known) > 1 else known[0]
        return httpx.Response(answer) if isinstance(answer, int) else httpx.Response(200, json=answer)


def _read(answers: Mapping[str, Any], accepted: list[str], *, known: tuple[str, ...] = (), timeout_s: float = 1000) -> After:
    """Read the accepted ones and course 1; the clock shows a second more at each look."""
    ticks = count()

    def clock() -> float:
        return float(next(ticks))

    asked = Asked(accepted, students=[7], courses=[1], known=dict.fromkeys(known, "enrolled"))
    with ApiReader("http://lab", clock, httpx.MockTransport(Api(answers))) as api:
        return read_after(api, None, asked, clock=clock, timeout_s=timeout_s, sleep=lambda _: None)


def _enrollments(after: After) -> dict[str, EnrollmentRow]:
    return {row.enrollment: row for row in after if isinstance(row, EnrollmentRow)}


def _course(after: After) -> CourseRow:
    (course,) = [row for row in after if isinstance(row, CourseRow)]
    return course


def test_it_reads_each_request_and_the_courses_that_were_asked_for() -> None:
    """Seats come from the one service, students enrolled from the other, and every row has the time that it took to read."""
    after = _read(
        {
            "/enroll/a": _request("a", decision={"taken": 0, "capacity": 5, "prerequisites": ["A"], "more": 1}),
            "/enroll/b": _request("b", "rejected", reason="course_full"),
            "/enroll/course/1": [_request("a"), _request("b", "rejected"), _request("c", "pending")],
            "/courses/1/seats": _seats(1),
        },
        ["a", "b"],
    )
    assert isinstance(after[0], Mark)
    assert after[0].name == "quiet"
    found = _enrollments(after)
    assert (found["a"].state, found["a"].student, found["a"].course) == ("enrolled", 7, 1)
    assert found["a"].decision == Decision(taken=0, capacity=5, prerequisites=("A",))
    assert (found["b"].state, found["b"].reason) == ("rejected", "course_full")
    course = _course(after)
    assert (course.course, course.capacity, course.taken, course.free, course.enrolled, course.pending) == (1, 5, 1, 4, 1, 1)
    assert all(row.began_s < row.at_s and row.source == "api" for row in after if not isinstance(row, Mark))


def test_it_waits_for_what_is_pending() -> None:
    """A request is read again until it is decided."""
    answers = {
        "/enroll/a": (_request("a", "pending"), _request("a", "pending"), _request("a")),
        "/enroll/course/1": [_request("a")],
        "/courses/1/seats": _seats(1),
    }
    after = _read(answers, ["a"])
    assert isinstance(after[0], Mark)
    assert after[0].name == "quiet"
    assert _enrollments(after)["a"].state == "enrolled"


def test_it_does_not_wait_for_ever() -> None:
    """What is pending when the time is over is said to be, and the system is not called quiet."""
    answers = {"/enroll/a": _request("a", "pending"), "/enroll/course/1": [_request("a", "pending")], "/courses/1/seats": _seats(0)}
    after = _read(answers, ["a"], timeout_s=0)
    assert isinstance(after[0], Mark)
    assert after[0].name == "not_quiet"
    assert _enrollments(after)["a"].state == "pending"


def test_a_request_that_the_system_does_not_know_is_missing() -> None:
    """404 is an answer, not an error."""
    assert _enrollments(_read({"/courses/1/seats": _seats(0)}, ["a"]))["a"].state == "missing"


def test_requests_that_no_client_was_told_of_are_found() -> None:
    """The course's history has them; those of earlier trials are known."""
    answers = {
        "/enroll/a": _request("a"),
        "/enroll/course/1": [_request("a"), _request("earlier"), _request("ghost")],
        "/courses/1/seats": _seats(3),
    }
    assert set(_enrollments(_read(answers, ["a"], known=("earlier",)))) == {"a", "ghost"}


def test_a_long_history_is_read_page_by_page() -> None:
    """Students on every page count."""
    answers = {
        "/enroll/a": _request("a"),
        "/enroll/course/1": [_request(f"first-{number}") for number in range(PAGE)],
        f"/enroll/course/1?{PAGE}": [_request("a")],
        "/courses/1/seats": _seats(3),
    }
    assert _course(_read(answers, ["a"])).enrolled == PAGE + 1


def test_a_failure_that_passes_is_no_failure() -> None:
    """A replica may be in its first moments."""
    answers = {"/enroll/a": (503, _request("a")), "/enroll/course/1": [_request("a")], "/courses/1/seats": (502, _seats(1))}
    assert _enrollments(_read(answers, ["a"]))["a"].state == "enrolled"


def test_a_failure_that_stays_is_named() -> None:
    """The error has path and status."""
    with pytest.raises(TrialError, match=r"GET /enroll/a failed 4 times \(status 503\)"):
        _read({"/enroll/a": 503}, ["a"])


def test_a_course_that_is_gone_is_named() -> None:
    """Who was enrolled in it can't be told any more."""
    with pytest.raises(TrialError, match="course 1 is gone"):
        _read({}, [])


def test_each_path_is_read_once() -> None:
    """What is not there is an error: it was seeded."""
    seen: list[str] = []

    def answer(request: httpx.Request) -> httpx.Response:
        seen.append(str(request.url.raw_path, "ascii"))
        return httpx.Response(200 if request.url.path == "/courses" else 404, json=[])

    with ApiReader("http://lab", lambda: 0.0, httpx.MockTransport(answer)) as api:
        api.read_each(["/courses?limit=20&offset=0", "/courses?limit=20&offset=20"])
        with pytest.raises(TrialError, match="/students/1 is not there"):
            api.read_each(["/students/1"])
    assert sorted(seen) == ["/courses?limit=20&offset=0", "/courses?limit=20&offset=20", "/students/1"]
