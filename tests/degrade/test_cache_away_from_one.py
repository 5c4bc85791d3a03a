"""One replica alone is cut off from Redis, while the others go on reading from it what this one changes."""

from __future__ import annotations

import statistics
from collections.abc import Iterator

import pytest

from experiments.definition import LinkFaultKind
from infra.links.conditions import Direction
from tests.conftest import FREE_PORTS
from tests.contract.client import eventually
from tests.degrade.system import System
from tests.degrade.traffic import other_than, recorders
from tests.deployed import deployed
from tests.faults.cases import healed, of_link
from tests.measured import Measured

LINK = "courses-1->cache"
REPLICAS = ("courses-1", "courses-2")
WRITES = 20
LONGEST_DELAY_MS = 100
CUTS = [
    (LinkFaultKind.REFUSED, Direction.BOTH),
    (LinkFaultKind.SILENT, Direction.BOTH),
    (LinkFaultKind.SILENT, Direction.TO_SERVER),
    (LinkFaultKind.SILENT, Direction.TO_CLIENT),
]


@pytest.fixture(scope="module", name="linked")
def _linked() -> Iterator[System]:
    with deployed(FREE_PORTS.override({"courses.replicas": 2, "links": "on"})) as deployment:
        system = System(deployment)
        yield system
        system.close()


@pytest.mark.parametrize(("kind", "direction"), CUTS)
def test_what_it_changes_is_read_at_every_replica(linked: System, kind: LinkFaultKind, direction: Direction, measured: Measured) -> None:
    """Each read that begins after a write was answered has what was written, and the others still have a cache."""
    path = f"/courses/{linked.client.course()['id']}"
    with recorders(*(linked.url(replica) for replica in REPLICAS)) as (writer, reader):
        eventually(lambda: reader.send("GET", path).headers["x-cache"], lambda state: state == "hit")
        normal = [writer.send("PATCH", path, {"capacity": 100 + number}) for number in range(WRITES)]
        eventually(lambda: reader.send("GET", path).headers["x-cache"], lambda state: state == "hit")
        with healed(linked.deployment, of_link(kind, LINK, direction)) as cut:
            cut.inject()
            wrong = []
            writes = []
            states = set()
            for capacity in range(1, WRITES + 1):
                writes.append(writer.send("PATCH", path, {"capacity": capacity}))
                reads = [each.send("GET", path) for each in (reader, writer)]
                assert other_than({200}, [*writes, *reads]) == []
                wrong += [f"{read.json()} at {read.headers['x-replica']}" for read in reads if read.json() != writes[-1].json()]
                states.add(reader.send("GET", path).headers["x-cache"])
    linked.healed()
    assert wrong == []
    assert states == {"hit"}
    slowest_ms = max(write.time_ms for write in writes) - statistics.median(write.time_ms for write in normal)
    name = f"one replica's link to Redis {kind} ({direction}): slowest of {WRITES} writes, above the normal median"
    measured.figure(name, slowest_ms, "ms", at_most=LONGEST_DELAY_MS)


def test_a_replica_that_was_away_too_learns_of_it(linked: System) -> None:
    """What is changed while nobody can outdate it is soon read where Redis can be reached, although the writer still can't."""
    path = f"/courses/{linked.client.course()['id']}"
    with recorders(*(linked.url(replica) for replica in REPLICAS)) as (writer, reader):
        eventually(lambda: reader.send("GET", path).headers["x-cache"], lambda state: state == "hit")
        with healed(linked.deployment, of_link(LinkFaultKind.SILENT, LINK)) as cut:
            cut.inject()
            with linked.without("killed", "courses-2"):
                written = writer.send("PATCH", path, {"capacity": 1})
            assert other_than({200}, [written]) == []
            eventually(lambda: reader.send("GET", path).body, lambda body: body == written.body)
            eventually(lambda: reader.send("GET", path).headers["x-cache"], lambda state: state == "hit")
            assert [reader.send("GET", path).body for _ in range(WRITES)] == [written.body] * WRITES
    linked.healed()
