"""An engine, the images, and the whole system from them."""

from __future__ import annotations

import gc
import warnings
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import docker
import pytest
from pulumi.runtime import mocks
from testcontainers.core.config import testcontainers_config

from infra.deployment import Deployment
from infra.docker_api import connect
from infra.engines.program import run_program
from infra.errors import DockerError
from infra.home import Home, StateRoot, read_json
from infra.images.build import BUILD_TIMEOUT_S, build
from infra.lab import declare
from infra.targets import ports
from infra.targets.docker.engine import Containers
from infra.targets.docker.names import Names
from infra.targets.docker.target import DockerTarget
from infra.topology import Topology
from tests.conftest import FREE_PORTS, unique_name
from tests.containers.engine import EngineMocks

IMAGES_TIMEOUT_S = 3600
"""For a test: the first one builds the images where `nox -s images` has not."""


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Give these tests the time to build the images."""
    for item in items:
        if item.path.is_relative_to(Path(__file__).parent):
            item.add_marker(pytest.mark.timeout(IMAGES_TIMEOUT_S))


@pytest.fixture(scope="session")
def client() -> Iterator[docker.DockerClient]:
    """The engine's API, with the images there."""
    client, reason = _connect()
    if client is None:
        pytest.skip(reason)
    testcontainers_config.ryuk_disabled = True  # its image is in a registry only; the tests remove what they start
    build(client, print)
    yield client
    client.close()


def _connect() -> tuple[docker.DockerClient | None, str]:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ResourceWarning)  # the client leaves a socket open that found nobody
        try:
            return connect(BUILD_TIMEOUT_S), ""
        except DockerError as error:
            reason = str(error)
        gc.collect()
    return None, reason


@dataclass(frozen=True)
class System:
    """The whole system in containers."""

    home: Home
    topology: Topology
    client: docker.DockerClient

    @property
    def containers(self) -> Containers:
        """Its containers in the engine."""
        return Containers(self.client, Names.of(self.home))

    def up(self) -> Deployment:
        """Carry out what the program registers."""
        program = run_program(
            lambda: declare(self.topology, DockerTarget(self.home, self.topology), self.home.name),
            mocks.MockMonitor(EngineMocks(self.client)),
            self.home.name,
        )
        return Deployment.model_validate({**program, "engine": "mocks"})

    def down(self) -> None:
        """Remove what there is, but for the data."""
        self.containers.remove_everything()
        for port, holder in read_json(self.home.root.ports_file).items():
            if holder.split()[0] == self.home.name:
                ports.release(self.home, int(port))


@pytest.fixture(scope="session")
def make_system(client: docker.DockerClient, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Callable[[Topology], System]]:
    """Systems with names of their own, of which nothing is left in the end."""
    made: list[System] = []
    root = StateRoot(tmp_path_factory.mktemp("state"))

    def make(topology: Topology) -> System:
        home = root.home(unique_name())
        home.path.mkdir(parents=True)
        made.append(System(home, topology, client))
        return made[-1]

    try:
        yield make
    finally:
        for system in made:
            system.down()
            system.containers.remove_volumes()


@pytest.fixture(scope="session")
def system(make_system: Callable[[Topology], System]) -> System:
    """The one that tests share: two replicas of courses, one of the rest."""
    return make_system(FREE_PORTS.override({"courses.replicas": 2}))


@pytest.fixture(scope="session")
def deployment(system: System) -> Deployment:
    """The shared system, up."""
    return system.up()
