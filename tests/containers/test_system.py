"""The whole system from images, through the gateway, while containers are killed and come back."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing

import httpx
import psycopg2
import pytest
import redis
from docker.models.containers import Container
from pydantic import SecretStr

from experiments.errors import ProbeError
from experiments.probes.redis import RedisProbe
from infra import operations
from infra.deployment import Deployment
from infra.engines.engine import Action
from infra.progress import Watch
from infra.targets.docker.providers import ContainerProvider, NetworkProvider
from infra.targets.target import INSIDE
from tests.containers.conftest import READY_TIMEOUT_S, System, connects, run
from tests.contract.client import Client, eventually

REQUESTS = 400
CONCURRENT = 4
KILLED_AFTER = 100
MOST_SQUATTERS = 20
WATCH = Watch(ready_timeout_s=READY_TIMEOUT_S)


@pytest.fixture
def users(deployment: Deployment) -> Iterator[Client]:
    """A client of the gateway."""
    with closing(Client(deployment.endpoints.gateway_url)) as client:
        yield client


@pytest.fixture
def both_replicas(system: System, deployment: Deployment) -> Iterator[None]:
    """Both replicas of courses serve, before and after."""
    del deployment
    yield
    for replica in ("courses-1", "courses-2"):
        system.containers.start(replica, WATCH)


def replica_of(users: Client) -> str:
    """Which replica answers now."""
    return str(users.http.get("/courses?limit=1").headers["X-Replica"])


def address_in(container: Container, network: str) -> str:
    """Which address it has in a network now."""
    container.reload()
    return str(container.attrs["NetworkSettings"]["Networks"][network]["IPAddress"])


def test_an_enrolment_goes_through_all_of_it(users: Client) -> None:
    """Gateway, services, databases, broker, worker, and the worker's questions by way of the gateway's inside."""
    student, course = users.student("CS187"), users.course(prerequisites=["CS187"])
    assert users.enrolled(student["id"], course["id"])["status"] == "enrolled"
    rejected = users.enrolled(users.student()["id"], course["id"])
    assert (rejected["status"], rejected["missing_prerequisites"]) == ("rejected", ["CS187"])


def test_reads_are_cached(users: Client, deployment: Deployment) -> None:
    """The cache is reached by its address, as the lab's probes do, and holds what was read."""
    course = users.course()
    assert users.http.get(f"/courses/{course['id']}").status_code == 200
    assert deployment.credentials.cache_url is not None
    with closing(redis.Redis.from_url(deployment.credentials.cache_url.get_secret_value())) as cache:
        assert cache.dbsize()


def test_the_lab_reads_statistics_of_databases_that_are_not_published(deployment: Deployment) -> None:
    """From the host, by the containers' addresses, in a role that sees no table's rows."""
    for service, dsn in deployment.credentials.database_dsns.items():
        with closing(psycopg2.connect(dsn.get_secret_value())) as connection, connection.cursor() as cursor:
            cursor.execute("SELECT count(*) FROM pg_stat_statements")
            assert cursor.fetchone() is not None, service


def test_the_management_page_answers_on_loopback(deployment: Deployment) -> None:
    """To the viewer that people log in as."""
    url = deployment.credentials.broker_management_url.get_secret_value()
    queues = httpx.get(f"{url}/api/queues/{deployment.credentials.broker_vhost}", trust_env=False).raise_for_status().json()
    assert queues


def test_a_killed_replica_fails_no_request(system: System, users: Client, both_replicas: None) -> None:
    """The engine kills one of two in the middle of reads and writes."""
    del both_replicas
    course = users.course()

    def act(number: int) -> int:
        if number == KILLED_AFTER:
            system.containers.kill("courses-1")
        if number % 4 == 0:
            return users.http.patch(f"/courses/{course['id']}", json={"capacity": number + 1}).status_code
        return users.http.get(f"/courses/{course['id']}").status_code

    with ThreadPoolExecutor(CONCURRENT) as pool:
        statuses = list(pool.map(act, range(REQUESTS)))
    assert set(statuses) == {200}
    assert replica_of(users) == "courses-2"


