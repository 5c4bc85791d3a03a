"""An engine, the images, and the whole system from them."""

from __future__ import annotations

import gc
import warnings
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import docker
import pytest
from docker.models.containers import Container
from testcontainers.core.config import testcontainers_config

from infra import operations
from infra.deployment import Deployment
from infra.docker_api import connect
from infra.errors import DockerError
from infra.home import Home, StateRoot
from infra.images.build import BUILD_TIMEOUT_S, build
from infra.settings import Settings
from infra.targets.docker.engine import Containers
from infra.targets.docker.names import Names
from infra.topology import Topology
from tests.conftest import FREE_PORTS, unique_name

READY_TIMEOUT_S = 180
"""For a node: a dozen containers start at once, and the machine may have other work."""
IMAGES_TIMEOUT_S = 3600
"""For a test: the first one builds the images where `nox -s images` has not."""


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Give these tests the time to build the images."""
    for item in items:
        if item.path.is_relative_to(Path(__file__).parent):
            item.add_marker(pytest.mark.timeout(IMAGES_TIMEOUT_S))


@pytest.fixture(scope="package")
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
    """The whole system in containers, made by the embedded engine, which takes no Pulumi CLI."""

    name: str
    topology: Topology
    client: docker.DockerClient

    @property
    def home(self) -> Home:
        """Its folder."""
        return StateRoot(Settings().state_dir).home(self.name)

    @property
    def containers(self) -> Containers:
        """Its containers in the engine."""
        return Containers(self.client, Names.of(self.home))

    def up(self) -> Deployment:
        """Bring it up, or what there is of it to the topology."""
        return operations.up(self.name, self.topology, engine="embedded", target="docker", owner=True)

    def down(self, *, volumes: bool = False) -> None:
        """Remove what there is, but for the data."""
        operations.down(self.name, volumes=volumes)


def run(container: Container, command: str) -> tuple[int, str]:
    """A shell command as the container's user."""
    code, output = container.exec_run(["bash", "-c", command])
    assert isinstance(output, bytes)
    return code or 0, output.decode().strip()


def connects(container: Container, host: str, port: int) -> bool:
    """Whether what runs in the container can connect there."""
    return run(container, f"timeout 3 bash -c ': < /dev/tcp/{host}/{port}'")[0] == 0


@pytest.fixture(scope="package")
def make_system(client: docker.DockerClient) -> Iterator[Callable[[Topology], System]]:
    """Systems with names of their own, of which nothing is left in the end."""
    made: list[System] = []

    def make(topology: Topology) -> System:
        made.append(System(unique_name(), topology, client))
        return made[-1]

    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("SPIRELAB_READY_TIMEOUT_S", str(READY_TIMEOUT_S))
        try:
            yield make
        finally:
            for system in made:
                system.down(volumes=True)


@pytest.fixture(scope="package")
def system(make_system: Callable[[Topology], System]) -> System:
    """The one that tests share: two replicas of courses, one of the rest."""
    return make_system(FREE_PORTS.override({"courses.replicas": 2}))


@pytest.fixture(scope="package")
def deployment(system: System) -> Deployment:
    """The shared system, up."""
    return system.up()
