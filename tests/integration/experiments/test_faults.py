"""Every fault of a node against real servers: it happens, proves itself, is healed, and the servers are well again."""

from __future__ import annotations

from collections.abc import Iterator

import psutil
import pytest

from experiments.definition import FaultKind, Part, parts
from experiments.definition.faults import INSTANT
from experiments.errors import FaultError
from experiments.faults import hog
from experiments.faults.redis import MARKER
from experiments.probes.redis import connect
from infra import operations
from infra.deployment import Deployment
from tests.conftest import FREE_PORTS, unique_name
from tests.faults.cases import happens_and_is_healed, healed, make, none_is_stopped, of_node

CASES = [
    *(
        (kind, node)
        for kind in (FaultKind.CRASH, FaultKind.STOP, FaultKind.PAUSE, FaultKind.RESTART)
        for node in ("courses-1", "courses-*")
    ),
    *((FaultKind.CRASH, node) for node in ("courses-db", "cache", "broker", "gateway", "worker-1")),
    *((FaultKind.STOP, node) for node in ("courses-db", "cache", "broker", "gateway", "worker-1")),
    *((FaultKind.PAUSE, node) for node in ("courses-db", "cache", "broker", "gateway", "worker-1")),
    *((FaultKind.SLOW_START, node) for node in ("courses-*", "courses-db", "broker", "worker-1")),
    (FaultKind.ROLLING_RESTART, "courses-*"),
    (FaultKind.CPU_HOG, "courses-db"),
    (FaultKind.DISK_FULL, "courses-db"),
    (FaultKind.DISK_FULL, "broker"),
    (FaultKind.CONNECTION_EXHAUSTION, "courses-db"),
    (FaultKind.MEMORY_ALARM, "broker"),
    (FaultKind.QUEUE_LOSS, "broker"),
    (FaultKind.FLUSH, "cache"),
    (FaultKind.MEMORY_FULL, "cache"),
    (FaultKind.RELOAD, "gateway"),
]
LASTING = [(kind, node) for kind, node in CASES if kind not in INSTANT and node in {"courses-1", "courses-db", "cache", "broker"}]


@pytest.fixture(scope="module", name="lab")
def _lab() -> Iterator[Deployment]:
    name = unique_name()
    try:
        yield operations.up(name, FREE_PORTS.override({"courses.replicas": 2}), owner=True)
    finally:
        operations.down(name, volumes=True)


def test_every_kind_is_tried(lab: Deployment) -> None:
    """A kind that is added has to be added to the cases, and each part of the system is killed, stopped and paused."""
    assert {kind for kind, _ in CASES} == set(FaultKind)
    known = parts(lab.topology)
    for kind in (FaultKind.CRASH, FaultKind.STOP, FaultKind.PAUSE):
        assert {known[node] for tried, node in CASES if tried is kind and node in known} == set(Part)


@pytest.mark.parametrize(("kind", "node"), CASES)
def test_a_fault_happens_and_is_healed(lab: Deployment, kind: FaultKind, node: str) -> None:
    """It is proven, the heal by another object makes the node well, and a second heal is harmless."""
    assert happens_and_is_healed(lab, of_node(kind, node))
    assert none_is_stopped(lab)


@pytest.mark.parametrize(("kind", "node"), LASTING)
def test_a_fault_that_is_healed_too_early_has_no_proof(lab: Deployment, kind: FaultKind, node: str) -> None:
    """Somebody who undoes it behind the lab's back is found out."""
    with healed(lab, of_node(kind, node)) as fault:
        fault.inject()
        if kind is FaultKind.CONNECTION_EXHAUSTION:
            fault.heal()
        early = make(lab, of_node(kind, node))
        early.heal()
        assert early.health()
        with pytest.raises(FaultError):
            fault.proof()


def test_a_flush_that_did_not_happen_has_no_proof(lab: Deployment) -> None:
    """A key that outlived it is found."""
    with healed(lab, of_node(FaultKind.FLUSH, "cache")) as fault:
        fault.inject()
        assert lab.credentials.cache_url is not None
        with connect(lab.credentials.cache_url) as client:
            client.set(MARKER, 1)
        with pytest.raises(FaultError, match="is still in cache"):
            fault.proof()


def test_no_hog_is_left(lab: Deployment) -> None:
    """The busy loops of all tests have ended."""
    label = f"{lab.name}:courses-db"
    assert not [process for process in psutil.process_iter(["cmdline"]) if {hog.__name__, label} <= set(process.info["cmdline"] or ())]
