"""What tests of every room share."""

from __future__ import annotations

import os
import secrets
from collections.abc import Iterator

import pytest
from hypothesis import settings

from infra.deployment import Deployment
from infra.topology import Topology

settings.register_profile("spirelab", deadline=None)  # the machine is shared: nothing is judged by how long it took
settings.load_profile("spirelab")

FREE_PORTS = Topology().override({"gateway.port": 0, "broker.management_port": 0})
"""The reference topology beside any number of others on this machine."""


def pytest_addoption(parser: pytest.Parser) -> None:
    """``--kills 100`` shows what three rounds only suggest."""
    parser.addoption("--kills", type=int, default=3, help="rounds in which a lab is killed while it breaks a deployment")


@pytest.fixture
def kills(request: pytest.FixtureRequest) -> int:
    """Rounds in which a lab is killed."""
    return int(request.config.getoption("--kills"))


def unique_name() -> str:
    """A name for a deployment that no other test run has."""
    return f"test-{os.getpid()}-{secrets.token_hex(3)}"


@pytest.fixture(scope="session")
def lab() -> Iterator[Deployment]:
    """A deployment 1/1/1 of the run's own, for tests that leave it as it is; taken down with its data."""
    from infra import operations  # noqa: PLC0415 - brings Pulumi, which unit tests do without

    name = unique_name()
    try:
        yield operations.up(name, FREE_PORTS, owner=True)
    finally:
        operations.down(name, volumes=True)
