"""A whole life of containers under the real engine: made, left alone, scaled, broken behind its back, mended, measured, removed."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import docker
import pytest

from infra import operations
from infra.composition import why_no_docker
from infra.deployment import Deployment
from infra.docker_api import connect
from infra.engines.engine import Action, Change
from infra.settings import REPOSITORY
from infra.targets.docker.names import DEPLOYMENT_LABEL, NODE_LABEL
from infra.topology import Topology
from tests.conftest import FREE_PORTS, unique_name

SCALED = FREE_PORTS.override({"courses.replicas": 3, "students.replicas": 2, "enrollment.replicas": 2, "cache": "off"})
LONG_S = 1800

pytestmark = [
    pytest.mark.skipif(bool(why_no_docker()), reason=f"the docker target can't be brought up here: {why_no_docker()}"),
    pytest.mark.timeout(LONG_S),
]


@pytest.fixture(scope="module")
def name() -> Iterator[str]:
    """The name of the one deployment of these tests, which is removed in the end."""
    name = unique_name()
    try:
        yield name
    finally:
        operations.down(name, volumes=True)


@pytest.fixture(scope="module")
def deployment(name: str) -> Deployment:
    """The system 1/1/1, just made."""
    return _up(name, FREE_PORTS)


def _up(name: str, topology: Topology) -> Deployment:
    return operations.up(name, topology, target="docker", owner=True)


def _containers(name: str) -> dict[str, str]:
    """Ids by node, as the engine has them."""
    found = connect().containers.list(all=True)
    return {each.labels[NODE_LABEL]: str(each.id) for each in found if each.labels.get(DEPLOYMENT_LABEL, "").startswith(f"{name}-")}


def _of_containers(changes: object) -> set[tuple[str, Action]]:
    assert isinstance(changes, list | tuple)
    return {(change.name, change.action) for change in changes if isinstance(change, Change) and change.kind == "Container"}


def test_it_is_made_of_containers_by_pulumi(deployment: Deployment) -> None:
    """Every node is healthy, and the deployment says what made it."""
    assert (deployment.target, deployment.engine) == ("docker", "pulumi")
    assert all(status.healthy for status in operations.status(deployment.name))


def test_only_the_gateway_and_the_management_page_are_published_and_on_loopback(deployment: Deployment) -> None:
    """No other port of any container is reachable from outside this machine."""
    client = connect()
    published: dict[tuple[str, str], set[str]] = {}
    for node, identity in _containers(deployment.name).items():
        bindings = client.containers.get(identity).attrs["HostConfig"]["PortBindings"] or {}
        published |= {(node, port): {binding["HostIp"] for binding in found} for port, found in bindings.items()}
    assert published == {("gateway", "8080/tcp"): {"127.0.0.1"}, ("broker", "15672/tcp"): {"127.0.0.1"}}


def test_a_second_up_changes_nothing(deployment: Deployment) -> None:
    """Neither by the preview nor by what runs afterwards."""
    before = _containers(deployment.name)
    assert operations.preview(deployment.name, FREE_PORTS, target="docker") == []
    _up(deployment.name, FREE_PORTS)
    assert _containers(deployment.name) == before


def test_scaling_touches_what_it_must(deployment: Deployment) -> None:
    """1/1/1 with the cache to 3/2/2 without: new replicas, those that had the cache's address, the gateway, and no database."""
    changes = operations.preview(deployment.name, SCALED, target="docker")
    assert _of_containers(changes) == {
        ("cache", Action.DELETE),
        ("courses-1", Action.REPLACE),
        ("courses-2", Action.CREATE),
        ("courses-3", Action.CREATE),
        ("students-1", Action.REPLACE),
        ("students-2", Action.CREATE),
        ("enrollment-2", Action.CREATE),
        ("gateway", Action.REPLACE),
    }
    before = _containers(deployment.name)
    _up(deployment.name, SCALED)
    after = _containers(deployment.name)
    assert {node for node in after if after[node] != before.get(node)} == {
        node for node, action in _of_containers(changes) if action is not Action.DELETE
    }


def test_what_was_killed_by_hand_is_noticed_and_mended(deployment: Deployment) -> None:
    """A refresh tells of it, and the next up starts it again."""
    connect().containers.get(_containers(deployment.name)["courses-2"]).kill()
    assert "courses-2" in {change.name for change in operations.refresh(deployment.name)}
    _up(deployment.name, SCALED)
    assert all(status.healthy for status in operations.status(deployment.name))


def test_an_experiment_runs_on_it_as_on_processes(tmp_path: Path) -> None:
    """A replica is killed by the Docker API, which is proven; the run says on which target it was, and no invariant fails."""
    name = unique_name()
    environment = {**os.environ, "SPIRELAB_DEPLOYMENT": name}
    command = [sys.executable, "-m", "experiments", "bench", "failover", "--trials", "1", "--target", "docker", "--runs-dir", str(tmp_path)]
    done = subprocess.run(command, cwd=REPOSITORY, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    (run,) = tmp_path.glob("*-failover")
    provenance = json.loads((run / "run.json").read_text())["provenance"]
    assert (provenance["target"], provenance["engine"]) == ("docker", "pulumi")
    assert {"nginx", "postgresql", "redis", "rabbitmq"} == {server["name"] for server in provenance["servers"]}
    trials = [json.loads(path.read_text()) for path in run.glob("trials/*/trial.json")]
    (crash,) = [trial for trial in trials if trial["faults"]]
    assert crash["faults"][0]["proof"]
    assert crash["faults"][0]["ready_s"] is not None
    assert "fail" not in {invariant["verdict"] for trial in trials for invariant in trial["invariants"]}
    assert _left(name) == []


def test_nothing_is_left(name: str) -> None:
    """Containers, networks and volumes are gone with the deployment."""
    operations.down(name, volumes=True)
    assert _left(name) == []


def _left(name: str) -> list[str]:
    client: docker.DockerClient = connect()
    found = [*client.containers.list(all=True), *client.networks.list(), *client.volumes.list()]
    names = [str(thing.attrs["Name"]) for thing in found]
    return [each for each in names if f"-{name}-" in each]
