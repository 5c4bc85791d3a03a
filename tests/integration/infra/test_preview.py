"""What a preview says of each factor, whichever engine is asked; nothing of it happens."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from infra import operations
from infra.deployment import Deployment
from infra.engines.choosing import EngineName
from infra.toolchain import Tool
from infra.topology import factors
from tests.conftest import FREE_PORTS, unique_name
from tests.integration.infra.changes import OF_EACH_KIND, OF_FACTOR
from tests.integration.infra.lives import lives

pytestmark = pytest.mark.timeout(1800)  # the CLI may have to be built first


def _made_by(engine: EngineName) -> Iterator[Deployment]:
    """A deployment 1/1/1; after the tests it is as it was before."""
    name = unique_name()
    try:
        deployment = operations.up(name, FREE_PORTS, engine=engine, owner=True)
        before = lives(deployment)
        yield deployment
        assert lives(deployment) == before
        assert operations.read(name) == deployment
    finally:
        operations.down(name, volumes=True)


@pytest.fixture(scope="module")
def embedded() -> Iterator[Deployment]:
    """Made by the embedded engine."""
    yield from _made_by("embedded")


@pytest.fixture(scope="module")
def by_pulumi(pulumi_cli: Tool) -> Iterator[Deployment]:
    """Made by the CLI."""
    del pulumi_cli
    yield from _made_by("pulumi")


def _agrees_with_the_table(deployment: Deployment, path: str) -> None:
    expected = OF_FACTOR[path]
    changes = operations.preview(deployment.name, FREE_PORTS.override({path: expected.value}))
    assert {change.name: change.action for change in changes if change.kind == "Node"} == expected.nodes
    assert {change.kind for change in changes} <= {"Node", "Port", "Password"}


@pytest.mark.parametrize("path", [factor.path for factor in factors()])
def test_a_factor_changes_only_what_it_should(embedded: Deployment, path: str) -> None:
    """Each factor has its entry in the table: exactly these nodes would be touched, and in this way."""
    _agrees_with_the_table(embedded, path)


@pytest.mark.parametrize("path", OF_EACH_KIND)
def test_the_real_engine_says_the_same(by_pulumi: Deployment, path: str) -> None:
    """Of factors that between them do all that can be done; the CLI takes seconds for each."""
    _agrees_with_the_table(by_pulumi, path)


@pytest.mark.parametrize("maker", ["embedded", "by_pulumi"])
def test_a_preview_of_what_is_there_is_empty_and_of_what_is_not_leaves_nothing(request: pytest.FixtureRequest, maker: str) -> None:
    """The same topology again would change nothing; for another deployment everything would be created, and not even a folder is."""
    deployment: Deployment = request.getfixturevalue(maker)
    assert operations.preview(deployment.name, FREE_PORTS) == []
    name = unique_name()
    engine: EngineName = "pulumi" if deployment.engine == "pulumi" else "embedded"
    changes = operations.preview(name, FREE_PORTS, engine=engine)
    assert {change.action for change in changes} == {"create"}
    assert {change.name for change in changes if change.kind == "Node"} == {node.name for node in deployment.nodes}
    assert name not in operations.names()
