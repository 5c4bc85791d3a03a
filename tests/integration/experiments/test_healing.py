"""A lab that is killed while it breaks a deployment: everything is healed by hand afterwards, and nothing is left behind."""

from __future__ import annotations

import random
import select
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence

import psutil
import pytest

from experiments.definition import Fault, FaultKind, LinkFault, LinkFaultKind
from experiments.faults import hog
from experiments.healing import heal, journal_of
from infra import operations
from infra.deployment import Deployment
from tests.conftest import FREE_PORTS, unique_name

PATIENCE_S = 120.0
LONGEST_WAIT_S = 6.0
"""From the first injection to the kill; some faults are proven by then, others not yet injected."""
LONG_S = 600.0
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


def _start(lab: Deployment, faults: Sequence[Fault | LinkFault]) -> subprocess.Popen[str]:
    command = [sys.executable, "-m", "tests.integration.experiments.lab_to_kill", lab.name]
    return subprocess.Popen([*command, *(fault.model_dump_json() for fault in faults)], stdout=subprocess.PIPE, text=True)


def _await_line(child: subprocess.Popen[str], line: str) -> None:
    assert child.stdout is not None
    ready, _, _ = select.select([child.stdout], [], [], PATIENCE_S)
    assert ready, f"no {line!r} in time"
    assert child.stdout.readline().strip() == line


def _end(child: subprocess.Popen[str]) -> None:
    child.kill()
    child.wait()
    assert child.stdout is not None
    child.stdout.close()


def _all_well(lab: Deployment) -> None:
    """Every node is healthy, services too that have to find their database again."""
    deadline = time.monotonic() + PATIENCE_S
    while ill := [status.node.name for status in operations.status(lab.name) if not status.healthy]:
        assert time.monotonic() < deadline, ill
        time.sleep(0.2)


def _nothing_left(lab: Deployment) -> None:
    for node in lab.nodes:
        assert psutil.STATUS_STOPPED not in {process.status() for process in operations.processes(lab, node.name)}
    deadline = time.monotonic() + PATIENCE_S
    while any({hog.__name__, f"{lab.name}:gateway"} <= set(process.info["cmdline"] or ()) for process in psutil.process_iter(["cmdline"])):
        assert time.monotonic() < deadline, "a hog outlived its lab"
        time.sleep(0.1)
    assert journal_of(lab.name).entries() == {}


def _command(lab: Deployment) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "experiments", "heal", "--name", lab.name]
    return subprocess.run(command, check=False, capture_output=True, text=True, timeout=PATIENCE_S * 2)


def test_a_killed_lab_is_healed_by_hand(lab: Deployment, kills: int) -> None:
    """Killed at any moment of several faults, in each round others: one command makes every node well and leaves nothing."""
    for number in range(kills):
        chance = random.Random(number)  # noqa: S311 - which faults and when, no secret
        drawn = list({fault.where: fault for fault in chance.sample(FAULTS, 4)}.values())
        child = _start(lab, drawn)
        try:
            _await_line(child, "begins")
            time.sleep(chance.uniform(0, LONGEST_WAIT_S))
        finally:
            _end(child)
        done = _command(lab)
        assert done.returncode == 0, (number, drawn, done.stdout, done.stderr)
        _all_well(lab)
        _nothing_left(lab)


def test_what_a_killed_lab_has_proven_is_healed_one_by_one(lab: Deployment) -> None:
    """The command names each fault and what shows that it is over; the second time there is nothing to heal."""
    faults = [
        Fault(kind=FaultKind.PAUSE, node="courses-db", duration_s=LONG_S),
        Fault(kind=FaultKind.CRASH, node="courses-1", duration_s=LONG_S),
    ]
    child = _start(lab, faults)
    try:
        _await_line(child, "begins")
        _await_line(child, "proven")
    finally:
        _end(child)
    done = _command(lab)
    assert done.returncode == 0, done.stderr
    assert f"{lab.name}: the pause of courses-db is healed; courses-db ready" in done.stdout
    assert f"{lab.name}: the crash of courses-1 is healed; courses-1 ready" in done.stdout
    _nothing_left(lab)
    assert "nothing to heal" in _command(lab).stdout


def test_the_faults_of_a_lab_that_is_at_work_are_left_alone(lab: Deployment) -> None:
    """Whoever injected them heals them; healing behind its back would spoil its trial."""
    child = _start(lab, [Fault(kind=FaultKind.PAUSE, node="cache", duration_s=LONG_S)])
    try:
        _await_line(child, "begins")
        _await_line(child, "proven")
        done = _command(lab)
        assert done.returncode == 1
        assert f"belong to process {child.pid}, which is running" in done.stderr
        assert psutil.STATUS_STOPPED in {process.status() for process in operations.processes(lab, "cache")}
    finally:
        _end(child)
    heal(lab.name, lambda _: None)
    _nothing_left(lab)
