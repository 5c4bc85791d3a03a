"""What the docker target registers, and what it refuses."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from infra.deployment import Deployment
from infra.errors import FactorError
from infra.home import StateRoot
from infra.images.recipe import Image, reference
from infra.targets.docker.names import DEPLOYMENT_LABEL
from infra.targets.docker.target import DockerTarget
from infra.topology import Topology
from tests.unit.infra.targets.registered import (
    CONTAINER,
    IMAGE,
    NETWORK,
    VOLUME,
    Registered,
    address_in,
    hidden,
    password_of,
    register,
    revealed,
)

DATABASES = {"courses-db", "students-db", "enrollment-db"}
NODES = {*DATABASES, "courses-1", "students-1", "enrollment-1", "worker-1", "cache", "broker", "gateway"}


@pytest.fixture(scope="module")
def reference_topology(tmp_path_factory: pytest.TempPathFactory) -> Registered:
    """What the reference topology registers."""
    return register(Topology(), tmp_path_factory.mktemp("state"))[0]


def test_every_node_is_a_container_from_the_image_of_its_software(reference_topology: Registered) -> None:
    """Erlang's port mapper is none: it is in the broker's."""
    containers = reference_topology.of(CONTAINER)
    assert set(containers) == NODES
    images = {name: container["image"] for name, container in containers.items()}
    assert images["courses-1"] == images["worker-1"] == "id of spirelab/app"
    assert images["courses-db"] == "id of spirelab/postgres"
    assert {inputs["name"] for inputs in reference_topology.of(IMAGE).values()} == {
        reference(each) for each in Image if each is not Image.LOAD
    }


def test_only_the_gateway_and_the_management_page_are_published_and_only_on_loopback(reference_topology: Registered) -> None:
    """On the ports that the factors say."""
    published = {
        (name, port["ip"], port["internal"], port["external"])
        for name, container in reference_topology.of(CONTAINER).items()
        for port in container.get("ports", [])
    }
    assert published == {("gateway", "127.0.0.1", 8080, 8080), ("broker", "127.0.0.1", 15672, 15672)}
    assert not [name for name, container in reference_topology.of(CONTAINER).items() if container.get("networkMode")]


def test_a_database_can_be_reached_by_its_service_alone(reference_topology: Registered) -> None:
    """Each has a network of its own; none of them leads out of the machine."""
    networks = reference_topology.of(NETWORK)
    inside = {inputs["name"]: inputs["internal"] for inputs in networks.values()}
    members: dict[str, set[str]] = {name: set() for name in inside}
    for node, container in reference_topology.of(CONTAINER).items():
        for joined in container["networksAdvanced"]:
            assert [alias.partition(".")[0] for alias in joined["aliases"]] == [node, node]
            members[joined["name"]].add(node)
    by_network = {name: members[inputs["name"]] for name, inputs in networks.items()}
    assert by_network["network-courses-db"] == {"courses-db", "courses-1"}
    assert by_network["network-students-db"] == {"students-db", "students-1"}
    assert by_network["network-enrollment-db"] == {"enrollment-db", "enrollment-1", "worker-1"}
    assert by_network["network-public"] == {"gateway", "broker"}
    assert [name for name, inputs in networks.items() if not inputs["internal"]] == ["network-public"]


def test_links_are_in_every_network_and_each_is_reached_in_that_of_its_server_alone(tmp_path: Path) -> None:
    """So a database still can be reached by its own service alone, past its link and through it."""
    registered, outputs = register(Topology().override({"links": "on"}), tmp_path)
    containers, networks = registered.of(CONTAINER), registered.of(NETWORK)
    joined = {each["name"]: each["aliases"] for each in containers["links"]["networksAdvanced"]}
    assert {name: joined.get(inputs["name"]) for name, inputs in networks.items()} == {
        "network-inside": ["links", "links.inside"],
        "network-public": None,
        **{f"network-{database}": ["links", f"links.{database}"] for database in DATABASES},
    }
    assert containers["links"]["image"] == "id of spirelab/links"
    (upload,) = [each for each in containers["links"]["uploads"] if each["file"].endswith("links.json")]
    routes = {route["name"]: route for route in json.loads(upload["content"])["routes"]}
    assert {route["listen_host"] for name, route in routes.items() if name.endswith("->courses-db")} == {"links.courses-db"}
    assert {route["listen_host"] for name, route in routes.items() if name.endswith(("->cache", "->gateway"))} == {"links.inside"}
    told = Deployment.model_validate({**outputs, "engine": "none"})
    assert f"@links.courses-db:{routes['courses-1->courses-db']['listen_port']}/" in json.dumps(containers["courses-1"]["envs"])
    assert {link.host for link in told.links} == {address_in("links", network) for network in ("inside", *DATABASES)}
    assert {link.server_host for link in told.links if link.server == "courses-db"} == {address_in("courses-db", "courses-db")}
    assert told.node("courses-1").upstream == f"unix:/run/spirelab/links.inside-{routes['gateway->courses-1']['listen_port']}.sock"


@pytest.mark.parametrize("node", sorted(NODES))
def test_a_container_has_no_privileges_and_takes_no_more_than_its_limits(reference_topology: Registered, node: str) -> None:
    """Memory without swap, because a container that swaps measures the disk."""
    container = reference_topology.of(CONTAINER)[node]
    assert container["capabilities"] == {"drops": ["ALL"]}
    assert container["securityOpts"] == ["no-new-privileges"]
    assert not container.get("privileged")
    assert (container["cpus"], container["memory"], container["memorySwap"]) == ("1.0", 512, 512)
    assert container["ulimits"] == [{"name": "nofile", "soft": 16_384, "hard": 16_384}]
    assert container["logDriver"] == "json-file"
    assert {"max-size", "max-file"} <= set(container["logOpts"])
    assert container["wait"]
    pids = reference_topology.of("pulumi-python:dynamic/docker:PidsLimit")[f"{node}-pids"]
    assert (pids["container"], pids["limit"]) == (f"{node}-id", 512)


def test_the_limits_are_factors(tmp_path: Path) -> None:
    """They reach every container."""
    topology = Topology().override({"limits.cpus": 0.5, "limits.memory_mib": 300, "limits.pids": 99, "limits.nofile": 2048})
    registered, _ = register(topology, tmp_path)
    for container in registered.of(CONTAINER).values():
        assert (container["cpus"], container["memory"], container["memorySwap"]) == ("0.5", 300, 300)
        assert container["ulimits"][0]["hard"] == 2048
    assert {inputs["limit"] for inputs in registered.of("pulumi-python:dynamic/docker:PidsLimit").values()} == {99}


def test_the_root_is_read_only_where_no_file_has_to_be_put_there(reference_topology: Registered) -> None:
    """Our own code's; servers get their configuration and passwords by file, and can write to none as their user."""
    containers = reference_topology.of(CONTAINER)
    assert {name for name, container in containers.items() if container["readOnly"]} == {
        "courses-1",
        "students-1",
        "enrollment-1",
        "worker-1",
    }
    assert {name for name, container in containers.items() if container.get("uploads")} == {*DATABASES, "cache", "broker", "gateway"}


