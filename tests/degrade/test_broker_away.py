"""RabbitMQ is killed, or hangs for longer than a publisher waits for its confirms."""

from __future__ import annotations

import time
from functools import partial
from pathlib import Path

import pytest

from app.kit.publisher import CONFIRM_TIMEOUT_S
from infra.deployment import Role
from infra.home import StateRoot
from infra.settings import Settings
from tests.contract.client import at_once, eventually, unique_code
from tests.degrade.system import FAULTS, Fault, System
from tests.degrade.traffic import other_than, recorders
from tests.measured import Measured

STUDENTS = 60
RENEWED_S = 90.0
"""Two silences of the queue, and the time that RabbitMQ takes to delete one without a leader."""
UNTIL_CONFIRMS_ARE_GIVEN_UP_S = CONFIRM_TIMEOUT_S + 2


@pytest.mark.parametrize("fault", FAULTS)
def test_requests_are_accepted_meanwhile_and_decided_afterwards(system: System, fault: Fault, measured: Measured) -> None:
    """POST /enroll answers 202 as ever, the rest of the system is as it was, and each request is decided once, under its request id."""
    course = system.client.course(capacity=STUDENTS)
    students = [system.client.student() for _ in range(STUDENTS)]
    earlier = system.client.enrolled(system.client.student()["id"], system.client.course()["id"])
    with recorders(system.deployment.endpoints.gateway_url) as (client,):
        with system.without(fault, "broker"):
            began_s = time.monotonic()
            accepted = [
                client.send("POST", "/enroll", {"student_id": student["id"], "course_id": course["id"]}, {"X-Request-Id": unique_code()})
                for student in students
            ]
            reads = [client.send("GET", f"/{path}") for path in ("courses", "students", f"enroll/{earlier['id']}")]
            dropped = client.send("DELETE", f"/enroll/{earlier['id']}")
            pending = system.client.enrollment(accepted[0].json()["id"])["status"]
            _outbox_ages(system)
            if fault == "paused":
                time.sleep(max(0, began_s + UNTIL_CONFIRMS_ARE_GIVEN_UP_S - time.monotonic()))
        back_s = time.monotonic()
    assert other_than({202}, accepted) == []
    assert other_than({200}, (*reads, dropped)) == []
    assert (pending, dropped.json()["status"]) == ("pending", "dropped")
    outcomes = [system.client.outcome(answer.json()["id"]) for answer in accepted]
    measured.figure(f"RabbitMQ {fault}: {STUDENTS} requests decided after its return", time.monotonic() - back_s, "s")
    measured.figure(f"RabbitMQ {fault}: slowest 202", max(answer.time_ms for answer in accepted), "ms")
    assert {(outcome["status"], outcome["reason"]) for outcome in outcomes} == {("enrolled", None)}
    assert system.client.seats(course["id"])["taken"] == STUDENTS
    decided = "".join(Path(system.deployment.node(worker).log_path).read_text() for worker in system.names(Role.WORKER))
    assert [answer for answer in accepted if answer.headers["x-request-id"] not in decided] == []


def test_a_queue_that_comes_back_without_a_leader_is_made_anew(system: System) -> None:
    """As after a kill of the broker just when it has made the queue, whose registration it then forgets; nothing accepted is lost."""
    course = system.client.course(capacity=STUDENTS)
    students = [system.client.student()["id"] for _ in range(STUDENTS)]
    with recorders(system.deployment.endpoints.gateway_url) as (client,), system.without("killed", "broker"):
        (registrations,) = StateRoot(Settings().state_dir).home(system.deployment.name).data_dir("broker").rglob("quorum/*/names.dets")
        registrations.unlink()
        accepted = [client.send("POST", "/enroll", {"student_id": student, "course_id": course["id"]}) for student in students]
    assert other_than({202}, accepted) == []
    ids = [answer.json()["id"] for answer in accepted]
    outcomes = [eventually(partial(system.client.enrollment, each), lambda found: found["status"] != "pending", RENEWED_S) for each in ids]
    assert {outcome["status"] for outcome in outcomes} == {"enrolled"}


def _outbox_ages(system: System) -> None:
    """Return when the metrics of the replicas tell that requests wait to be published."""
    replicas = [node for node in system.names(Role.SERVICE) if node.startswith("enrollment")]
    at_once([partial(eventually, partial(system.metric, node, "spire_outbox_oldest_age_seconds"), bool) for node in replicas])
