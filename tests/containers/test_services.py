"""Each service in a container, against real servers in containers."""

from __future__ import annotations

import signal
import time
from contextlib import closing
from typing import Any

import docker
import httpx
import pytest

from infra.components import broker
from infra.components.broker import VHOST, VIEWER
from infra.targets.docker.engine import await_ready
from tests.containers.nodes import WATCH, group
from tests.contract.client import Client, eventually, problem

ENDED_BY_ITSELF = {0, 128 + signal.SIGTERM}
BROKER_RECOVERY_S = 180.0
"""A broker that was killed may answer nothing about its queues for a minute after it says that it is well."""
BODIES: dict[str, dict[str, Any]] = {
    "courses": {"name": "Web Systems", "code": "CS326", "capacity": 100, "prerequisites": ["CS220"]},
    "students": {"name": "John Doe", "completed_courses": ["CS187", "CS220"]},
}


@pytest.mark.parametrize("service", ["courses", "students"])
def test_a_service_reads_through_the_cache_and_goes_on_without_it(client: docker.DockerClient, service: str) -> None:
    """And says that it can't, with a time to come again, while its database is away."""
    assert client.ping()
    with group() as nodes:
        database, cache = nodes.database(service), nodes.cache()
        with closing(Client(nodes.replica(service))) as users:
            made = users.made(f"/{service}", BODIES[service])
            path = f"/{service}/{made['id']}"
            assert [users.http.get(path).headers["X-Cache"] for _ in range(2)] == ["miss", "hit"]

            cache.kill()
            eventually(lambda: users.http.get(path).status_code, lambda status: status == 200)

            database.kill()
            answer = users.http.get(path)
            problem(answer, 503, "unavailable")
            assert int(answer.headers["Retry-After"]) > 0
            database.start()
            eventually(lambda: users.http.get(path).status_code, lambda status: status == 200)


def test_every_node_ends_in_good_order_when_it_is_asked_to(client: docker.DockerClient) -> None:
    """The signal reaches the server, and nobody has to be killed."""
    assert client.ping()
    with group() as nodes:
        nodes.database("courses")
        nodes.cache()
        nodes.replica("courses")
        for container in nodes.started[::-1]:
            container.stop(timeout=30)
            container.reload()
            assert container.attrs["State"]["ExitCode"] in ENDED_BY_ITSELF, container.logs(tail=20).decode()


def test_enrollment_accepts_while_the_broker_is_away_and_hands_over_when_it_is_back(client: docker.DockerClient) -> None:
    """What was accepted is in the outbox, and in the queue soon after."""
    assert client.ping()
    with group() as nodes:
        nodes.database("enrollment")
        rabbitmq = nodes.broker()

        def waiting() -> int:
            host = nodes.address(rabbitmq)
            management = f"http://{host}:{broker.MANAGEMENT_PORT}/api/queues/{VHOST}/enrollment.requests"
            answer = httpx.get(management, auth=(VIEWER, "password"), trust_env=False)
            return int(answer.json().get("messages", 0)) if answer.is_success else 0

        with closing(Client(nodes.replica("enrollment"))) as users:
            assert users.enroll(1, 1).status_code == 202
            eventually(waiting, lambda count: count == 1)
            time.sleep(broker.QUEUES_ON_DISK_AFTER_S)
            rabbitmq.kill()
            assert users.enroll(2, 1).status_code == 202
            rabbitmq.start()
            await_ready(rabbitmq, "broker", WATCH)
            eventually(waiting, lambda count: count > 1, BROKER_RECOVERY_S)
            assert users.http.get("/enroll/student/2").json()[0]["status"] == "pending"
