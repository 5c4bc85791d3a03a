"""A deployment whose nodes these tests break, and mend again."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Iterator, Sequence
from pathlib import Path

import httpx
import pytest

from infra import operations
from infra.deployment import Deployment
from infra.settings import Settings
from tests.conftest import FREE_PORTS
from tests.deployed import deployed

DATABASES = ("courses-db", "students-db", "enrollment-db")


@pytest.fixture(scope="package")
def target() -> Iterator[Deployment]:
    """The system 1/1/1."""
    with deployed(FREE_PORTS) as deployment:
        yield deployment


@pytest.fixture(scope="package")
def home(target: Deployment) -> Path:
    """The folder of the deployment."""
    return Settings().state_dir / "deployments" / target.name


@pytest.fixture(scope="package")
def passwords(target: Deployment, home: Path) -> frozenset[str]:
    """Every secret of the deployment: of its servers, and of its supervisor."""
    generated = json.loads((home / "secrets.json").read_text(encoding="utf-8"))
    supervisor = json.loads((home / "supervisor" / "access.json").read_text(encoding="utf-8"))
    found = frozenset((*generated.values(), supervisor["password"]))
    assert len(found) == len(generated) + 1 > len(target.topology.services()) * 2
    return found


@pytest.fixture(scope="package")
def http(target: Deployment) -> Iterator[httpx.Client]:
    """A client of the gateway."""
    with httpx.Client(base_url=target.endpoints.gateway_url, timeout=20, trust_env=False) as client:
        yield client


@contextlib.contextmanager
def without(deployment: Deployment, nodes: Sequence[str]) -> Iterator[None]:
    """Those nodes are dead for a while."""
    try:
        for node in nodes:
            operations.kill_node(deployment.name, node)
        yield
    finally:
        for node in nodes:
            operations.start_node(deployment.name, node)
