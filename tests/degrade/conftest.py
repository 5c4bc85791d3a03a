"""The system that every test here breaks and leaves healed."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from infra import operations
from tests.conftest import FREE_PORTS, unique_name
from tests.degrade.system import System

REPLICATED = FREE_PORTS.override({"courses.replicas": 2, "enrollment.replicas": 2, "worker.replicas": 2})


@pytest.fixture(scope="package")
def shared_system() -> Iterator[System]:
    """One deployment for all these tests, with a second replica of what a test restarts under load."""
    name = unique_name()
    try:
        system = System(operations.up(name, REPLICATED, owner=True))
        yield system
        system.close()
    finally:
        operations.down(name, volumes=True)


@pytest.fixture
def system(shared_system: System) -> Iterator[System]:
    """The shared deployment; whatever the test did to it, it must heal by itself once everything runs again."""
    yield shared_system
    shared_system.healed()
