"""The deployment of the races."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from infra import operations
from infra.deployment import Deployment
from tests.conftest import FREE_PORTS
from tests.contract.client import Broker
from tests.deployed import deployed

SCALED = {"courses.replicas": 2, "students.replicas": 2, "enrollment.replicas": 4, "worker.replicas": 3}


@pytest.fixture(scope="package")
def lab() -> Iterator[Deployment]:
    """The system scaled out, removed in the end."""
    with deployed(FREE_PORTS.override(SCALED)) as deployment:
        yield deployment


@pytest.fixture(scope="module")
def broker(lab: Deployment) -> Iterator[Broker]:
    """The broker as the services reach it, for one module: it closes a connection that is silent for long."""
    main, *_ = operations.processes(lab, "enrollment-1")
    broker = Broker(main.environ()["SPIRE_BROKER_URL"])
    yield broker
    broker.close()
