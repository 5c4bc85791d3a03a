"""Many replicas that start at once on empty databases, and many readers at once of a replica that has no cache."""

from __future__ import annotations

import statistics
import time
from collections.abc import Iterator

import pytest

from experiments.capacity.wrk import Loop, LoopResult, Wrk
from infra import operations
from infra.deployment import Role
from tests.conftest import FREE_PORTS, unique_name
from tests.degrade.system import System
from tests.measured import Measured

CROWD = FREE_PORTS.override({"courses.replicas": 8, "worker.replicas": 4, "cache": "off"})
FEW, MANY = 32, 200
ROUNDS = 3
ROUND_S = 2.0
LEAST_SHARE = 80
"""Of the throughput with few readers, which many must still get, %."""


@pytest.fixture(scope="module")
def crowd(measured: Measured) -> Iterator[System]:
    """A deployment of its own, up for the first time."""
    name = unique_name()
    began_s = time.monotonic()
    try:
        system = System(operations.up(name, CROWD, owner=True))
        measured.figure("8 replicas of courses and 4 workers up at once, on empty databases", time.monotonic() - began_s, "s")
        yield system
        system.close()
    finally:
        operations.down(name, volumes=True)


def test_many_replicas_start_at_once(crowd: System) -> None:
    """Each becomes ready, answers from the tables that one of them has made, and none had to be started again."""
    system = crowd
    system.healed()
    assert {system.ask(node, "/courses").status for node in system.names(Role.SERVICE) if node.startswith("courses")} == {200}
    assert {status.restarts for status in operations.status(system.deployment.name)} == {0}


def test_many_readers_are_served_or_refused(crowd: System, measured: Measured) -> None:
    """Every one of 200 readers without pause gets 200, or 503 with Retry-After; their throughput beside that of 32 is a figure."""
    path = f"/courses/{crowd.client.course()['id']}"
    wrk = Wrk(operations.tool("wrk"), time.sleep)

    def read(connections: int) -> LoopResult:
        return wrk.run(Loop(crowd.url("courses-1") + path, connections, ROUND_S, count_refusals=True))

    rounds = [(read(FEW), read(MANY)) for _ in range(ROUNDS)]
    assert {result.failed for pair in rounds for result in pair} == {0}
    assert all(result.ok for pair in rounds for result in pair)
    assert crowd.ask("courses-1", path).status == 200
    few = statistics.median(result.ok_per_s for result, _ in rounds)
    share = statistics.median(many.ok_per_s / few.ok_per_s * 100 for few, many in rounds)
    measured.figure(f"reads without cache, {FEW} readers", few, "1/s")
    measured.figure(f"reads without cache, {MANY} readers: share of that throughput", share, "%", at_least=LEAST_SHARE)
