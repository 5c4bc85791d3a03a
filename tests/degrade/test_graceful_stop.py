"""A replica or a worker is asked to stop (SIGTERM) under load, also while something that it needs hangs."""

from __future__ import annotations

import contextlib
import signal
import time
from collections import Counter
from functools import partial

import psutil
import pytest

from tests.contract.client import PATIENCE_S
from tests.degrade.system import System
from tests.degrade.traffic import Answer, Recorder, going_on, recorders
from tests.measured import Measured

CLIENTS = 4
LOAD_S = 0.5
LONGEST_STOP_S = 10
ASKED = 150


@pytest.mark.parametrize("replica", ["courses-1", "enrollment-1"])
def test_a_replica_that_stops_costs_no_request(system: System, replica: str, measured: Measured) -> None:
    """It says not ready before it closes its door, answers what it has begun, and ends by itself; every client gets its answer."""
    course = system.client.course(capacity=100)
    fresh = iter(range(2_000_000, 3_000_000))
    gateway_url = system.deployment.endpoints.gateway_url

    def read_and_write(client: Recorder) -> None:
        client.send("GET", f"/courses/{course['id']}/seats")
        client.send("PATCH", f"/courses/{course['id']}", {"name": "Changed"})
        client.send("POST", "/enroll", {"student_id": next(fresh), "course_id": course["id"]})

    with recorders(*[gateway_url] * CLIENTS) as clients:
        try:
            with going_on(*(partial(read_and_write, client) for client in clients)):
                time.sleep(LOAD_S)
                stopped_s, readiness = _stop(system, replica)
                time.sleep(LOAD_S)
        finally:
            system.start(replica)
        statuses = Counter(answer.status for client in clients for answer in client.answers)
    measured.figure(f"{replica} stopped under load: ended after", stopped_s, "s", at_most=LONGEST_STOP_S)
    assert statuses.keys() == {200, 202}
    assert [answer.problem for answer in readiness if answer.status == 503][:1] == ["unavailable"]
    accepted = [answer.json()["id"] for client in clients for answer in client.answers if answer.status == 202]
    assert {system.client.outcome(enrollment_id)["reason"] for enrollment_id in accepted} == {"unknown_student"}


def test_a_worker_that_stops_loses_no_message(system: System, measured: Measured) -> None:
    """It ends by itself with messages in hand, and each request is decided once, by it or by the other worker."""
    course = system.client.course(capacity=ASKED)
    students = [system.client.student() for _ in range(ASKED)]
    with recorders(system.deployment.endpoints.gateway_url) as (client,):
        try:
            accepted = [client.send("POST", "/enroll", {"student_id": student["id"], "course_id": course["id"]}) for student in students]
            stopped_s, _ = _stop(system, "worker-1")
        finally:
            system.start("worker-1")
    measured.figure("worker-1 stopped with messages in hand: ended after", stopped_s, "s", at_most=LONGEST_STOP_S)
    outcomes = [system.client.outcome(answer.json()["id"]) for answer in accepted]
    assert {(outcome["status"], outcome["reason"]) for outcome in outcomes} == {("enrolled", None)}
    assert system.client.seats(course["id"])["taken"] == ASKED


@pytest.mark.parametrize(
    ("node", "silent"),
    [
        ("courses-1", ["courses-db", "cache"]),
        ("enrollment-1", ["enrollment-db", "broker"]),
        ("worker-1", ["enrollment-db", "broker", "courses-1", "courses-2"]),
    ],
)
def test_it_stops_also_while_what_it_needs_hangs(system: System, node: str, silent: list[str], measured: Measured) -> None:
    """Nothing that is silent keeps a process from ending by itself, with requests and messages in hand."""
    course = system.client.course(capacity=ASKED)
    fresh = iter(range(3_000_000, 4_000_000))

    def ask(client: Recorder) -> None:
        client.send("PATCH", f"/courses/{course['id']}", {"name": "Changed"})
        client.send("POST", "/enroll", {"student_id": next(fresh), "course_id": course["id"]})

    with recorders(*[system.deployment.endpoints.gateway_url] * CLIENTS) as clients:
        try:
            with going_on(*(partial(ask, client) for client in clients)), system.without("paused", *silent):
                time.sleep(LOAD_S)
                stopped_s, _ = _stop(system, node)
        finally:
            system.start(node)
    measured.figure(f"{node} stopped while {' and '.join(silent)} hang: ended after", stopped_s, "s", at_most=LONGEST_STOP_S)


def _stop(system: System, node: str) -> tuple[float, list[Answer]]:
    """Ask the node to stop; the time until it has ended by itself, and what its readiness said meanwhile."""
    main = system.main_process(node)
    readiness: list[Answer] = []
    began_s = time.monotonic()
    with recorders(system.url(node)) as (prober,):
        main.send_signal(signal.SIGTERM)
        while _runs(main):
            assert time.monotonic() < began_s + PATIENCE_S, f"{node} does not end"
            readiness.append(prober.send("GET", "/readyz"))
            time.sleep(0.01)
    return time.monotonic() - began_s, readiness


def _runs(process: psutil.Process) -> bool:
    with contextlib.suppress(psutil.NoSuchProcess):
        return process.status() != psutil.STATUS_ZOMBIE
    return False
