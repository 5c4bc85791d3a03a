"""How the gateway's NGINX treats replicas that are dead, silent or overloaded, and clients that ask for too much."""

from __future__ import annotations

from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from app.kit.middleware import _USABLE_REQUEST_ID
from tests.integration.infra.replicas import TUNING, Answer, GatewayUnderTest, gateway

UNAVAILABLE = "urn:spire:problem:unavailable"
OVERLOADED = "urn:spire:problem:overloaded"


def ask_at_once(under_test: GatewayUnderTest, count: int) -> list[Answer]:
    """Requests that don't wait for each other."""
    with ThreadPoolExecutor(count) as pool:
        return list(pool.map(lambda _: under_test.ask(), range(count)))


@pytest.mark.parametrize("method", ["GET", "POST"])
def test_a_dead_and_a_silent_replica_cost_no_request(tmp_path: Path, method: str) -> None:
    """Whoever is sent there is sent on, a POST that was delivered too."""
    with gateway(tmp_path, replicas=3) as under_test:
        dead, silent, well = under_test.courses
        dead.kill()
        silent.be("silent")
        answers = [under_test.ask(method=method) for _ in range(30)]
    assert {(answer.status, answer.headers["x-replica"]) for answer in answers} == {(200, str(well.port))}


@pytest.mark.parametrize("method", ["GET", "POST"])
def test_a_replica_that_dies_between_requests_costs_none(tmp_path: Path, method: str) -> None:
    """Also where NGINX still holds a connection to it."""
    with gateway(tmp_path, replicas=2) as under_test:
        before = [under_test.ask(method=method) for _ in range(10)]
        under_test.courses[0].kill()
        after = [under_test.ask(method=method) for _ in range(10)]
    assert {answer.status for answer in before + after} == {200}
    assert len({answer.headers["x-replica"] for answer in before}) == 2


def test_replicas_that_were_all_slow_are_asked_again_at_once(tmp_path: Path) -> None:
    """After every one of them has failed NGINX has none in rotation, and yet no request is refused once they answer."""
    with gateway(tmp_path, replicas=3) as under_test:
        for replica in under_test.courses:
            replica.be("silent")
        during = ask_at_once(under_test, 6)
        for replica in under_test.courses:
            replica.be("answers")
        after = [under_test.ask() for _ in range(30)]
    assert {(answer.status, answer.problem) for answer in during} == {(503, UNAVAILABLE)}
    assert {answer.status for answer in after} == {200}


@pytest.mark.parametrize("replicas", [1, 2, 3])
def test_a_service_that_is_away_is_503_with_the_time_to_come_again(tmp_path: Path, replicas: int) -> None:
    """Dead or silent, and for clients as for the worker, never 502 or 504."""
    with gateway(tmp_path, replicas=replicas) as under_test:
        for replica in under_test.courses:
            replica.be("silent")
        silent = [under_test.ask(), under_test.ask(method="POST"), under_test.ask("/internal/courses/1", port=under_test.internal_port)]
        for replica in under_test.courses:
            replica.kill()
        dead = [under_test.ask(), under_test.ask("/students"), under_test.ask("/internal/students/1", port=under_test.internal_port)]
    assert {(answer.status, answer.problem) for answer in silent + dead} == {(503, UNAVAILABLE)}
    assert {answer.headers.get("retry-after") for answer in (*silent[:2], *dead[:2])} == {"1"}


def test_an_overloaded_replicas_answer_is_passed_on_and_keeps_it_in_rotation(tmp_path: Path) -> None:
    """Its 503 is neither tried elsewhere nor counted as a failure, and its own Retry-After is the one."""
    with gateway(tmp_path, replicas=2) as under_test:
        under_test.courses[0].be("overloaded")
        answers = [under_test.ask() for _ in range(40)]
    refused = [answer for answer in answers if answer.status == 503]
    assert Counter(answer.status for answer in answers) == {200: 20, 503: 20}
    assert {(answer.headers["retry-after"], answer.headers["x-replica"]) for answer in refused} == {("7", str(under_test.courses[0].port))}


def test_more_than_the_replicas_may_have_is_refused_at_once(tmp_path: Path) -> None:
    """The replicas are not troubled with it."""
    patient = TUNING.model_copy(update={"read_timeout_ms": 20_000, "max_connections": 2})
    with gateway(tmp_path, replicas=1, tuning=patient) as under_test:
        (replica,) = under_test.courses
        replica.be("silent")
        with ThreadPoolExecutor(2) as pool:
            waiting = [pool.submit(under_test.ask) for _ in range(2)]
            for _ in waiting:
                replica.asked.acquire()
            refused = under_test.ask()
            replica.be("answers")
            assert {future.result().status for future in waiting} == {503}
        assert (refused.status, refused.problem, refused.headers["retry-after"]) == (503, OVERLOADED, "1")
        assert len(replica.request_ids) == 2
        assert under_test.ask().status == 200


