"""What each component registers, and what it refuses."""

from __future__ import annotations

import json
from typing import get_args

import pulumi
import pytest
from pydantic import ValidationError

from app.kit import errors, middleware
from infra.components import broker, cache, database, gateway, nginx, nginx_problems, service, worker
from infra.components.application import WORKER, module, revision
from infra.deployment import Role
from infra.settings import REPOSITORY
from infra.targets.declaration import NodeDeclaration, StopSignal
from infra.targets.target import PublicPort
from infra.topology import Implementation
from tests.unit.infra.recording import RecordingTarget, run

TUNING = nginx.Tuning(
    connect_timeout_ms=300,
    read_timeout_ms=1000,
    tries=3,
    max_fails=1,
    fail_timeout_s=2,
    max_connections=256,
    keepalive=32,
    rate_limit_per_s=0,
)
REPLICAS = {"courses": ["c1:8001", "c2:8001"], "students": ["s1:8002"], "enrollment": ["e1:8003"]}


def output(value: str) -> pulumi.Output[str]:
    """A value that is known at once."""
    return pulumi.Output.from_input(value)


def test_a_database_is_one_node_with_an_owner_a_probe_and_a_reader() -> None:
    """The owner may do all in its database, the probe may read statistics, the reader may read tables."""
    target = RecordingTarget()
    config = database.DatabaseConfig(service="courses", max_connections=100, shared_buffers_mib=32)

    def program() -> pulumi.Output[list[str]]:
        made = database.Database(config, target)
        return pulumi.Output.all(made.url(made.address), made.probe_dsn, made.reader_dsn)

    urls, registered = run(program)
    node = target.nodes["courses-db"]
    assert registered.seen == [("spirelab:components:Database", "courses-db")]
    assert urls == [
        "postgresql+psycopg2://courses:password-of-courses-db-owner@courses-db.test:20001/courses",
        "postgresql://lab:password-of-courses-db-probe@courses-db.lab:20001/courses",
        "postgresql://lab_reader:password-of-courses-db-reader@courses-db.lab:20001/courses",
    ]
    assert (node.role, node.group, node.port, node.stop_signal) == (Role.DATABASE, "courses", 20001, StopSignal.INTERRUPT)
    assert "CREATE DATABASE courses OWNER courses" in node.first_start.splitlines()
    assert "IN ROLE pg_monitor" in node.first_start
    assert "CREATE ROLE lab_reader LOGIN PASSWORD 'password-of-courses-db-reader' IN ROLE pg_read_all_data" in node.first_start
    assert node.files["pg_hba.conf"] == "host all all samenet scram-sha-256\n"
    assert "unix_socket_directories = ''" in node.files["postgresql.conf"]


@pytest.mark.parametrize("wrong", [{"max_connections": 5}, {"shared_buffers_mib": 0}, {"service": "courses; DROP"}, {"ports": 1}])
def test_a_database_is_refused_before_anything_is_registered(wrong: dict[str, object]) -> None:
    """The config model has the bounds."""
    with pytest.raises(ValidationError):
        database.DatabaseConfig.model_validate({"service": "courses", "max_connections": 100, "shared_buffers_mib": 32, **wrong})


def test_a_cache_keeps_its_password_off_the_command_line_and_nothing_on_disk() -> None:
    """It is in the configuration file."""
    target = RecordingTarget()

    def program() -> pulumi.Output[list[str]]:
        made = cache.Cache(cache.CacheConfig(memory_mib=64), target)
        return pulumi.Output.all(made.url(made.address), made.probe_url)

    urls, _ = run(program)
    node = target.nodes["cache"]
    assert urls == ["redis://:password-of-cache@cache.test:20001/0", "redis://:password-of-cache@cache.lab:20001/0"]
    assert node.arguments == ("/config/cache/redis.conf",)
    assert {"requirepass password-of-cache", "maxmemory 64mb", 'save ""', "dir /config/cache"} <= set(node.files["redis.conf"].splitlines())


