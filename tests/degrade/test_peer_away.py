"""The courses or the students service is killed or hangs as a whole while enrolments are asked for and dropped."""

from __future__ import annotations

import time

import pytest

from app.enrollment.worker.consumer import LONGEST_PAUSE_S
from tests.degrade.system import FAULTS, Fault, System
from tests.degrade.traffic import other_than, recorders
from tests.measured import Measured

SEATS = 12
ASKED = 20


@pytest.mark.parametrize("fault", FAULTS)
@pytest.mark.parametrize("peer", ["courses", "students"])
def test_an_enrolment_waits_and_is_decided_once(system: System, peer: str, fault: Fault, measured: Measured) -> None:
    """Requests are accepted, none is decided without the peer, and afterwards exactly as many are enrolled as there are seats."""
    other = {"courses": "students", "students": "courses"}[peer]
    course = system.client.course(capacity=SEATS)
    students = [system.client.student() for _ in range(ASKED)]
    earlier = system.client.enrolled(system.client.student()["id"], course["id"])
    replicas = [node.name for node in system.deployment.nodes if node.name.startswith(f"{peer}-") and node.name != f"{peer}-db"]
    with recorders(system.deployment.endpoints.gateway_url) as (client,):
        with system.without(fault, *replicas):
            accepted = [client.send("POST", "/enroll", {"student_id": student["id"], "course_id": course["id"]}) for student in students]
            dropped = client.send("DELETE", f"/enroll/{earlier['id']}")
            refused, served = client.send("GET", f"/{peer}"), client.send("GET", f"/{other}")
            time.sleep(LONGEST_PAUSE_S)
            waiting = {system.client.enrollment(answer.json()["id"])["status"] for answer in accepted}
        back_s = time.monotonic()
    assert other_than({202}, accepted) == []
    assert waiting == {"pending"}
    assert (dropped.status, dropped.json()["status"]) == (200, "dropped")
    assert (refused.status, refused.problem, refused.headers["retry-after"]) == (503, "unavailable", "1")
    assert served.status == 200
    outcomes = [system.client.outcome(answer.json()["id"]) for answer in accepted]
    measured.figure(f"{peer} {fault}: {ASKED} requests decided after its return", time.monotonic() - back_s, "s")
    assert sorted(str(outcome["reason"]) for outcome in outcomes) == ["None"] * SEATS + ["course_full"] * (ASKED - SEATS)
    assert system.client.seats(course["id"])["taken"] == SEATS
    assert [system.client.enrollment(outcome["id"]) for outcome in outcomes] == outcomes
    measured.figure(f"{peer} {fault}: slowest 202", max(answer.time_ms for answer in accepted), "ms")
    measured.figure(f"{peer} {fault}: its own 503", refused.time_ms, "ms")
