"""What the product is measured against: the tutorial's Mini-SPIRE deployed in its place, and the bare hello."""

from __future__ import annotations

import contextlib
import json
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator, Mapping
from http.client import HTTPResponse
from typing import Any

import psutil
import pytest

from infra import operations
from infra.settings import REPOSITORY
from tests.conftest import FREE_PORTS, unique_name

PATIENCE_S = 30.0
TUTORIAL = FREE_PORTS.override({"software.implementation": "tutorial"})


@pytest.fixture(scope="module")
def name() -> Iterator[str]:
    """A deployment of the tutorial; the tests run in this order and share it."""
    name = unique_name()
    try:
        operations.up(name, TUTORIAL, owner=True)
        yield name
    finally:
        operations.down(name, volumes=True)


def call(name: str, method: str, path: str, body: Mapping[str, object] | None = None) -> tuple[int, Any, Mapping[str, str]]:
    """Status, decoded body and headers (names in title case) of an answer through the gateway."""
    url = operations.read(name).endpoints.gateway_url + path
    content = None if body is None else json.dumps(body).encode()
    request = urllib.request.Request(url, content, {"Content-Type": "application/json"}, method=method)  # noqa: S310 - http to this machine
    try:
        with urllib.request.urlopen(request, timeout=PATIENCE_S) as answer:  # noqa: S310
            return answer.status, json.loads(answer.read()), _headers(answer)
    except urllib.error.HTTPError as error:
        with error:
            return error.code, json.loads(error.read()), _headers(error)


def _headers(answer: HTTPResponse | urllib.error.HTTPError) -> dict[str, str]:
    return {name.title(): value for name, value in answer.headers.items()}


def decided(name: str, student_id: int, course_id: int) -> dict[str, Any]:
    """A request for enrolment and its outcome."""
    status, accepted, headers = call(name, "POST", "/enroll", {"student_id": student_id, "course_id": course_id})
    assert (status, accepted["status"], headers["Location"]) == (202, "pending", f"/enroll/{accepted['id']}")
    deadline = time.monotonic() + PATIENCE_S
    while (entry := call(name, "GET", headers["Location"])[1])["status"] == "pending":
        assert time.monotonic() < deadline, "the worker did not decide"
        time.sleep(0.05)
    return dict(entry)


def test_the_tutorial_keeps_courses_and_students_and_caches_what_is_read(name: str) -> None:
    """The same paths and bodies as the product; the second read is a hit, and a write makes the next list a miss."""
    course = {"name": "Data Structures", "code": "CS220", "capacity": 1, "prerequisites": []}
    assert call(name, "POST", "/courses", course)[:2] == (201, {"id": 1, "version": 1, **course})
    student = {"name": "John Doe", "completed_courses": ["CS187"]}
    assert call(name, "POST", "/students", student)[:2] == (201, {"id": 1, "version": 1, **student})
    for path in ("/courses/1", "/courses?limit=10", "/students/1", "/students?limit=10"):
        first, second = call(name, "GET", path), call(name, "GET", path)
        assert first[:2] == second[:2]
        assert (first[2]["X-Cache"], second[2]["X-Cache"]) == ("miss", "hit"), path
        assert second[2]["X-Replica"] in {"courses-1", "students-1"}
    call(name, "POST", "/courses", {**course, "code": "CS326", "prerequisites": ["CS220"]})
    status, courses, headers = call(name, "GET", "/courses?limit=10")
    assert (status, [item["code"] for item in courses], headers["X-Cache"]) == (200, ["CS220", "CS326"], "miss")
    assert call(name, "POST", "/courses", course)[0] == 409
    assert call(name, "GET", "/courses/99")[0] == call(name, "GET", "/students/99")[0] == 404


def test_the_tutorials_worker_decides_as_the_product_does(name: str) -> None:
    """Enrolled, full, prerequisites missing, unknown; a drop frees the seat; the history tells all."""
    call(name, "POST", "/students", {"name": "Jane Roe"})
    first = decided(name, 1, 1)
    assert (first["status"], first["reason"]) == ("enrolled", None)
    assert call(name, "POST", "/enroll", {"student_id": 1, "course_id": 1})[0] == 409
    assert decided(name, 2, 1)["reason"] == "course_full"
    missing = decided(name, 1, 2)
    assert (missing["reason"], missing["missing_prerequisites"]) == ("missing_prerequisites", ["CS220"])
    assert [decided(name, 99, 1)["reason"], decided(name, 1, 99)["reason"]] == ["unknown_student", "unknown_course"]
    assert call(name, "DELETE", f"/enroll/{first['id']}")[1]["status"] == "dropped"
    assert decided(name, 2, 1)["status"] == "enrolled"
    assert [entry["status"] for entry in call(name, "GET", "/enroll/student/2")[1]] == ["rejected", "enrolled"]
    assert len(call(name, "GET", "/enroll/course/1")[1]) == 4


def test_the_product_takes_the_tutorials_place_and_only_the_code_is_replaced(name: str) -> None:
    """Three services and the worker start anew on the same servers, where neither finds the other's data."""
    deployment = operations.read(name)
    before = {node.name: operations.processes(deployment, node.name)[0].pid for node in deployment.nodes}
    operations.up(name, FREE_PORTS, owner=True)
    after = {node.name: operations.processes(deployment, node.name)[0].pid for node in deployment.nodes}
    assert {node for node in before if after[node] != before[node]} == {"courses-1", "students-1", "enrollment-1", "worker-1"}
    assert call(name, "GET", "/courses")[:2] == (200, [])
    operations.up(name, TUTORIAL, owner=True)
    assert len(call(name, "GET", "/courses")[1]) == 2


def test_the_tutorial_ends_when_it_is_told_to(name: str) -> None:
    """SIGTERM is enough for each of its processes."""
    deployment = operations.read(name)
    firsts = [operations.processes(deployment, node)[0] for node in ("courses-1", "students-1", "enrollment-1", "worker-1")]
    for process in firsts:
        process.send_signal(signal.SIGTERM)
    assert psutil.wait_procs(firsts, timeout=PATIENCE_S)[1] == []


def answer_of(port: int) -> tuple[int, bytes]:
    """What hello says, once it listens."""
    deadline = time.monotonic() + PATIENCE_S
    while time.monotonic() < deadline:
        with contextlib.suppress(OSError), urllib.request.urlopen(f"http://127.0.0.1:{port}/any", timeout=PATIENCE_S) as answer:
            return answer.status, answer.read()
        time.sleep(0.05)
    raise AssertionError("hello does not listen")


@pytest.mark.parametrize("end", ["its input", "a signal"])
def test_hello_answers_until_its_parent_is_gone_or_it_is_told_to_end(end: str) -> None:
    """The end of its standard input is the end of its parent, however that died."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    command = [sys.executable, "-m", "experiments.baselines.hello", "--port", str(port)]
    with subprocess.Popen(command, cwd=REPOSITORY, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.STDOUT) as process:
        try:
            assert answer_of(port) == (200, b'{"hello":"world"}')
            if end == "a signal":
                process.terminate()
            output, _ = process.communicate(timeout=PATIENCE_S)  # which closes its input
        finally:
            process.kill()
    assert output == b""


def test_wrk_is_a_tool_that_runs() -> None:
    """It is found or installed, and told apart from what a deployment needs."""
    tool = operations.tool("wrk")
    done = subprocess.run([tool.path, "--version"], env=dict(tool.environment), capture_output=True, text=True, check=False)
    assert tool.version in done.stdout + done.stderr