def test_a_broker_waits_for_its_port_mapper_alone() -> None:
    """Erlang would start a port mapper of its own, which outlives it."""
    target = RecordingTarget()

    def program() -> pulumi.Output[list[str]]:
        config = broker.BrokerConfig(erlang_name="spirelab-x")
        management = target.public_port("management", usual=0, wanted=15672, factor="")
        made = broker.Broker(config, target, management=management)
        return pulumi.Output.all(made.url(made.address), made.viewer_url)

    urls, registered = run(program)
    assert registered.seen == [("spirelab:components:Broker", "broker")]
    assert target.depends_on == {"epmd": 0, "broker": 1}
    assert urls == [
        "amqp://spire:password-of-broker@broker.test:20003/spire",
        "http://lab:password-of-broker-viewer@127.0.0.1:15672",
    ]
    node = target.nodes["broker"]
    assert node.environment["ERL_EPMD_PORT"] == str(target.ports["epmd"])
    assert "-start_epmd false" in node.environment["RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS"]
    users = {user["name"]: user["tags"] for user in json.loads(node.files["definitions.json"])["users"]}
    assert users == {"spire": "", "lab": "monitoring"}


def test_a_service_is_as_many_nodes_as_replicas_with_the_environment_of_the_contract() -> None:
    """Each replica has its own name, port and backends."""
    target = RecordingTarget()
    config = service.ServiceConfig(name="courses", replicas=2, threads=8, pool_size=4, settings={"SPIRE_CACHE_TTL_S": "60"})
    run(lambda: service.Service(config, target, backends=lambda replica: {"SPIRE_CACHE_URL": output(f"cache of {replica}")}).addresses[1])
    assert list(target.nodes) == ["courses-1", "courses-2"]
    assert target.nodes["courses-2"].arguments == ("app.courses",)
    assert target.nodes["courses-2"].environment == {
        "SPIRE_HOST": "127.0.0.9",
        "SPIRE_PORT": "20002",
        "SPIRE_REPLICA": "courses-2",
        "SPIRE_THREADS": "8",
        "SPIRE_DATABASE_POOL_SIZE": "4",
        "SPIRE_FAST_PATHS": "true",
        "SPIRE_CACHE_TTL_S": "60",
        "SPIRE_CACHE_URL": "cache of courses-2",
    }


def test_without_fast_paths_a_service_is_told_so() -> None:
    """In the words that the services' settings understand."""
    config = service.ServiceConfig(name="courses", replicas=1, threads=8, pool_size=8, fast_paths=False)
    assert service.declare(config, "courses-1", RecordingTarget().place("courses-1"), 20001, {}).environment["SPIRE_FAST_PATHS"] == "false"


@pytest.mark.parametrize("implementation", get_args(Implementation))
def test_every_implementation_has_a_module_to_run_for_each_part(implementation: Implementation) -> None:
    """It exists where the nodes' processes will look for it, and its files are in the revision."""
    for part in ("courses", "students", "enrollment", WORKER):
        path = REPOSITORY.joinpath(*module(implementation, part).split("."))
        assert (path / "__main__.py").is_file() or path.with_suffix(".py").is_file(), path


def test_implementations_have_revisions_of_their_own() -> None:
    """A change of the tutorial replaces no replica of the product."""
    assert revision("product") != revision("tutorial")


@pytest.mark.parametrize("wrong", [{"replicas": 0}, {"threads": 65}, {"name": "Courses"}, {"implementation": "other"}])
def test_a_service_is_refused_before_anything_is_registered(wrong: dict[str, object]) -> None:
    """The config model has the bounds."""
    with pytest.raises(ValidationError):
        service.ServiceConfig.model_validate({"name": "courses", "replicas": 1, "threads": 8, "pool_size": 8, **wrong})


def test_a_worker_listens_for_health_checks_alone() -> None:
    """Its node has no port to send requests to."""
    target = RecordingTarget()
    config = worker.WorkerConfig(replicas=1, prefetch=50, delivery_limit=20)
    run(lambda: worker.Worker(config, target, backends=lambda name: {"SPIRE_BROKER_URL": output(f"mq of {name}")}).nodes[0].host)
    node = target.nodes["worker-1"]
    assert node.port is None
    assert node.environment == {
        "SPIRE_HEALTH_PORT": "20001",
        "SPIRE_REPLICA": "worker-1",
        "SPIRE_PREFETCH": "50",
        "SPIRE_DELIVERY_LIMIT": "20",
        "SPIRE_BROKER_URL": "mq of worker-1",
    }


