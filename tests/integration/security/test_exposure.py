"""What of a deployment can be reached from outside, and what it tells of itself there."""

from __future__ import annotations

import contextlib
import http.client
import ipaddress
import re
import socket
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor

import httpx
import psutil
import pytest

from infra import operations
from infra.deployment import Deployment
from tests.integration.security.conftest import DATABASES, without
from tests.openapi.gateway_hooks import SECURITY_HEADERS

PATIENCE_S = 20.0
INTERNAL = "/internal/courses/reservations"
LEAKS = re.compile(
    r"(?i:select|insert|delete from|relation|constraint|psycopg|sqlalchemy|pydantic|pika|amqp|redis|postgres|nginx|uvicorn|traceback)"
    r"|[A-Z]\w+(?:Error|Exception)\b|\.py\b|/(?:work|var|home|tmp|usr)/|127\.0\.0\.1|localhost|:\d{4,5}\b"
)
"""Statements, libraries, servers, classes, files, addresses."""


def test_every_node_listens_on_loopback_alone(target: Deployment) -> None:
    """No process of the deployment has a listening socket that another machine could reach."""
    listening: dict[str, set[str]] = {}
    for node in target.nodes:
        for process in operations.processes(target, node.name):
            with contextlib.suppress(psutil.NoSuchProcess):
                sockets = process.net_connections(kind="inet")
                listening.setdefault(node.name, set()).update(item.laddr.ip for item in sockets if item.status == psutil.CONN_LISTEN)
    assert {name for name, addresses in listening.items() if addresses} == {node.name for node in target.nodes}
    assert {name: found for name, found in listening.items() if not all(ipaddress.ip_address(each).is_loopback for each in found)} == {}


@pytest.mark.parametrize(
    "path",
    [
        INTERNAL,
        f"/{INTERNAL}",
        "/Internal/courses/reservations",
        f"/courses/..{INTERNAL}",
        f"/courses/../courses/../..{INTERNAL}",
        f"/courses/%2e%2e{INTERNAL}",
        "/courses/%2E%2E%2Finternal%2Fcourses%2Freservations",
        "/courses/..%5c..%5cinternal/courses/reservations",
        f"/courses/..;{INTERNAL}",
        "/%69nternal/courses/reservations",
        f"{INTERNAL}/../../../courses",
        f"{INTERNAL}%3f/../../../../courses",
        f"{INTERNAL}#/../../../../courses",
        f"http://courses{INTERNAL}",
        f"http://127.0.0.1/courses/..{INTERNAL}",
    ],
)
def test_no_path_leads_from_the_public_side_to_internal_endpoints(target: Deployment, path: str) -> None:
    """However it is written, a request for /internal reaches no endpoint; a batch that is valid there is not decided."""
    body = b'{"reservations":[{"reservation_id":"%s","course_id":1,"student_id":1,"completed_courses":[]}]}'
    status, headers, text = _send(target, "POST", path, body % b"6a3f4f7e-7f2e-4d0e-9a44-d2b1a5a1c0de")
    assert status in {400, 404, 405}
    assert headers["content-type"] == "application/problem+json"
    assert "reservation_id" not in text


@pytest.mark.parametrize("header", ["X-Original-URL", "X-Rewrite-URL", "X-Forwarded-Prefix", "X-Forwarded-Uri", "X-HTTP-Method-Override"])
def test_no_header_sends_a_request_elsewhere(target: Deployment, header: str) -> None:
    """Headers that some servers let override the path or the method change nothing here."""
    value = "DELETE" if "Method" in header else INTERNAL
    plain, steered = (_send(target, "GET", "/courses?limit=1", headers=headers) for headers in ({}, {header: value}))
    assert plain[0] == steered[0] == 200
    assert plain[2] == steered[2]


@pytest.mark.parametrize("path", ["/metrics", "/readyz", "/openapi.json", "/configuration", "/-/problems/no-answer", "/docs"])
def test_what_operators_read_is_not_public(target: Deployment, path: str) -> None:
    """Metrics, readiness, descriptions and the gateway's own places are found by nobody outside."""
    assert _send(target, "GET", path)[0] == 404


