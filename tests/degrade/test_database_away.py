"""A database is killed or hangs: what needs it is refused in time, everything else goes on."""

from __future__ import annotations

import time
from collections.abc import Callable
from contextlib import ExitStack
from functools import partial
from typing import Any

import pytest

from tests.degrade.system import FAULTS, Fault, System
from tests.degrade.traffic import Answer, Recorder, between, going_on, other_than, recorders
from tests.measured import Measured

OUTAGE_S = 2.5
AFTERWARDS_S = 1.5
LATEST_REFUSAL_MS = 1000
CLIENTS = 3
"""For each kind of request."""

Request = tuple[str, str, Callable[[], Any]]


def _requests(system: System) -> dict[str, list[Request]]:
    """Requests that need a service's database, by its name; their bodies are made anew each time."""
    course, student = system.client.course(capacity=1000), system.client.student()
    enrollment = system.client.enrolled(student["id"], system.client.course()["id"])
    fresh = iter(range(1_000_000, 2_000_000))  # students that don't exist may ask, too: that is decided later
    return {
        "courses-db": [
            ("GET", f"/courses/{course['id']}/seats", lambda: None),
            ("PATCH", f"/courses/{course['id']}", lambda: {"name": "Changed"}),
        ],
        "students-db": [
            ("POST", "/students", lambda: {"name": "Jane Doe"}),
            ("PATCH", f"/students/{student['id']}", lambda: {"name": "Jane Doe"}),
        ],
        "enrollment-db": [
            ("GET", f"/enroll/{enrollment['id']}", lambda: None),
            ("GET", f"/enroll/student/{student['id']}", lambda: None),
            ("POST", "/enroll", lambda: {"student_id": next(fresh), "course_id": course["id"]}),
        ],
    }


@pytest.mark.parametrize("fault", FAULTS)
@pytest.mark.parametrize("database", ["courses-db", "students-db", "enrollment-db"])
def test_what_needs_it_is_refused_and_nothing_else(system: System, database: str, fault: Fault, measured: Measured) -> None:
    """503 with Retry-After for what needs the database, success for everything else, and success for all soon after its return."""
    gateway_url = system.deployment.endpoints.gateway_url
    by_database = _requests(system)
    with ExitStack() as stack:
        clients = {name: stack.enter_context(recorders(*[gateway_url] * CLIENTS * len(found))) for name, found in by_database.items()}
        steps = [
            partial(_send, client, request)
            for name, found in by_database.items()
            for client, request in zip(clients[name], found * CLIENTS, strict=True)
        ]
        with going_on(*steps, pause_s=0.05):
            with system.without(fault, database):
                began_s = time.monotonic()
                time.sleep(OUTAGE_S)
                ended_s = time.monotonic()
            back_s = time.monotonic()
            time.sleep(AFTERWARDS_S)
    answers = {name: [answer for client in found for answer in client.answers] for name, found in clients.items()}
    refused = [answer for answer in between(answers[database], began_s, ended_s) if answer.ended_s < ended_s]
    assert {(answer.status, answer.headers.get("retry-after")) for answer in refused} == {(503, "1")}
    assert {answer.problem for answer in refused} <= {"unavailable", "overloaded"}
    others = [answer for name, found in answers.items() if name != database for answer in found]
    assert other_than({200, 201, 202}, others) == []
    name = f"{database} {fault}"
    measured.figure(f"{name}: slowest 503 of {len(refused)}", max(answer.time_ms for answer in refused), "ms", at_most=LATEST_REFUSAL_MS)
    during = between(others, began_s, ended_s)
    measured.figure(f"{name}: slowest answer of what does not need it, of {len(during)}", max(answer.time_ms for answer in during), "ms")
    well_s = min(answer.ended_s for answer in answers[database] if answer.began_s > ended_s and answer.status < 300)
    measured.figure(f"{name}: first success after its return", max(0.0, well_s - back_s), "s")


def _send(client: Recorder, request: Request) -> Answer:
    method, path, body = request
    return client.send(method, path, body())