def declared(replicas: dict[str, list[str]] = REPLICAS, tuning: nginx.Tuning = TUNING) -> NodeDeclaration:
    """A gateway as a node."""
    target = RecordingTarget()
    return gateway.declare(
        gateway.GatewayConfig(tuning=tuning),
        target.place("gateway"),
        listen_port=8080,
        public_port=80,
        internal_port=20001,
        replicas=replicas,
    )


def test_a_gateway_differs_only_in_its_file_when_a_replica_is_added() -> None:
    """So that it can reload instead of restarting; its readiness tells the two configurations apart."""
    before, after = declared(), declared({**REPLICAS, "courses": ["c1:8001", "c2:8001", "c3:8001"]})
    assert before.readiness != after.readiness
    assert before.files != after.files
    assert after.model_copy(update={"files": before.files, "readiness": before.readiness}) == before


def test_a_gateway_takes_its_factors_over() -> None:
    """Timeouts, tries and failure limits are those of the topology."""
    text = declared(tuning=TUNING.model_copy(update={"read_timeout_ms": 1234, "tries": 5, "max_fails": 7, "keepalive": 0})).files[
        "nginx.conf"
    ]
    assert "proxy_read_timeout 1234ms;" in text
    assert "proxy_next_upstream_tries 5;" in text
    assert "server c2:8001 max_fails=7 fail_timeout=2s max_conns=256;" in text
    assert "keepalive 0" not in text


def test_replicas_back_each_other_up_and_a_single_one_needs_no_backup() -> None:
    """Where all failed lately each is tried again; NGINX never takes a server out of rotation that is alone."""
    text = declared().files["nginx.conf"]
    backups = [line.split()[1] for line in text.splitlines() if " backup " in line]
    assert backups == ["c1:8001", "c2:8001"]
    assert all("max_fails=0" in line for line in text.splitlines() if " backup " in line)


def test_a_rate_limit_is_in_the_configuration_only_where_there_is_one() -> None:
    """0 is no limit, not one of no request at all."""
    assert "limit_req" not in declared().files["nginx.conf"]
    text = declared(tuning=TUNING.model_copy(update={"rate_limit_per_s": 50})).files["nginx.conf"]
    assert "rate=50r/s;" in text
    assert "limit_req zone=clients burst=50 nodelay;" in text


def test_the_gateway_and_the_services_call_the_same_problem_by_the_same_name() -> None:
    """A client can't tell whether NGINX or a replica refused it, and need not."""
    own = {problem.name: problem for problem in (*nginx_problems.by_status(64).values(), nginx_problems.UNAVAILABLE)}
    kinds = [kind for kind in vars(errors).values() if isinstance(kind, type) and issubclass(kind, errors.ProblemError)]
    services = {kind.name: kind for kind in kinds if kind is not errors.ProblemError}
    shared = own.keys() & services.keys()
    assert {"not-found", "too-large", "unavailable"} <= shared
    for name in shared:
        assert (own[name].status, own[name].title) == (services[name].status, services[name].title)
    for problem in own.values():
        assert errors.Problem.model_validate_json(problem.body).type == errors.TYPE_PREFIX + problem.name
    assert nginx_problems.RETRY_AFTER_S == errors.RETRY_AFTER_S
    assert nginx.MOST_BODY_KIB * 1024 == middleware.MAX_PUBLIC_BODY_BYTES
    assert nginx.MOST_INTERNAL_BODY_KIB * 1024 == middleware.MAX_INTERNAL_BODY_BYTES


def test_a_gateway_without_a_replica_to_route_to_is_refused() -> None:
    """It could not start."""

    def program() -> pulumi.Output[str]:
        port = pulumi.Output.from_input(8080)
        config = gateway.GatewayConfig(tuning=TUNING)
        replicas = {"courses": [pulumi.Output.from_input("c1:8001")]}
        return gateway.Gateway(config, RecordingTarget(), public=PublicPort(port, port), internal_port=port, replicas=replicas).url

    with pytest.raises(ValueError, match="routes to enrollment, students"):
        run(program)