@pytest.fixture
def squatters(system: System) -> Iterator[Callable[[str], None]]:
    """Takes an address of the inside network that has become free."""
    made: list[Container] = []

    def take(address: str) -> None:
        name = system.containers.names.thing(INSIDE)
        image = system.containers.get("courses-2").image
        assert image is not None
        for _ in range(MOST_SQUATTERS):
            made.append(system.client.containers.create(image, entrypoint=["sleep", "600"], network=name))
            made[-1].start()
            if address_in(made[-1], name) == address:
                return
        raise AssertionError(f"nobody got {address}")

    try:
        yield take
    finally:
        for container in made:
            container.remove(force=True)


def test_a_replica_that_comes_back_with_another_address_is_found_again(
    system: System, users: Client, squatters: Callable[[str], None], both_replicas: None
) -> None:
    """By its name; somebody else has its old address meanwhile."""
    del both_replicas
    network = system.containers.names.thing(INSIDE)
    before = address_in(system.containers.get("courses-1"), network)
    system.containers.kill("courses-1")
    squatters(before)
    system.containers.start("courses-1", WATCH)
    assert address_in(system.containers.get("courses-1"), network) != before
    eventually(lambda: replica_of(users), lambda replica: replica == "courses-1")
    eventually(lambda: replica_of(users), lambda replica: replica == "courses-2")


def test_the_labs_probe_follows_a_cache_that_comes_back_elsewhere(
    system: System, deployment: Deployment, squatters: Callable[[str], None]
) -> None:
    """At its next connection; the address that the cache had is somebody else's."""

    def url() -> SecretStr:
        found = operations.located(deployment).credentials.cache_url
        assert found is not None
        return found

    network = system.containers.names.thing(INSIDE)
    with closing(RedisProbe(url, "cache")) as probe:
        assert probe.read()
        before = address_in(system.containers.get("cache"), network)
        system.containers.kill("cache")
        squatters(before)
        system.containers.start("cache", WATCH)
        with pytest.raises(ProbeError, match="Redis doesn't answer"):
            probe.read()
        assert probe.read()


def test_the_access_log_names_the_replica(system: System, deployment: Deployment, users: Client) -> None:
    """On the gateway's standard output, in the words of the deployment."""
    request_id = users.http.get("/courses?limit=1", headers={"X-Request-Id": "test-of-the-log"}).headers["X-Request-Id"]
    assert request_id == "test-of-the-log"

    def found() -> list[str]:
        lines = system.containers.get("gateway").logs(stderr=False).decode().splitlines()
        return [json.loads(line)["upstream_addr"] for line in lines if request_id in line]

    assert eventually(found, bool)[0] in {deployment.node(replica).upstream for replica in ("courses-1", "courses-2")}


@pytest.mark.parametrize(
    ("node", "database", "reached"),
    [
        ("courses-1", "courses-db", True),
        ("worker-1", "enrollment-db", True),
        ("students-1", "courses-db", False),
        ("worker-1", "courses-db", False),
        ("gateway", "enrollment-db", False),
        ("broker", "students-db", False),
    ],
)
def test_a_database_is_reached_from_its_own_service_and_from_nowhere_else(
    system: System, deployment: Deployment, node: str, database: str, *, reached: bool
) -> None:
    """Neither by name nor by address."""
    for host in (database, deployment.node(database).host):
        assert connects(system.containers.get(node), host, 5432) == reached, host


def test_no_container_runs_as_root_or_may_become_it(system: System, deployment: Deployment) -> None:
    """Nor has any a capability left, nor can our own code's write to its root."""
    for node in deployment.nodes:
        container = system.containers.get(node.name)
        _, status = run(container, "cat /proc/1/status")
        fields = dict(line.split(":\t", 1) for line in status.splitlines() if ":\t" in line)
        assert fields["Uid"].split()[0] == "10001", node.name
        assert int(fields["CapBnd"], 16) == 0, node.name
        assert fields["NoNewPrivs"] == "1", node.name
        code, said = run(container, "touch /usr/lib/new /srv/new")
        assert code != 0, said


