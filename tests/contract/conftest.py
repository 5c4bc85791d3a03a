"""Clients of the deployed system, for every contract test."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from infra import operations
from infra.deployment import Deployment
from tests.conftest import FREE_PORTS, unique_name
from tests.contract.client import Broker, Client

SERVICES = ("courses", "students", "enrollment")


@pytest.fixture(scope="package")
def deployment_name() -> Iterator[str]:
    """The name of the one deployment of all contract tests, which is removed in the end."""
    name = unique_name()
    try:
        yield name
    finally:
        operations.down(name, volumes=True)


@pytest.fixture(scope="package", params=("on", "off"), ids=("fast", "framework"))
def lab(request: pytest.FixtureRequest, deployment_name: str) -> Deployment:
    """The system 1/1/1, once with its fast paths and once with every request going through the framework: one contract for both."""
    topology = FREE_PORTS.override({f"{service}.fast_paths": request.param for service in SERVICES})
    return operations.up(deployment_name, topology, owner=True)


@pytest.fixture(scope="package")
def client(lab: Deployment) -> Iterator[Client]:
    """A client of the gateway."""
    client = Client(lab.endpoints.gateway_url)
    yield client
    client.close()


@pytest.fixture(scope="package")
def service_urls(lab: Deployment) -> dict[str, str]:
    """The first replica of each service, past the gateway."""
    nodes = {name: lab.node(f"{name}-1") for name in ("courses", "students", "enrollment")}
    return {name: f"http://{node.host}:{node.port}" for name, node in nodes.items()}


@pytest.fixture(scope="module")
def broker(lab: Deployment) -> Iterator[Broker]:
    """The broker as the services reach it; a deployment tells nobody that address, so it comes from a service's environment.

    Connected for one module, because the broker closes a connection that is silent for long.
    """
    main, *_ = operations.processes(lab, "enrollment-1")
    broker = Broker(main.environ()["SPIRE_BROKER_URL"])
    yield broker
    broker.close()
