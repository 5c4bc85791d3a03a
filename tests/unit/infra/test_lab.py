"""What the whole program declares for a topology."""

from __future__ import annotations

import re

import pytest

from infra.deployment import Deployment, Role
from infra.lab import declare
from infra.links.edges import edges
from infra.topology import Topology
from tests.unit.infra.recording import RecordingTarget, run


def deploy(topology: Topology) -> tuple[RecordingTarget, Deployment]:
    """The nodes and the deployment that come of a topology."""
    target = RecordingTarget()
    outputs, _ = run(lambda: declare(topology, target, "x"))
    return target, Deployment.model_validate({**outputs, "engine": "none"})


def test_the_reference_topology_is_eleven_nodes_that_start_with_the_broker() -> None:
    """Fixed ports are asked for first, then comes what the nodes stand on, then the slowest node."""
    target, deployment = deploy(Topology())
    assert len(target.nodes) == len(deployment.nodes) == 11
    assert target.events[:4] == ["port gateway", "port broker-management", "port gateway-internal", "prepare after 2 ports"]
    assert [event for event in target.events if event.startswith("node")][:2] == ["node epmd", "node broker with data"]
    assert deployment.endpoints.gateway_url == "http://127.0.0.1:8080"
    assert deployment.node("courses-1").log_path == "/logs/courses-1.log"


def test_nodes_reach_each_other_by_their_place_and_the_lab_reaches_them_where_they_run() -> None:
    """The two need not be the same: a container has a name among containers and an address on the host."""
    target, deployment = deploy(Topology())
    port = target.ports["courses-1"]
    assert target.nodes["courses-1"].environment["SPIRE_HOST"] == "127.0.0.9"
    assert f"@courses-db.test:{target.ports['courses-db']}/" in target.nodes["courses-1"].environment["SPIRE_DATABASE_URL"]
    assert target.nodes["worker-1"].environment["SPIRE_PEERS_URL"] == f"http://gateway.test:{target.ports['gateway-internal']}"
    assert (deployment.node("courses-1").host, deployment.node("courses-1").port) == ("courses-1.lab", port)
    assert deployment.node("courses-1").upstream == f"courses-1.test:{port}"
    assert deployment.node("courses-db").upstream is None
    assert "@courses-db.lab:" in deployment.credentials.database_dsns["courses"].get_secret_value()
    assert deployment.credentials.cache_url is not None
    assert "@cache.lab:" in deployment.credentials.cache_url.get_secret_value()


def test_a_database_shares_a_network_with_its_own_service_alone() -> None:
    """The workers belong to enrollment; what is public shares none with a database."""
    target, _ = deploy(Topology())
    members = {
        name: {node for node, joined in target.networks.items() if name in joined} for name in ("courses-db", "enrollment-db", "public")
    }
    assert members == {
        "courses-db": {"courses-db", "courses-1"},
        "enrollment-db": {"enrollment-db", "enrollment-1", "worker-1"},
        "public": {"gateway", "broker"},
    }
    assert {event for event in target.events if event.endswith("with data")} == {
        f"node {node} with data" for node in ("broker", "courses-db", "students-db", "enrollment-db")
    }


def test_the_cache_is_known_to_courses_and_students_alone() -> None:
    """Switched off, there is no Redis and no replica has heard of one."""
    with_cache, _ = deploy(Topology())
    without, deployment = deploy(Topology().override({"cache": "off"}))
    knowing = {name for name, node in with_cache.nodes.items() if "SPIRE_CACHE_URL" in node.environment}
    assert knowing == {"courses-1", "students-1"}
    assert "cache" not in without.nodes
    assert not [name for name, node in without.nodes.items() if "SPIRE_CACHE_URL" in node.environment]
    assert deployment.credentials.cache_url is None


def test_the_implementation_is_the_code_of_services_and_workers_and_nothing_else() -> None:
    """The tutorial runs in place of the product, with the same environment."""
    (product, _), (tutorial, _) = deploy(Topology()), deploy(Topology().override({"software.implementation": "tutorial"}))
    differing = {name: node.arguments for name, node in tutorial.nodes.items() if node != product.nodes[name]}
    assert differing == {
        "courses-1": ("experiments.baselines.tutorial.courses",),
        "students-1": ("experiments.baselines.tutorial.students",),
        "enrollment-1": ("experiments.baselines.tutorial.enrollment",),
        "worker-1": ("experiments.baselines.tutorial.worker",),
    }
    assert all(tutorial.nodes[name].environment == product.nodes[name].environment for name in differing)


def test_with_links_every_connection_between_two_nodes_goes_through_one() -> None:
    """No client knows a server's own port, and each link leads to the server in its name."""
    target, deployment = deploy(Topology().override({"links": "on", "courses.replicas": 2}))
    assert [link.name for link in deployment.links] == [edge.name for edge in edges(deployment.topology)]
    assert deployment.node("links").role is Role.SUPPORT
    own_ports = {str(node.port) for node in deployment.nodes if node.port is not None} | {str(target.ports["gateway-internal"])}
    for name, node in target.nodes.items():
        urls = [value for key, value in node.environment.items() if key.startswith("SPIRE_") and key.endswith("_URL")]
        used = {port for url in urls for port in re.findall(r":(\d+)", url)}
        assert used <= {str(link.port) for link in deployment.links if link.client == name}
        assert not used & own_ports
    upstreams = set(re.findall(r"server \S+:(\d+) ", target.nodes["gateway"].files["nginx.conf"]))
    assert upstreams == {str(link.port) for link in deployment.links if link.client == "gateway"}
    led_to = {link.server: link.server_port for link in deployment.links}
    assert led_to["gateway"] == target.ports["gateway-internal"]
    assert all(deployment.node(server).port == port for server, port in led_to.items() if server != "gateway")


def test_without_links_nothing_is_in_between() -> None:
    """There is no proxy, and the deployment knows of none."""
    target, deployment = deploy(Topology())
    assert "links" not in target.nodes
    assert deployment.links == ()
    assert deployment.credentials.links_url is None


@pytest.mark.parametrize("service", ["courses", "students", "enrollment"])
def test_fast_paths_are_switched_for_each_service(service: str) -> None:
    """Its replicas alone are told."""
    target, _ = deploy(Topology().override({f"{service}.fast_paths": "off"}))
    told = {name: node.environment["SPIRE_FAST_PATHS"] for name, node in target.nodes.items() if "SPIRE_FAST_PATHS" in node.environment}
    assert told == {"courses-1": "true", "students-1": "true", "enrollment-1": "true"} | {f"{service}-1": "false"}


def test_secrets_are_hidden_in_what_is_printed_of_a_deployment() -> None:
    """They show as asterisks."""
    _, deployment = deploy(Topology())
    assert "password-of" not in repr(deployment)
    assert "password-of" not in deployment.model_dump_json()