def test_a_container_has_the_limits_of_the_factors(system: System, deployment: Deployment) -> None:
    """As the engine has them, so that they hold after a restart too."""
    for node in deployment.nodes:
        container = system.containers.get(node.name)
        limits = container.attrs["HostConfig"]
        assert limits["NanoCpus"] == 1_000_000_000
        assert limits["Memory"] == limits["MemorySwap"] == 512 * 1024 * 1024
        assert limits["PidsLimit"] == 512
        assert run(container, "ulimit -n") == (0, "16384")


def test_passwords_of_servers_are_in_no_environment_and_no_command_line(system: System, deployment: Deployment) -> None:
    """What the engine tells of a container has none."""
    secret = deployment.credentials.database_dsns["courses"].get_secret_value().split(":")[2].split("@")[0]
    known = json.loads(system.home.secrets_file.read_text())
    assert secret in known.values()
    for node in ("courses-db", "cache", "broker", "gateway"):
        told = json.dumps(system.containers.get(node).attrs)
        assert not [name for name, value in known.items() if value in told], node


@pytest.mark.parametrize("node", ["courses-db", "broker"])
def test_a_killed_server_comes_back_with_its_data(system: System, users: Client, node: str) -> None:
    """It recovers from its volume."""
    student, course = users.student(), users.course()
    assert users.enrolled(student["id"], course["id"])["status"] == "enrolled"
    system.containers.kill(node)
    system.containers.start(node, WATCH)
    eventually(lambda: users.http.get(f"/courses/{course['id']}").status_code, lambda status: status == 200)
    eventually(lambda: users.enroll(users.student()["id"], course["id"]).status_code, lambda status: status == 202)


def ids(system: System) -> dict[str, str]:
    """The engine's own, by node."""
    return {node: str(container.id) for node, container in system.containers.all().items()}


def test_a_second_up_changes_nothing(system: System, deployment: Deployment) -> None:
    """Neither by the preview nor by what runs afterwards."""
    del deployment
    before = ids(system)
    assert operations.preview(system.name, system.topology, target="docker") == []
    system.up()
    assert ids(system) == before


def test_scaling_touches_what_it_must(system: System, deployment: Deployment) -> None:
    """A new replica, and the gateway, which has to know it."""
    del deployment
    changes = operations.preview(system.name, system.topology.override({"students.replicas": 2}), target="docker")
    containers = {(change.name, change.action) for change in changes if change.kind == "Container"}
    assert containers == {("students-2", Action.CREATE), ("gateway", Action.REPLACE)}


def test_what_was_killed_by_hand_is_noticed_and_mended(system: System, deployment: Deployment) -> None:
    """A refresh tells of it, and the next up makes it again, and nothing else."""
    before = ids(system)
    system.containers.kill("courses-2")
    assert "courses-2" in {change.name for change in operations.refresh(deployment.name)}
    system.up()
    after = ids(system)
    assert {node for node in after if after[node] != before[node]} == {"courses-2"}
    assert all(status.healthy for status in operations.status(deployment.name))


def test_what_a_killed_command_was_about_to_make_is_found_by_its_name(system: System, deployment: Deployment) -> None:
    """It has no id yet; nothing else is taken for it, in an engine that others use too."""
    del deployment
    before = ids(system), {network.name for network in system.client.networks.list()}
    half_made = {"name": system.containers.names.thing("courses"), "stopTimeout": 1}
    ContainerProvider(WATCH).delete("", half_made)
    NetworkProvider().delete("", half_made)
    assert (ids(system), {network.name for network in system.client.networks.list()}) == before


def test_data_survives_going_down(system: System, deployment: Deployment, users: Client) -> None:
    """With the passwords that protect it."""
    del deployment
    course = users.course()
    system.down()
    with closing(Client(system.up().endpoints.gateway_url)) as client:
        found = eventually(lambda: client.http.get(f"/courses/{course['id']}"), lambda answer: answer.status_code == 200)
    assert found.json()["code"] == course["code"]
