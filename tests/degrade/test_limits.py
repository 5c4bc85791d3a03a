"""What a replica does not take: too much at once, too long a list, too large a batch."""

from __future__ import annotations

import contextlib
import os
import socket
import subprocess
import time
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from app.courses.schemas import LARGEST_BATCH, LARGEST_CAPACITY, MAX_PREREQUISITES
from app.kit.http import LARGEST_OFFSET, LARGEST_PAGE
from app.kit.middleware import MAX_INTERNAL_BODY_BYTES
from app.students.schemas import LARGEST_LOOKUP, MAX_COMPLETED
from tests.contract.client import PATIENCE_S, eventually
from tests.degrade.system import System, read_metrics
from tests.degrade.traffic import Recorder, recorders

AT_ONCE = 400
"""More than the threads (8) and the queue (256) of a replica hold together."""
CODES = [f"C{number}" for number in range(MAX_COMPLETED + 1)]
RELEASE = {"reservation_id": "6f1c0a52-3f0e-4f3a-9d55-0c6f5a1a1a11", "course_id": 1}


@pytest.mark.parametrize(
    ("replica", "method", "path", "body", "status"),
    [
        ("courses-1", "GET", f"/courses?limit={LARGEST_PAGE + 1}", None, 422),
        ("students-1", "GET", f"/students?limit={LARGEST_PAGE + 1}", None, 422),
        ("enrollment-1", "GET", f"/enroll/student/1?limit={LARGEST_PAGE + 1}", None, 422),
        ("enrollment-1", "GET", f"/enroll/course/1?limit={LARGEST_PAGE + 1}", None, 422),
        ("courses-1", "GET", f"/courses?offset={LARGEST_OFFSET + 1}", None, 422),
        ("courses-1", "POST", "/courses", {"name": "A", "code": "A", "capacity": LARGEST_CAPACITY + 1}, 422),
        ("courses-1", "POST", "/courses", {"name": "A", "code": "A", "capacity": 1, "prerequisites": CODES[: MAX_PREREQUISITES + 1]}, 422),
        ("courses-1", "POST", "/courses", {"name": "A" * 201, "code": "A", "capacity": 1}, 422),
        ("courses-1", "POST", "/courses", {"name": "A", "code": "A" * 33, "capacity": 1}, 422),
        ("students-1", "POST", "/students", {"name": "A", "completed_courses": CODES}, 422),
        ("students-1", "POST", "/internal/students/lookup", {"student_ids": list(range(1, LARGEST_LOOKUP + 2))}, 422),
        ("courses-1", "POST", "/internal/courses/releases", {"releases": [RELEASE] * (LARGEST_BATCH + 1)}, 422),
        ("courses-1", "POST", "/internal/courses/releases", {"releases": "A" * MAX_INTERNAL_BODY_BYTES}, 413),
        ("worker-1", "GET", "/courses", None, 404),
    ],
)
def test_inputs_have_bounds(system: System, replica: str, method: str, path: str, body: Any, status: int) -> None:
    """What exceeds one is refused, also by a replica that is asked past the gateway."""
    with recorders(system.url(replica)) as (client,):
        answer = client.send(method, path, body)
    assert (answer.status, answer.problem) == (status, {422: "invalid", 413: "too-large", 404: "not-found"}[status])


@pytest.mark.parametrize(
    ("replica", "database", "method", "path"),
    [
        ("courses-1", "courses-db", "PATCH", "/courses/{course}"),
        ("students-1", "students-db", "POST", "/students"),
        ("enrollment-1", "enrollment-db", "GET", "/enroll/student/1"),
        ("enrollment-1", "enrollment-db", "POST", "/enroll"),
    ],
)
def test_what_a_replica_can_not_queue_it_refuses_at_once(system: System, replica: str, database: str, method: str, path: str) -> None:
    """Of many more requests than it can hold each is served or told when to come again, and afterwards it serves as before."""
    course, student = system.client.course(), system.client.student()
    where = path.format(course=course["id"])
    bodies: dict[str, Any] = {
        "/courses/{course}": {"name": "Changed"},
        "/students": {"name": "Jane Doe"},
        "/enroll": {"student_id": student["id"], "course_id": course["id"]},
    }

    def send(client: Recorder) -> tuple[int, str | None, str]:
        answer = client.send(method, where, bodies.get(path))
        return answer.status, answer.headers.get("retry-after"), answer.problem

    with recorders(*[system.url(replica)] * AT_ONCE) as clients, ThreadPoolExecutor(AT_ONCE) as pool:
        with system.without("paused", database):
            futures = [pool.submit(send, client) for client in clients]
            time.sleep(0.3)
        answers = Counter(future.result() for future in futures)
        refusals = {answer for answer in answers if answer[0] == 503}
        assert {retry_after for _, retry_after, _ in refusals} == {"1"}
        assert {problem for _, _, problem in refusals} <= {"overloaded", "unavailable"}
        assert {status for status, _, _ in answers} <= {200, 201, 202, 409, 503}
    assert any(problem == "overloaded" for _, _, problem in refusals)
    with recorders(system.url(replica)) as (client,):
        eventually(lambda: client.send(method, where, bodies.get(path)).status, lambda status: status in {200, 201, 202, 409})


def test_what_the_queue_can_not_take_waits_in_the_outbox(system: System) -> None:
    """With workers away, a replica sends as many tasks as it may; the others wait on disk, and all are decided afterwards."""
    limit, asked = 10, 50
    course = system.client.course(capacity=asked)
    students = [system.client.student() for _ in range(asked)]
    others = ["enrollment-1", "enrollment-2", "worker-1", "worker-2"]
    eventually(lambda: _backlog(system.url("enrollment-1")), lambda backlog: backlog == (0, 0))
    with _replica(system, SPIRE_IN_FLIGHT_LIMIT=str(limit)) as url, recorders(url) as (client,):
        with system.without("paused", *others):
            accepted = [client.send("POST", "/enroll", {"student_id": student["id"], "course_id": course["id"]}) for student in students]
            eventually(lambda: _backlog(url), lambda backlog: backlog == (asked - limit, limit))
        outcomes = [system.client.outcome(answer.json()["id"]) for answer in accepted]
    assert {outcome["status"] for outcome in outcomes} == {"enrolled"}


def _backlog(url: str) -> tuple[float, float]:
    """Tasks that were never sent, and tasks that were and are not done, as a replica counts them."""
    metrics = read_metrics(url)
    return metrics["spire_outbox_unsent"], metrics["spire_outbox_undone"]


@contextlib.contextmanager
def _replica(system: System, **settings: str) -> Iterator[str]:
    """Another replica of enrollment, with settings that are no factors; the gateway knows nothing of it."""
    main = system.main_process("enrollment-1")
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    told = {"SPIRE_PORT": str(port), "SPIRE_REPLICA": "enrollment-of-the-test", "SPIRELAB_NODE": "enrollment-of-the-test", **settings}
    process = subprocess.Popen(main.cmdline(), cwd=main.cwd(), env={**os.environ, **main.environ(), **told}, stdout=subprocess.DEVNULL)
    url = f"http://127.0.0.1:{port}"
    try:
        with recorders(url) as (client,):
            eventually(lambda: client.send("GET", "/readyz").status, lambda status: status == 200)
        yield url
    finally:
        process.terminate()
        process.wait(PATIENCE_S)
