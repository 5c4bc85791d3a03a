"""Faults of links in a deployment that has them: each shows in an exchange through the link, and the system works before and after."""

from __future__ import annotations

import time
import urllib.request
from collections.abc import Iterator
from http import HTTPStatus
from urllib.error import HTTPError

import pytest

from experiments.definition import LinkFaultKind
from experiments.errors import FaultError
from infra import operations
from infra.deployment import Deployment
from infra.links.conditions import Direction
from infra.links.edges import edges
from tests.conftest import FREE_PORTS, unique_name
from tests.faults.cases import happens_and_is_healed, make, of_link

PATIENCE_S = 30.0
SERVERS = ("gateway->courses-1", "courses-1->courses-db", "courses-1->cache", "worker-1->broker", "enrollment-1->gateway")
"""A link to each kind of server."""
ONE_WAY = [
    (kind, direction) for kind in (LinkFaultKind.LATENCY, LinkFaultKind.SILENT) for direction in (Direction.TO_SERVER, Direction.TO_CLIENT)
]


@pytest.fixture(scope="module", name="lab")
def _lab() -> Iterator[Deployment]:
    name = unique_name()
    try:
        yield operations.up(name, FREE_PORTS.override({"links": "on"}), owner=True)
    finally:
        operations.down(name, volumes=True)


def status_of(lab: Deployment, path: str) -> int:
    """What a client gets."""
    try:
        with urllib.request.urlopen(lab.endpoints.gateway_url + path, timeout=PATIENCE_S) as answer:  # noqa: S310 - http to this machine
            return int(answer.status)
    except HTTPError as error:
        with error:
            return error.code


def wait_for(lab: Deployment, path: str, status: int) -> None:
    """Until a client gets that."""
    deadline = time.monotonic() + PATIENCE_S
    while (found := status_of(lab, path)) != status:
        assert time.monotonic() < deadline, found
        time.sleep(0.1)


def test_the_system_works_through_its_links(lab: Deployment) -> None:
    """Every edge of the topology has a link, and every service is ready and answers through them."""
    assert {link.name for link in lab.links} == {edge.name for edge in edges(lab.topology)}
    assert all(node.healthy for node in operations.status(lab.name))
    assert {status_of(lab, path) for path in ("/courses?limit=1", "/students?limit=1", "/enroll/student/1")} == {HTTPStatus.OK}


@pytest.mark.parametrize("link", SERVERS)
@pytest.mark.parametrize("kind", list(LinkFaultKind))
def test_a_link_fault_happens_and_is_healed(lab: Deployment, kind: LinkFaultKind, link: str) -> None:
    """It is proven by an exchange with the server behind it, and another object than the one that injected it heals it."""
    assert link in happens_and_is_healed(lab, of_link(kind, link))


@pytest.mark.parametrize(("kind", "direction"), ONE_WAY)
def test_one_way_is_enough(lab: Deployment, kind: LinkFaultKind, direction: Direction) -> None:
    """What holds one way only shows in an exchange too."""
    assert happens_and_is_healed(lab, of_link(kind, "courses-1->cache", direction))


@pytest.mark.parametrize("kind", list(LinkFaultKind))
def test_a_link_fault_that_is_healed_too_early_has_no_proof(lab: Deployment, kind: LinkFaultKind) -> None:
    """Somebody who makes the link normal behind the lab's back is found out."""
    fault = make(lab, of_link(kind, "courses-1->courses-db"))
    try:
        fault.inject()
        make(lab, of_link(kind, "courses-1->courses-db")).heal()
        with pytest.raises(FaultError):
            fault.proof()
    finally:
        fault.heal()


def test_a_link_that_is_not_healed_is_not_healthy(lab: Deployment) -> None:
    """Health is looked at, not assumed."""
    fault = make(lab, of_link(LinkFaultKind.REFUSED, "courses-1->courses-db"))
    try:
        fault.inject()
        with pytest.raises(FaultError, match="is not normal"):
            fault.health()
    finally:
        fault.heal()


def test_clients_notice_a_link_that_is_gone_and_that_it_is_back(lab: Deployment) -> None:
    """Without its replica behind the gateway a service is unavailable; healed, it answers."""
    fault = make(lab, of_link(LinkFaultKind.REFUSED, "gateway->students-*"))
    try:
        fault.inject()
        wait_for(lab, "/students?limit=1", HTTPStatus.SERVICE_UNAVAILABLE)
    finally:
        fault.heal()
    wait_for(lab, "/students?limit=1", HTTPStatus.OK)