def test_a_client_that_asks_too_often_is_told_to_wait(tmp_path: Path) -> None:
    """A second's worth passes, what is beyond gets 429; being alive is never refused."""
    with gateway(tmp_path, replicas=1, tuning=TUNING.model_copy(update={"rate_limit_per_s": 2})) as under_test:
        answers = ask_at_once(under_test, 20)
        alive = [under_test.ask("/healthz") for _ in range(20)]
    refused = [answer for answer in answers if answer.status != 200]
    assert len(answers) - len(refused) >= 3
    assert {(answer.status, answer.problem, answer.headers["retry-after"]) for answer in refused} == {
        (429, "urn:spire:problem:rate-limited", "1")
    }
    assert {answer.status for answer in alive} == {200}


@pytest.mark.parametrize(
    ("request_", "status", "name"),
    [
        (b"GET /courses/%s HTTP/1.1\r\nHost: x\r\n\r\n" % (b"a" * 9000), 414, "uri-too-long"),
        (b"GET /courses HTTP/1.1\r\nHost: x\r\nCookie: %s\r\n\r\n" % (b"a" * 9000), 431, "headers-too-large"),
        (b"GET /courses HTTP/1.1\r\nHost: x\r\n%s\r\n" % (b"X: %s\r\n" % (b"a" * 4000) * 12), 431, "headers-too-large"),
        (b"POST /courses HTTP/1.1\r\nHost: x\r\nContent-Length: 65537\r\n\r\n", 413, "too-large"),
        (b"NONSENSE\r\n\r\n", 400, "bad-request"),
        (b"GET /courses HTTP/1.1\r\n\r\n", 400, "bad-request"),
        (b"TRACE /courses HTTP/1.1\r\nHost: x\r\n\r\n", 405, "method-not-allowed"),
        (b"GET /courses HTTP/9.1\r\nHost: x\r\n\r\n", 505, "version-not-supported"),
        (b"POST /courses HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: zip\r\n\r\n", 501, "not-implemented"),
        (b"GET /-/problems/500 HTTP/1.1\r\nHost: x\r\n\r\n", 404, "not-found"),
    ],
)
def test_whatever_the_gateway_refuses_it_refuses_with_problem_details(tmp_path: Path, request_: bytes, status: int, name: str) -> None:
    """Too long, too large, not HTTP: one form of error, with the security headers, and no replica sees it."""
    with gateway(tmp_path, replicas=1) as under_test:
        answer = under_test.send(request_)
        assert (answer.status, answer.problem) == (status, f"urn:spire:problem:{name}")
        assert answer.headers["x-content-type-options"] == "nosniff"
        assert under_test.courses[0].request_ids == []


def test_a_method_that_the_gateway_refuses_gets_the_ones_that_it_passes_on(tmp_path: Path) -> None:
    """A 405 has Allow, as RFC 9110 wants it, also where NGINX refuses by itself; other errors have none."""
    with gateway(tmp_path, replicas=1) as under_test:
        refused = under_test.send(b"TRACE /courses HTTP/1.1\r\nHost: x\r\n\r\n")
        unknown = under_test.ask("/nothing")
    assert (refused.status, refused.headers["allow"]) == (405, "DELETE, GET, PATCH, POST, PUT")
    assert (unknown.status, unknown.headers.get("allow")) == (404, None)


@pytest.mark.parametrize(("given", "kept"), [("a-1_B.2:c", True), ("x" * 200, True), ("x" * 201, False), ("a b", False), ('a"b', False)])
def test_a_request_id_is_the_same_for_client_and_replica_and_short_and_plain(tmp_path: Path, given: str, *, kept: bool) -> None:
    """The services take the same ones for usable, so that one id runs from the gateway to the worker."""
    with gateway(tmp_path, replicas=1) as under_test:
        answer = under_test.ask(headers={"X-Request-Id": given})
        assert under_test.courses[0].request_ids == [answer.headers["x-request-id"]]
    assert (answer.headers["x-request-id"] == given) is kept
    assert _USABLE_REQUEST_ID.fullmatch(answer.headers["x-request-id"])
