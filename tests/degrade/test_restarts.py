"""Everything is killed in one order and started in another, with requests accepted before that are not decided yet."""

from __future__ import annotations

import random
import time

import pytest

from tests.degrade.system import System
from tests.degrade.traffic import other_than, recorders
from tests.measured import Measured

ASKED = 40


@pytest.mark.parametrize("seed", [1, 2])
def test_it_heals_without_a_hand(system: System, seed: int, measured: Measured) -> None:
    """Whatever the orders are, all requests that were accepted are decided once, and the system serves as before."""
    orders = random.Random(seed)  # noqa: S311 -- reproducible, no secret
    course = system.client.course(capacity=ASKED)
    students = [system.client.student() for _ in range(ASKED)]
    nodes = system.names()
    killed, started = orders.sample(nodes, len(nodes)), orders.sample(nodes, len(nodes))
    try:
        with recorders(system.deployment.endpoints.gateway_url) as (client,):
            accepted = [client.send("POST", "/enroll", {"student_id": student["id"], "course_id": course["id"]}) for student in students]
        system.kill(*killed)
    finally:
        began_s = time.monotonic()
        system.start(*started)
    assert other_than({202}, accepted) == []
    system.healed()
    measured.figure(f"everything killed, order {seed}: all ready and serving after the first start", time.monotonic() - began_s, "s")
    outcomes = [system.client.outcome(answer.json()["id"]) for answer in accepted]
    assert {(outcome["status"], outcome["reason"]) for outcome in outcomes} == {("enrolled", None)}
    assert system.client.seats(course["id"])["taken"] == ASKED
