"""One deployment goes from topology to topology; the tests run in this order and share it."""

from __future__ import annotations

import http.client
import json
import urllib.request
from collections.abc import Iterator

import psycopg2
import pytest

from infra import operations
from infra.deployment import Role
from infra.errors import NodeError
from infra.topology import Topology
from tests.conftest import FREE_PORTS, unique_name
from tests.integration.infra.lives import Lives, lives
from tests.integration.infra.traces import folder_of, is_alive

SCALED = FREE_PORTS.override({"courses.replicas": 3, "students.replicas": 2, "enrollment.replicas": 2})


@pytest.fixture(scope="module")
def name() -> Iterator[str]:
    """The name of a deployment that is up with the reference topology, and that the tests may change."""
    name = unique_name()
    try:
        operations.up(name, FREE_PORTS, owner=True)
        yield name
    finally:
        operations.down(name, volumes=True)


def change(name: str, topology: Topology) -> tuple[Lives, Lives]:
    """Bring the deployment to ``topology``; the lives of its nodes before and after."""
    before = lives(operations.read(name))
    return before, lives(operations.up(name, topology, owner=True))


def get(url: str) -> tuple[int, str]:
    """Status and replica of an answer."""
    try:
        with urllib.request.urlopen(url, timeout=10) as answer:  # noqa: S310 - http to this machine
            return answer.status, answer.headers.get("X-Replica", "")
    except urllib.error.HTTPError as error:
        with error:
            return error.code, error.headers.get("X-Replica", "")


def test_every_node_of_the_reference_topology_is_ready(name: str) -> None:
    """``up`` returns with all nodes healthy, never restarted, and each with a memory figure."""
    nodes = operations.status(name)
    assert {node.node.name for node in nodes} == {
        *("gateway", "courses-1", "students-1", "enrollment-1", "worker-1"),
        *("courses-db", "students-db", "enrollment-db", "cache", "broker", "epmd"),
    }
    assert all(node.healthy and node.restarts == 0 and node.state == "RUNNING" and node.memory_bytes > 0 for node in nodes)


def test_read_gives_what_up_gave(name: str) -> None:
    """Another process reads the same deployment, secrets included."""
    deployment = operations.read(name)
    assert deployment.topology == FREE_PORTS
    for dsn in deployment.credentials.database_dsns.values():
        connection = psycopg2.connect(dsn.get_secret_value())
        try:
            with connection.cursor() as cursor:
                cursor.execute("SELECT count(*) FROM pg_stat_statements")
                assert cursor.fetchone() is not None
                with pytest.raises(psycopg2.errors.InsufficientPrivilege):
                    cursor.execute("CREATE TABLE mine (id int)")
        finally:
            connection.close()


def test_the_public_side_of_the_gateway_hides_the_internal_one(name: str) -> None:
    """``/internal`` and unknown paths are problem JSON 404, answered by no replica."""
    url = operations.read(name).endpoints.gateway_url
    for path in ("/internal/courses/1", "/configuration", "/metrics", "/coursesque"):
        assert get(url + path) == (404, "")


def test_the_access_log_is_one_json_object_a_request(name: str) -> None:
    """A request is found by its id, with the replica's address."""
    deployment = operations.read(name)
    request = urllib.request.Request(deployment.endpoints.gateway_url + "/courses?limit=1", headers={"X-Request-Id": "test-of-the-log"})  # noqa: S310
    with urllib.request.urlopen(request, timeout=10) as answer:  # noqa: S310
        assert answer.headers["X-Request-Id"] == "test-of-the-log"
    operations.kill_node(name, "courses-1")
    operations.start_node(name, "courses-1")  # by then NGINX has flushed its buffer, as it does each second
    with open(deployment.gateway_access_log) as log:  # noqa: PTH123
        lines = [json.loads(line) for line in log]
    line = next(line for line in lines if line["request_id"] == "test-of-the-log")
    assert line["status"] == 200
    assert line["upstream_addr"] == deployment.node("courses-1").upstream == f"127.0.0.1:{deployment.node('courses-1').port}"


def test_the_same_topology_again_touches_nothing(name: str) -> None:
    """A second ``up`` leaves every process as it is."""
    before, after = change(name, FREE_PORTS)
    assert after == before


