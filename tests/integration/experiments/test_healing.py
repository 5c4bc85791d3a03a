"""A lab that is killed while it breaks a deployment: everything is healed by hand afterwards, and nothing is left behind."""

from __future__ import annotations

import random
import time
from collections.abc import Iterator

import psutil
import pytest

from experiments.definition import Fault, FaultKind, LinkFault, LinkFaultKind
from experiments.healing import heal
from infra import operations
from infra.deployment import Deployment
from tests.conftest import FREE_PORTS, unique_name
from tests.faults.cases import states
from tests.faults.killing import LONG_S, await_all_well, await_line, breaking, heal_by_command, nothing_is_left

LONGEST_WAIT_S = 6.0
"""From the first injection to the kill; some faults are proven by then, others not yet injected."""
FAULTS: list[Fault | LinkFault] = [
    Fault(kind=FaultKind.CRASH, node="courses-1", duration_s=LONG_S),
    Fault(kind=FaultKind.STOP, node="students-1", duration_s=LONG_S),
    Fault(kind=FaultKind.PAUSE, node="enrollment-1", duration_s=LONG_S),
    Fault(kind=FaultKind.SLOW_START, node="worker-1", duration_s=LONG_S),
    Fault(kind=FaultKind.CRASH, node="students-db", duration_s=LONG_S),
    Fault(kind=FaultKind.DISK_FULL, node="courses-db", duration_s=LONG_S),
    Fault(kind=FaultKind.CONNECTION_EXHAUSTION, node="enrollment-db", duration_s=LONG_S),
    Fault(kind=FaultKind.PAUSE, node="enrollment-db", duration_s=LONG_S),
    Fault(kind=FaultKind.MEMORY_FULL, node="cache", duration_s=LONG_S),
    Fault(kind=FaultKind.PAUSE, node="cache", duration_s=LONG_S),
    Fault(kind=FaultKind.MEMORY_ALARM, node="broker", duration_s=LONG_S),
    Fault(kind=FaultKind.DISK_FULL, node="broker", duration_s=LONG_S),
    Fault(kind=FaultKind.PAUSE, node="broker", duration_s=LONG_S),
    Fault(kind=FaultKind.PAUSE, node="gateway", duration_s=LONG_S),
    Fault(kind=FaultKind.CPU_HOG, node="gateway", duration_s=LONG_S),
    LinkFault(kind=LinkFaultKind.SILENT, link="*->enrollment-db", duration_s=LONG_S),
    LinkFault(kind=LinkFaultKind.REFUSED, link="gateway->courses-1", duration_s=LONG_S),
    LinkFault(kind=LinkFaultKind.LATENCY, link="*->cache", latency_ms=200, duration_s=LONG_S),
]


@pytest.fixture(scope="module", name="lab")
def _lab() -> Iterator[Deployment]:
    name = unique_name()
    try:
        yield operations.up(name, FREE_PORTS.override({"links": "on"}), owner=True)
    finally:
        operations.down(name, volumes=True)


def test_a_killed_lab_is_healed_by_hand(lab: Deployment, kills: int) -> None:
    """Killed at any moment of several faults, in each round others: one command makes every node well and leaves nothing."""
    for number in range(kills):
        chance = random.Random(number)  # noqa: S311 - which faults and when, no secret
        drawn = list({fault.where: fault for fault in chance.sample(FAULTS, 4)}.values())
        with breaking(lab, drawn):
            time.sleep(chance.uniform(0, LONGEST_WAIT_S))
        done = heal_by_command(lab)
        assert done.returncode == 0, (number, drawn, done.stdout, done.stderr)
        await_all_well(lab)
        nothing_is_left(lab)


def test_what_a_killed_lab_has_proven_is_healed_one_by_one(lab: Deployment) -> None:
    """The command names each fault and what shows that it is over; the second time there is nothing to heal."""
    faults = [
        Fault(kind=FaultKind.PAUSE, node="courses-db", duration_s=LONG_S),
        Fault(kind=FaultKind.CRASH, node="courses-1", duration_s=LONG_S),
    ]
    with breaking(lab, faults) as child:
        await_line(child, "proven")
    done = heal_by_command(lab)
    assert done.returncode == 0, done.stderr
    assert f"{lab.name}: the pause of courses-db is healed; courses-db ready" in done.stdout
    assert f"{lab.name}: the crash of courses-1 is healed; courses-1 ready" in done.stdout
    nothing_is_left(lab)
    assert "nothing to heal" in heal_by_command(lab).stdout


def test_the_faults_of_a_lab_that_is_at_work_are_left_alone(lab: Deployment) -> None:
    """Whoever injected them heals them; healing behind its back would spoil its trial."""
    with breaking(lab, [Fault(kind=FaultKind.PAUSE, node="cache", duration_s=LONG_S)]) as child:
        await_line(child, "proven")
        done = heal_by_command(lab)
        assert done.returncode == 1
        assert f"belong to process {child.pid}, which is running" in done.stderr
        assert psutil.STATUS_STOPPED in states(lab, "cache")
    heal(lab.name, lambda _: None)
    nothing_is_left(lab)
