"""A deployment that Schemathesis may fill with anything."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from infra import operations
from infra.deployment import Deployment
from tests.conftest import FREE_PORTS, unique_name

SERVICES = ("courses", "students", "enrollment")


@pytest.fixture(scope="package")
def fuzzed_name() -> Iterator[str]:
    """The name of the one deployment of these tests, which is removed in the end."""
    name = unique_name()
    try:
        yield name
    finally:
        operations.down(name, volumes=True)


@pytest.fixture(scope="package", params=("on", "off"), ids=("fast", "framework"))
def fuzzed(request: pytest.FixtureRequest, fuzzed_name: str) -> Deployment:
    """The system 1/1/1, once with its fast paths and once with every request going through the framework."""
    topology = FREE_PORTS.override({f"{service}.fast_paths": request.param for service in SERVICES})
    return operations.up(fuzzed_name, topology, owner=True)