def test_scaling_out_restarts_nothing_and_the_gateway_uses_the_new_replicas(name: str) -> None:
    """1/1/1 to 3/2/2 adds four processes, keeps all others, and all replicas are asked."""
    before, after = change(name, SCALED)
    assert {node: after[node] for node in before} == before
    assert after.keys() - before.keys() == {"courses-2", "courses-3", "students-2", "enrollment-2"}
    url = operations.read(name).endpoints.gateway_url
    assert {get(f"{url}/courses?limit=1")[1] for _ in range(60)} == {"courses-1", "courses-2", "courses-3"}


def test_a_killed_node_stays_away_until_it_is_started(name: str) -> None:
    """The gateway answers through the others; ``start_node`` brings it back and counts the restart."""
    deployment = operations.read(name)
    operations.kill_node(name, "courses-2")
    assert operations.processes(deployment, "courses-2") == []
    assert {get(f"{deployment.endpoints.gateway_url}/courses?limit=1")[0] for _ in range(30)} == {200}
    assert not next(node for node in operations.status(name) if node.node.name == "courses-2").healthy
    operations.start_node(name, "courses-2")
    status = next(node for node in operations.status(name) if node.node.name == "courses-2")
    assert status.healthy
    assert status.restarts == 1


@pytest.mark.parametrize("node", ["courses-db", "cache", "gateway"])
def test_a_killed_server_takes_its_whole_tree_with_it_and_comes_back(name: str, node: str) -> None:
    """No backend or worker process outlives the kill."""
    deployment = operations.read(name)
    tree = operations.processes(deployment, node)
    operations.kill_node(name, node)
    assert not [process for process in tree if is_alive(process)]
    operations.start_node(name, node)


def test_up_brings_back_what_was_killed_and_nothing_else(name: str) -> None:
    """A node that has ended is made again by the next ``up``."""
    before = lives(operations.read(name))
    operations.kill_node(name, "students-2")
    after = lives(operations.up(name, SCALED, owner=True))
    assert {node for node in before if after[node] != before[node]} == {"students-2"}


def test_scaling_in_removes_only_what_is_too_many(name: str) -> None:
    """3/2/2 to 1/1/1 keeps every other process."""
    before, after = change(name, FREE_PORTS)
    assert after == {node: life for node, life in before.items() if node not in {"courses-2", "courses-3", "students-2", "enrollment-2"}}


def test_switching_the_cache_off_replaces_only_its_users(name: str) -> None:
    """Redis goes, the replicas of courses and students start anew, everything else stays; and on again."""
    off = FREE_PORTS.override({"cache": "off"})
    before, after = change(name, off)
    assert before.keys() - after.keys() == {"cache"}
    assert {node for node in after if after[node] != before[node]} == {"courses-1", "students-1"}
    assert operations.read(name).credentials.cache_url is None
    before, after = change(name, FREE_PORTS)
    assert {node for node in after if after[node] != before.get(node)} == {"courses-1", "students-1", "cache"}


def test_secrets_are_readable_for_their_user_alone(name: str) -> None:
    """Every file that holds a generated password has mode 0600 or 0700, and no command line shows one."""
    deployment = operations.read(name)
    folder = folder_of(name)
    passwords = list(json.loads((folder / "secrets.json").read_text()).values())
    for path in folder.rglob("*"):
        if path.is_file() and any(password.encode() in path.read_bytes() for password in passwords):
            assert path.stat().st_mode & 0o077 == 0, path
    lines = [" ".join(process.cmdline()) for node in deployment.nodes for process in operations.processes(deployment, node.name)]
    assert not [line for line in lines for password in passwords if password in line]


def test_an_unknown_node_is_named(name: str) -> None:
    """The error lists the nodes that there are."""
    with pytest.raises(NodeError, match="no node 'courses-9'; it has broker, cache, courses-1"):
        operations.kill_node(name, "courses-9")


def test_the_management_page_answers(name: str) -> None:
    """A person finds RabbitMQ's page where the deployment says."""
    url = operations.read(name).endpoints.management_url
    host, port = url.removeprefix("http://").split(":")
    connection = http.client.HTTPConnection(host, int(port), timeout=10)
    connection.request("GET", "/")
    assert connection.getresponse().status == 200
    connection.close()


def test_no_node_uses_shared_memory_files(name: str) -> None:
    """Nothing of the deployment is mapped from /dev/shm, where a killed server would leave it."""
    deployment = operations.read(name)
    for node in deployment.nodes:
        if node.role is Role.DATABASE:
            for process in operations.processes(deployment, node.name):
                assert not [region.path for region in process.memory_maps() if region.path.startswith("/dev/shm")]  # noqa: S108
