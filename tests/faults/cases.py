"""Faults to try, and how to make and undo one."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator

import psutil

from experiments.definition import Fault, FaultKind, LinkFault, LinkFaultKind, targets
from experiments.definition.faults import INSTANT
from experiments.faults.interfaces import Disturbance
from experiments.faults.making import disturbance
from infra import operations
from infra.deployment import Deployment
from infra.links.conditions import Direction

SHORT_S = 1.0
_SETTINGS: dict[LinkFaultKind, dict[str, float]] = {
    LinkFaultKind.LATENCY: {"latency_ms": 100, "jitter_ms": 20},
    LinkFaultKind.BANDWIDTH: {"bandwidth_kib_per_s": 64},
}
_HELD_BY_THE_LAB = {FaultKind.CONNECTION_EXHAUSTION, FaultKind.CPU_HOG}


def of_node(kind: FaultKind, node: str) -> Fault:
    """A fault of a node, or of a group's."""
    return Fault(kind=kind, node=node, duration_s=0 if kind in INSTANT else SHORT_S)


def of_link(kind: LinkFaultKind, link: str, direction: Direction = Direction.BOTH) -> LinkFault:
    """A fault of a link, noticeable."""
    return LinkFault.model_validate({"kind": kind, "link": link, "direction": direction, "duration_s": SHORT_S, **_SETTINGS.get(kind, {})})


OF_EACH_KIND: tuple[Fault | LinkFault, ...] = (
    of_node(FaultKind.CRASH, "courses-*"),
    of_node(FaultKind.CRASH, "broker"),
    of_node(FaultKind.STOP, "courses-db"),
    of_node(FaultKind.PAUSE, "gateway"),
    of_node(FaultKind.RESTART, "cache"),
    of_node(FaultKind.SLOW_START, "worker-1"),
    of_node(FaultKind.ROLLING_RESTART, "courses-*"),
    of_node(FaultKind.CPU_HOG, "courses-db"),
    of_node(FaultKind.DISK_FULL, "courses-db"),
    of_node(FaultKind.DISK_FULL, "broker"),
    of_node(FaultKind.CONNECTION_EXHAUSTION, "courses-db"),
    of_node(FaultKind.MEMORY_ALARM, "broker"),
    of_node(FaultKind.QUEUE_LOSS, "broker"),
    of_node(FaultKind.FLUSH, "cache"),
    of_node(FaultKind.MEMORY_FULL, "cache"),
    of_node(FaultKind.RELOAD, "gateway"),
    of_link(LinkFaultKind.LATENCY, "courses-1->courses-db"),
    of_link(LinkFaultKind.LATENCY, "*->cache", Direction.TO_SERVER),
    of_link(LinkFaultKind.BANDWIDTH, "gateway->courses-1"),
    of_link(LinkFaultKind.SILENT, "worker-1->broker"),
    of_link(LinkFaultKind.SILENT, "courses-1->courses-db", Direction.TO_CLIENT),
    of_link(LinkFaultKind.REFUSED, "enrollment-1->gateway"),
    of_link(LinkFaultKind.RESET, "courses-1->cache"),
)
"""On what it fits, of a system with two replicas of courses, and links."""


def make(lab: Deployment, fault: Fault | LinkFault) -> Disturbance:
    """What carries it out on the deployment as it is now."""
    return disturbance(fault, targets(fault, lab.topology), operations.read(lab.name), operations.control(lab.name))


@contextlib.contextmanager
def healed(lab: Deployment, fault: Fault | LinkFault) -> Iterator[Disturbance]:
    """A fault that is healed in the end by another object than the one that injected it, as after a crash of the lab."""
    found = make(lab, fault)
    try:
        yield found
    finally:
        if fault.kind in _HELD_BY_THE_LAB:
            found.heal()  # what the lab itself holds goes with it; here it stays
        make(lab, fault).heal()


def happens_and_is_healed(lab: Deployment, fault: Fault | LinkFault) -> str:
    """It is proven, the heal by another object makes all well, and a second heal is harmless; the proof."""
    with healed(lab, fault) as injected:
        injected.inject()
        proof = injected.proof()
    again = make(lab, fault)
    assert again.health()
    again.heal()
    assert again.health()
    return proof


def states(lab: Deployment, node: str) -> set[str]:
    """What the kernel says of the node's processes."""
    return {process.status() for process in operations.processes(lab, node)}


def none_is_stopped(lab: Deployment) -> bool:
    """No process of the whole deployment is held still."""
    return not any(psutil.STATUS_STOPPED in states(lab, node.name) for node in lab.nodes)