def test_no_password_is_registered_in_plain(reference_topology: Registered) -> None:
    """Each is there, in files and in the environment of our own code, and nowhere but in what Pulumi keeps secret."""
    docker = {name: inputs for (kind, name), inputs in reference_topology.inputs.items() if kind.startswith("docker:")}
    passwords = [password_of(name) for kind, name in reference_topology.inputs if kind.endswith(":Password")]
    assert len(passwords) > 9
    shown, whole = json.dumps(hidden(docker)), json.dumps(revealed(docker))
    assert [password for password in passwords if password not in whole] == []
    assert [password for password in passwords if password in shown] == []
    commands = json.dumps([container.get("command") for container in reference_topology.of(CONTAINER).values()])
    labels = json.dumps([container["labels"] for container in reference_topology.of(CONTAINER).values()])
    health = json.dumps([container.get("healthcheck") for container in reference_topology.of(CONTAINER).values()])
    assert not [password for password in passwords if password in commands + labels + health]


def test_servers_get_no_password_by_environment(reference_topology: Registered) -> None:
    """Whoever may inspect a container sees its environment."""
    for node in (*DATABASES, "cache", "broker", "gateway"):
        assert "password-of" not in json.dumps(reference_topology.of(CONTAINER)[node].get("envs"))


def test_data_is_kept_in_volumes_that_outlive_the_containers(reference_topology: Registered) -> None:
    """Of the databases and the broker; the cache keeps nothing."""
    volumes = reference_topology.of(VOLUME)
    assert set(volumes) == {f"volume-{node}" for node in (*DATABASES, "broker")}
    for node in (*DATABASES, "broker"):
        mounted = reference_topology.of(CONTAINER)[node]["volumes"]
        assert mounted == [{"containerPath": "/data", "volumeName": volumes[f"volume-{node}"]["name"]}]
    assert {node for node, container in reference_topology.of(CONTAINER).items() if container.get("volumes")} == {*DATABASES, "broker"}


