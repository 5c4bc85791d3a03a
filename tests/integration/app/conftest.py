"""The deployment of these tests, and addresses that it tells nobody; they come from the environment of a service."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from pydantic import SecretStr

from infra import operations
from infra.deployment import Deployment
from tests.conftest import FREE_PORTS
from tests.deployed import deployed


@pytest.fixture(scope="package")
def lab() -> Iterator[Deployment]:
    """The system 1/1/1, which the tests leave as it is; taken down with its data."""
    with deployed(FREE_PORTS) as deployment:
        yield deployment


@pytest.fixture(scope="package")
def environment(lab: Deployment) -> dict[str, SecretStr]:
    """What an enrollment replica was told of its database and its broker."""
    main, *_ = operations.processes(lab, "enrollment-1")
    environ = main.environ()
    return {name: SecretStr(environ[name]) for name in ("SPIRE_DATABASE_URL", "SPIRE_BROKER_URL")}
