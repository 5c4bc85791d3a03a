"""What is the same for every service: problem details, health, metrics, headers, the description."""

from __future__ import annotations

import re

import httpx
import pytest

from tests.contract.client import Client, problem

SERVICES = ("courses", "students", "enrollment")


@pytest.fixture(params=SERVICES)
def service(request: pytest.FixtureRequest, service_urls: dict[str, str]) -> str:
    """The address of one service, each in turn."""
    return service_urls[request.param]


def test_every_path_answers_problem_details(service: str) -> None:
    """An unknown path is 404, a known one with a wrong method 405 with Allow."""
    problem(httpx.get(f"{service}/nothing", trust_env=False), 404, "not-found")
    response = httpx.put(f"{service}/healthz", trust_env=False)
    problem(response, 405, "method-not-allowed")
    assert response.headers["allow"] == "GET"


@pytest.mark.parametrize("path", ["/courses", "/students", "/enroll"])
@pytest.mark.parametrize("body", [b"", b"{", b"[]", b"null", b'{"name":', b"\xff\xfe", b"NaN"])
def test_what_is_no_json_object_is_invalid(client: Client, path: str, body: bytes) -> None:
    """A body that can't be read is refused as invalid."""
    response = client.http.post(path, content=body, headers={"Content-Type": "application/json"})
    assert [error["field"] for error in problem(response, 422, "invalid")["errors"]] == ["body"]


@pytest.mark.parametrize(("name", "path"), [("courses", "/courses"), ("students", "/students"), ("enrollment", "/enroll")])
def test_a_body_has_a_size(service_urls: dict[str, str], name: str, path: str) -> None:
    """More than a service reads is 413, whether its length is announced or it comes in chunks."""
    parts = [b" " * 10_000] * 7
    for content in (b"".join(parts), iter(parts)):
        problem(httpx.post(service_urls[name] + path, content=content, trust_env=False), 413, "too-large")


@pytest.mark.parametrize(
    ("path", "field"),
    [
        ("/courses/x", "path.course_id"),
        ("/courses/0", "path.course_id"),
        ("/students/99999999999", "path.student_id"),
        ("/enroll/1", "path.enrollment_id"),
        ("/enroll/student/x", "path.student_id"),
        ("/courses?limit=501", "query.limit"),
        ("/students?offset=-1", "query.offset"),
        ("/courses?code=%00", "query.code"),
    ],
)
def test_paths_and_queries_have_bounds(client: Client, path: str, field: str) -> None:
    """What is out of bounds in an address is invalid, and named."""
    assert [error["field"] for error in problem(client.http.get(path), 422, "invalid")["errors"]] == [field]


def test_an_idempotency_key_has_bounds(client: Client) -> None:
    """A key that is empty or too long is invalid, and named."""
    for key in ("", "k" * 256):
        found = problem(client.enroll(1, 1, {"Idempotency-Key": key}), 422, "invalid")
        assert [error["field"] for error in found["errors"]] == ["header.Idempotency-Key"]


def test_every_answer_names_its_replica_and_request(client: Client) -> None:
    """Success and error alike carry X-Replica, and the X-Request-Id of who sent one."""
    for path in ("/courses", "/courses/x", f"/students/{2**31 - 1}"):
        response = client.http.get(path, headers={"X-Request-Id": "of-the-client"})
        assert re.fullmatch(r"(courses|students)-\d+", response.headers["x-replica"])
        assert response.headers["x-request-id"] == "of-the-client"


def test_a_request_id_that_could_harm_a_log_is_replaced(service: str) -> None:
    """Only short ids of plain characters are taken over."""
    for hostile in ("a" * 201, 'quo"te', "sp ace"):
        assert httpx.get(f"{service}/healthz", headers={"X-Request-Id": hostile}, trust_env=False).headers["x-request-id"] != hostile


def test_health_tells_alive_and_ready(service: str) -> None:
    """A service that runs is alive, and ready while its dependencies answer."""
    assert httpx.get(f"{service}/healthz", trust_env=False).json() == {"status": "alive"}
    assert httpx.get(f"{service}/readyz", trust_env=False).json() == {"status": "ready"}


def test_metrics_count_requests_by_route(service: str) -> None:
    """Prometheus' text has the requests under their route, never under a path with an id."""
    for _ in range(2):
        httpx.get(f"{service}/healthz", trust_env=False)
    response = httpx.get(f"{service}/metrics", trust_env=False)
    assert response.headers["content-type"].startswith("text/plain")
    count = re.search(r'^spire_requests_total\{method="GET",route="/healthz",status="200"\} (\S+)$', response.text, re.MULTILINE)
    assert count is not None
    assert float(count[1]) >= 2
    assert not re.search(r'route="/\w+/\d', response.text)


def test_metrics_tell_of_cache_and_outbox(client: Client, service_urls: dict[str, str]) -> None:
    """Cache reads and the outbox are counted where they happen."""
    client.http.get(f"/courses/{client.course()['id']}")
    client.enrolled(client.student()["id"], client.course()["id"])
    courses = httpx.get(f"{service_urls['courses']}/metrics", trust_env=False).text
    assert re.search(r'^spire_cached_reads_total\{result="(hit|miss|off)"\} ', courses, re.MULTILINE)
    enrollment = httpx.get(f"{service_urls['enrollment']}/metrics", trust_env=False).text
    for name in ("spire_outbox_sent_total", "spire_outbox_unsent", "spire_outbox_oldest_age_seconds"):
        assert re.search(rf"^{name} ", enrollment, re.MULTILINE)


def test_openapi_declares_the_errors(service: str) -> None:
    """Every public operation declares 422 and 503 as problem details; no schema of the framework is left."""
    description = httpx.get(f"{service}/openapi.json", trust_env=False).json()
    assert "Problem" in description["components"]["schemas"]
    assert "HTTPValidationError" not in str(description)
    operations = [
        operation
        for path, item in description["paths"].items()
        if path not in {"/healthz", "/readyz", "/metrics"}
        for operation in item.values()
    ]
    assert operations
    for operation in operations:
        assert {"422", "503"} <= set(operation["responses"])
        assert "application/problem+json" in operation["responses"]["422"]["content"]