def test_deployments_of_the_same_name_share_nothing(tmp_path: Path) -> None:
    """Two users of one engine may both have a deployment x; labels tell them apart too."""
    names, labels = [], []
    for folder in ("a", "b"):
        registered, _ = register(Topology(), tmp_path / folder)
        things = [inputs for kind in (CONTAINER, NETWORK, VOLUME) for inputs in registered.of(kind).values()]
        names.append({thing["name"] for thing in things})
        labels.append({label["value"] for thing in things for label in thing["labels"] if label["label"] == DEPLOYMENT_LABEL})
    assert names[0]
    assert not names[0] & names[1]
    assert [len(each) for each in labels] == [1, 1]
    assert labels[0] != labels[1]


def test_a_deployment_says_where_the_lab_reaches_its_containers(tmp_path: Path) -> None:
    """By their addresses, which are not published; people by the published ports."""
    _, outputs = register(Topology(), tmp_path)
    deployment = Deployment.model_validate({**outputs, "engine": "none"})
    assert deployment.target == "docker"
    assert (deployment.node("courses-db").host, deployment.node("courses-db").port) == (address_in("courses-db", "courses-db"), 5432)
    assert deployment.node("gateway").host == address_in("gateway", "inside")
    assert deployment.node("courses-1").upstream == "unix:/run/spirelab/courses-1-8001.sock"
    assert deployment.endpoints.gateway_url == "http://127.0.0.1:8080"
    assert f"@{address_in('courses-db', 'courses-db')}:5432/" in deployment.credentials.database_dsns["courses"].get_secret_value()


@pytest.mark.parametrize(
    "factors",
    [{"cache.memory_mib": 400}, {"database.shared_buffers_mib": 400}, {"limits.memory_mib": 80}],
    ids=lambda given: next(iter(given)),
)
def test_servers_that_would_outgrow_their_containers_are_refused_before_anything_is_registered(
    factors: dict[str, object], tmp_path: Path
) -> None:
    """The kernel would kill them in the middle of a run."""
    with pytest.raises(FactorError, match=r"does not fit into a container of \d+ MiB"):
        DockerTarget(StateRoot(tmp_path).home("x"), Topology().override(factors))


@pytest.mark.parametrize("factors", [{"limits.cpus": 0}, {"limits.pids": 1}, {"limits.nofile": 10}, {"limits.memory_mib": 1}])
def test_limits_that_nothing_could_run_with_are_refused(factors: dict[str, object]) -> None:
    """By the factor's bounds."""
    with pytest.raises(FactorError, match="greater than or equal to"):
        Topology().override(factors)


def test_a_cache_that_is_off_needs_no_room(tmp_path: Path) -> None:
    """Its factor says nothing then."""
    DockerTarget(StateRoot(tmp_path).home("x"), Topology().override({"cache.memory_mib": 4000, "cache": "off"}))
