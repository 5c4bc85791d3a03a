"""Addresses that a deployment tells nobody; they come from the environment of a service."""

from __future__ import annotations

import pytest
from pydantic import SecretStr

from infra import operations
from infra.deployment import Deployment


@pytest.fixture(scope="session")
def environment(lab: Deployment) -> dict[str, SecretStr]:
    """What an enrollment replica was told of its database and its broker."""
    main, *_ = operations.processes(lab, "enrollment-1")
    environ = main.environ()
    return {name: SecretStr(environ[name]) for name in ("SPIRE_DATABASE_URL", "SPIRE_BROKER_URL")}
