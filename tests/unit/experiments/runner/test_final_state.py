"""The final read, against an API that answers from a table."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import httpx
import pytest

from experiments.errors import TrialError
from experiments.invariants.history import FinalState, RequestState
from experiments.runner.final_state import PAGE, read_final_state


def _request(item: str, status: str = "enrolled", *, course: int = 1, reason: str | None = None) -> dict[str, Any]:
    return {"id": item, "course_id": course, "status": status, "reason": reason}


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


def _read(answers: Mapping[str, Any], accepted: list[str], *, known: tuple[str, ...] = (), timeout_s: float = 5) -> FinalState:
    transport = httpx.MockTransport(Api(answers))
    return read_final_state("http://lab", accepted, known, timeout_s=timeout_s, sleep=lambda _: None, transport=transport)


def test_it_reads_each_request_and_the_course_it_is_about() -> None:
    """Seats come from the one service, students enrolled from the other."""
    final = _read(
        {
            "/enroll/a": _request("a"),
            "/enroll/b": _request("b", "rejected", reason="course_full"),
            "/enroll/course/1": [_request("a"), _request("b", "rejected")],
            "/courses/1/seats": _seats(1),
        },
        ["a", "b"],
    )
    assert final.settled
    assert final.requests == {"a": RequestState("enrolled"), "b": RequestState("rejected", "course_full")}
    (course,) = final.courses
    assert (course.course_id, course.capacity, course.taken, course.enrolled) == (1, 5, 1, 1)
    assert final.unacknowledged == ()


def test_it_waits_for_what_is_pending() -> None:
    """A request is read again until it is decided."""
    answers = {
        "/enroll/a": (_request("a", "pending"), _request("a", "pending"), _request("a")),
        "/enroll/course/1": [_request("a")],
        "/courses/1/seats": _seats(1),
    }
    final = _read(answers, ["a"])
    assert final.settled
    assert final.requests["a"].status == "enrolled"


def test_it_does_not_wait_for_ever() -> None:
    """What is pending when the time is over is said to be, and the state is not settled."""
    answers = {"/enroll/a": _request("a", "pending"), "/enroll/course/1": [_request("a", "pending")], "/courses/1/seats": _seats(0)}
    final = _read(answers, ["a"], timeout_s=0)
    assert not final.settled
    assert final.requests["a"].status == "pending"


def test_a_request_that_the_system_does_not_know_is_missing() -> None:
    """404 is an answer, not an error."""
    assert _read({}, ["a"]).requests["a"].status == "missing"


def test_requests_that_no_client_was_told_of_are_found() -> None:
    """The course's history has them; those of earlier trials are known."""
    answers = {
        "/enroll/a": _request("a"),
        "/enroll/course/1": [_request("a"), _request("earlier"), _request("ghost")],
        "/courses/1/seats": _seats(3),
    }
    assert _read(answers, ["a"], known=("earlier",)).unacknowledged == ("ghost",)


def test_a_long_history_is_read_page_by_page() -> None:
    """Students on every page count."""
    answers = {
        "/enroll/a": _request("a"),
        "/enroll/course/1": [_request(f"first-{number}") for number in range(PAGE)],
        f"/enroll/course/1?{PAGE}": [_request("a")],
        "/courses/1/seats": _seats(3),
    }
    assert _read(answers, ["a"]).courses[0].enrolled == PAGE + 1


def test_a_failure_that_passes_is_no_failure() -> None:
    """A replica may be in its first moments."""
    answers = {"/enroll/a": (503, _request("a")), "/enroll/course/1": [_request("a")], "/courses/1/seats": (502, _seats(1))}
    assert _read(answers, ["a"]).settled


def test_a_failure_that_stays_is_named() -> None:
    """The error has path and status."""
    with pytest.raises(TrialError, match=r"GET /enroll/a failed 3 times \(status 503\)"):
        _read({"/enroll/a": 503}, ["a"])