def test_errors_tell_nothing_of_the_inside(target: Deployment, http: httpx.Client) -> None:
    """Invalid, unknown, conflicting, too much, or a part away: no statement, library, class, file or address, and every security header."""
    answers = [http.send(request) for request in _refused(http)]
    with without(target, (*DATABASES, "cache")):
        answers += [http.send(request) for request in _valid(http)]
        unready = httpx.get(_url(target, "courses-1") + "/readyz", trust_env=False)
    with without(target, ["courses-1", "students-1", "enrollment-1"]):
        answers += [http.send(request) for request in _valid(http)]
    assert {answer.status_code for answer in answers} == {404, 405, 409, 413, 422, 503}
    for answer in [*answers, unready]:
        assert answer.headers["content-type"] == "application/problem+json"
        assert not LEAKS.search(answer.text), answer.text
    for answer in answers:
        assert {name: answer.headers.get_list(name) for name in SECURITY_HEADERS} == SECURITY_HEADERS


def test_services_name_no_server(target: Deployment) -> None:
    """A replica's answer has no Server header at all, be it success or error."""
    for service in ("courses-1", "students-1", "enrollment-1"):
        for path in ("/healthz", "/nothing"):
            assert "server" not in httpx.get(_url(target, service) + path, trust_env=False).headers


@pytest.fixture
def limited(target: Deployment) -> Iterator[Deployment]:
    """The deployment with a rate limit, for a while."""
    try:
        yield operations.up(target.name, target.topology.override({"gateway.rate_limit_per_s": 5}), owner=True)
    finally:
        operations.up(target.name, target.topology, owner=True)


def test_the_rate_limit_is_a_factor(limited: Deployment) -> None:
    """A client that asks too much at once gets 429 with Retry-After for what is beyond; being alive is never refused."""

    def ask(path: str) -> httpx.Response:
        return httpx.get(limited.endpoints.gateway_url + path, timeout=PATIENCE_S, trust_env=False)

    with ThreadPoolExecutor(20) as pool:
        answers = list(pool.map(lambda _: ask("/courses?limit=1"), range(60)))
        alive = list(pool.map(lambda _: ask("/healthz"), range(30)))
    refused = [answer for answer in answers if answer.status_code != 200]
    assert len(answers) > len(refused) > 0
    assert {(answer.status_code, answer.headers["retry-after"], answer.json()["type"]) for answer in refused} == {
        (429, "1", "urn:spire:problem:rate-limited")
    }
    assert {answer.status_code for answer in alive} == {200}


def _url(deployment: Deployment, node: str) -> str:
    found = deployment.node(node)
    return f"http://{found.host}:{found.port}"


def _refused(http: httpx.Client) -> list[httpx.Request]:
    course = {"name": "Web Systems", "code": "LEAK1", "capacity": 1}
    http.post("/courses", json=course)
    return [
        http.build_request("POST", "/courses", json=course),
        http.build_request("POST", "/courses", content=b"{", headers={"Content-Type": "application/json"}),
        http.build_request("POST", "/courses", content=b"x" * 70_000),
        http.build_request("POST", "/students", json={"name": "\x00", "completed_courses": 5, "'; DROP TABLE students; --": 1}),
        http.build_request("POST", "/enroll", json={"student_id": "1 OR 1=1", "course_id": 10**30}),
        http.build_request("GET", "/courses/1%27%20OR%201=1--"),
        http.build_request("GET", "/courses?code=%27%3B--"),
        http.build_request("GET", "/students/2147483647"),
        http.build_request("GET", "/enroll/not-an-id"),
        http.build_request("PUT", "/enroll"),
        http.build_request("TRACE", "/courses"),
        http.build_request("GET", "/nothing"),
    ]


def _valid(http: httpx.Client) -> list[httpx.Request]:
    return [
        http.build_request("GET", "/courses/2147483646"),
        http.build_request("POST", "/students", json={"name": "John Doe"}),
        http.build_request("POST", "/enroll", json={"student_id": 1, "course_id": 1}),
    ]


def _send(
    deployment: Deployment, method: str, target: str, body: bytes = b"", headers: Mapping[str, str] | None = None
) -> tuple[int, dict[str, str], str]:
    """The answer to a request whose target goes out as it is written."""
    gateway = deployment.node("gateway")
    lines = [f"{method} {target} HTTP/1.1", "Host: courses", "Content-Type: application/json", f"Content-Length: {len(body)}"]
    lines += [f"{name}: {value}" for name, value in (headers or {}).items()]
    with socket.create_connection((gateway.host, gateway.port or 0), timeout=PATIENCE_S) as connection:
        connection.sendall("\r\n".join([*lines, "", ""]).encode() + body)
        response = http.client.HTTPResponse(connection)
        response.begin()
        return response.status, {name.lower(): value for name, value in response.getheaders()}, response.read().decode()
