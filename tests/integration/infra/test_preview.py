"""What a preview says of each factor, whichever engine is asked; nothing of it happens."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from infra import operations
from infra.deployment import Deployment
from infra.engines.choosing import EngineName
from infra.topology import factors
from tests.conftest import FREE_PORTS, unique_name
from tests.integration.infra.changes import OF_FACTOR
from tests.integration.infra.lives import lives

pytestmark = pytest.mark.timeout(1800)  # the CLI may have to be built first


@pytest.fixture(scope="module", params=["embedded", "pulumi"])
def deployment(request: pytest.FixtureRequest) -> Iterator[Deployment]:
    """A deployment 1/1/1 of each engine; after the tests it is as it was before."""
    engine: EngineName = request.param
    if engine == "pulumi":
        request.getfixturevalue("pulumi_cli")
    name = unique_name()
    try:
        deployment = operations.up(name, FREE_PORTS, engine=engine, owner=True)
        before = lives(deployment)
        yield deployment
        assert lives(deployment) == before
        assert operations.read(name) == deployment
    finally:
        operations.down(name, volumes=True)


def test_a_preview_of_what_is_there_is_empty(deployment: Deployment) -> None:
    """Bringing the same topology up again would change nothing."""
    assert operations.preview(deployment.name, FREE_PORTS) == []


@pytest.mark.parametrize("path", [factor.path for factor in factors()])
def test_a_factor_changes_only_what_it_should(deployment: Deployment, path: str) -> None:
    """Each factor has its entry in the table: exactly these nodes would be touched, and in this way."""
    expected = OF_FACTOR[path]
    changes = operations.preview(deployment.name, FREE_PORTS.override({path: expected.value}))
    assert {change.name: change.action for change in changes if change.kind == "Node"} == expected.nodes
    assert {change.kind for change in changes} <= {"Node", "Port", "Password"}


def test_the_preview_of_a_deployment_that_is_not_there_leaves_nothing(deployment: Deployment) -> None:
    """Everything would be created, and not even a folder is."""
    name = unique_name()
    engine: EngineName = "pulumi" if deployment.engine == "pulumi" else "embedded"
    changes = operations.preview(name, FREE_PORTS, engine=engine)
    assert {change.action for change in changes} == {"create"}
    assert {change.name for change in changes if change.kind == "Node"} == {node.name for node in deployment.nodes}
    assert name not in operations.names()
