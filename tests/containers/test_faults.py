"""Faults of every kind in containers, as a bench carries them out; and what a killed lab leaves there is healed."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import closing

import pytest

from experiments.definition import Fault, FaultKind, LinkFault, LinkFaultKind, targets
from experiments.faults.schedule import FaultSchedule, Surroundings
from experiments.healing import journal_of
from infra.deployment import Deployment
from infra.topology import Topology
from tests.conftest import FREE_PORTS
from tests.containers.conftest import System
from tests.contract.client import Client
from tests.faults.cases import OF_EACH_KIND, make, none_is_stopped
from tests.faults.killing import LONG_S, await_all_well, await_line, breaking, heal_by_command, nothing_is_left

LEFT_BROKEN: tuple[Fault | LinkFault, ...] = (
    Fault(kind=FaultKind.PAUSE, node="courses-1", duration_s=LONG_S),
    Fault(kind=FaultKind.STOP, node="students-1", duration_s=LONG_S),
    Fault(kind=FaultKind.CRASH, node="students-db", duration_s=LONG_S),
    Fault(kind=FaultKind.DISK_FULL, node="courses-db", duration_s=LONG_S),
    Fault(kind=FaultKind.DISK_FULL, node="broker", duration_s=LONG_S),
    LinkFault(kind=LinkFaultKind.SILENT, link="*->enrollment-db", duration_s=LONG_S),
)


@pytest.fixture(scope="module")
def broken(make_system: Callable[[Topology], System]) -> Iterator[System]:
    """A system of its own, with links, for it is broken."""
    system = make_system(FREE_PORTS.override({"courses.replicas": 2, "links": "on"}))
    yield system
    system.down(volumes=True)


@pytest.fixture(scope="module")
def lab(broken: System) -> Deployment:
    """The system, up."""
    return broken.up()


def test_every_kind_is_tried() -> None:
    """A kind that is added has to be added to the cases."""
    assert {fault.kind for fault in OF_EACH_KIND} == {*FaultKind, *LinkFaultKind}


@pytest.mark.parametrize("fault", OF_EACH_KIND, ids=lambda fault: fault.title)
def test_a_fault_happens_in_containers_and_is_healed(lab: Deployment, fault: Fault | LinkFault) -> None:
    """It is proven, healed, and seen to be healed, and nothing of it is left to heal."""
    around = Surroundings(make=lambda planned, _: make(lab, planned), journal=journal_of(lab.name), note=lambda _: None)
    schedule = FaultSchedule([(fault, targets(fault, lab.topology))], around)
    schedule.start(time.monotonic())
    while not schedule.problems() and schedule.records()[0].ready_s is None:
        time.sleep(0.05)
    schedule.stop()
    assert schedule.problems() == ()
    (record,) = schedule.records()
    assert record.proof
    assert journal_of(lab.name).entries() == {}
    assert none_is_stopped(lab)


def test_what_a_killed_lab_leaves_in_containers_is_healed_by_hand(lab: Deployment) -> None:
    """Paused, stopped, killed, without room on a disk, behind a silent link: one command makes every node well."""
    with breaking(lab, LEFT_BROKEN) as child:
        await_line(child, "proven")
    done = heal_by_command(lab)
    assert done.returncode == 0, (done.stdout, done.stderr)
    await_all_well(lab)
    nothing_is_left(lab)
    with closing(Client(lab.endpoints.gateway_url)) as users:
        assert users.enrolled(users.student()["id"], users.course()["id"])["status"] == "enrolled"
