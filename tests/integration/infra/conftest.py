"""The Pulumi CLI, for the tests that take the real engine."""

from __future__ import annotations

import pytest

from infra.errors import InfraError
from infra.toolchain import Tool, ensure_pulumi


@pytest.fixture(scope="session")
def pulumi_cli() -> Tool:
    """The CLI of this machine, got first where that is possible."""
    try:
        return ensure_pulumi(print)
    except InfraError as error:
        pytest.skip(str(error))
