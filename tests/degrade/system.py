"""The deployed system under faults: take a node away or freeze it, ask a replica past the gateway, see that all is well again."""

from __future__ import annotations

import contextlib
import signal
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import Literal

import httpx
import psutil

from infra import operations
from infra.deployment import Deployment, Role
from tests.contract.client import Client, at_once, eventually
from tests.degrade.traffic import Answer, recorders

Fault = Literal["killed", "paused"]
FAULTS: tuple[Fault, ...] = ("killed", "paused")
"""Away, and there but silent."""
BREAKERS = frozenset({"spire_database_available", "spire_cache_available"})
START_GAP_S = 0.1
"""Between starts, so that their order matters."""


class System:
    """A deployment, and what a test does to it."""

    def __init__(self, deployment: Deployment) -> None:
        self.deployment = deployment
        self.client = Client(deployment.endpoints.gateway_url)
        self._health_ports: dict[str, int] = {}

    def close(self) -> None:
        """Close the connections."""
        self.client.close()

    def names(self, *roles: Role) -> list[str]:
        """The nodes of these roles; all without any."""
        return [node.name for node in self.deployment.nodes if not roles or node.role in roles]

    def url(self, node: str) -> str:
        """Where a replica, or a worker's health, answers past the gateway."""
        found = self.deployment.node(node)
        if found.port is None and node not in self._health_ports:
            self._health_ports[node] = int(self.main_process(node).environ()["SPIRE_HEALTH_PORT"])
        return f"http://{found.host}:{found.port or self._health_ports[node]}"

    def main_process(self, node: str) -> psutil.Process:
        """The node's first process, which must be there."""
        main, *_ = operations.processes(self.deployment, node)
        return main

    def metrics(self, node: str) -> dict[str, float]:
        """Every sample of a node's metrics."""
        return read_metrics(self.url(node))

    def metric(self, node: str, name: str, label: str = "") -> float | None:
        """The sum of a metric's samples, of those with the label (``name="value"``) where one is given; None where there is none."""
        found = [value for key, value in self.metrics(node).items() if key.partition("{")[0] == name and label in key]
        return sum(found) if found else None

    def ask(self, node: str, path: str) -> Answer:
        """The answer of a replica, or of a worker's health port, to a GET on a connection of its own."""
        with recorders(self.url(node)) as (recorder,):
            return recorder.send("GET", path)

    @contextlib.contextmanager
    def without(self, fault: Fault, *nodes: str) -> Iterator[None]:
        """These nodes are killed, or silent, meanwhile."""
        with self._killed(nodes) if fault == "killed" else self._paused(nodes):
            yield

    def kill(self, *nodes: str) -> None:
        """SIGKILL their process trees, one after the other."""
        for node in nodes:
            operations.kill_node(self.deployment.name, node)

    def start(self, *nodes: str) -> None:
        """Start them in this order, none waiting for another, and return when all are ready."""
        with ThreadPoolExecutor(len(nodes)) as pool:
            started = []
            for node in nodes:
                started.append(pool.submit(operations.start_node, self.deployment.name, node))
                time.sleep(START_GAP_S)
            for future in started:
                future.result()

    def healed(self) -> None:
        """Return when every node is ready, no circuit breaker is open, and requests of every kind are served."""
        for node in self.names(Role.SERVICE, Role.WORKER):
            eventually(partial(self._well, node), bool)
        eventually(self._serves, bool)

    @contextlib.contextmanager
    def _killed(self, nodes: Sequence[str]) -> Iterator[None]:
        self.kill(*nodes)
        try:
            yield
        finally:
            self.start(*nodes)

    @contextlib.contextmanager
    def _paused(self, nodes: Sequence[str]) -> Iterator[None]:
        stopped: list[psutil.Process] = []
        try:
            for node in nodes:
                main = self.main_process(node)
                stopped.append(main)
                main.send_signal(signal.SIGSTOP)  # first, so that it has no new children
                for child in main.children(recursive=True):
                    stopped.append(child)
                    child.send_signal(signal.SIGSTOP)
            yield
        finally:
            for process in stopped:
                with contextlib.suppress(psutil.NoSuchProcess):
                    process.send_signal(signal.SIGCONT)

    def _well(self, node: str) -> bool:
        if self.ask(node, "/readyz").status != 200:
            return False
        breakers = [value for name, value in self.metrics(node).items() if name in BREAKERS]
        return bool(breakers) and all(value == 1 for value in breakers)

    def _serves(self) -> bool:
        """One request of each kind; an answer of 5xx is a reason to look again, a wrong one is not."""
        try:
            return self._request_of_each_kind()
        except (AssertionError, httpx.TransportError):
            return False

    def _request_of_each_kind(self) -> bool:
        course, student = self.client.course(), self.client.student()
        outcome = self.client.enrolled(student["id"], course["id"])
        self.client.http.delete(f"/enroll/{outcome['id']}").raise_for_status()
        reads = [f"/courses/{course['id']}", f"/students/{student['id']}", f"/enroll/student/{student['id']}"]
        answers = at_once([partial(self.client.http.get, path) for path in reads])
        return outcome["status"] == "enrolled" and all(answer.status_code == 200 for answer in answers)


def read_metrics(url: str) -> dict[str, float]:
    """Every sample that a server tells, by its name with its labels as Prometheus' text has them; none while it does not answer."""
    with recorders(url) as (recorder,):
        answer = recorder.send("GET", "/metrics")
    lines = answer.body.decode().splitlines() if answer.status == 200 else []
    samples = (line.rsplit(" ", 1) for line in lines if not line.startswith("#"))
    return {name: float(value) for name, value in samples}
