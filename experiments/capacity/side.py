"""One implementation as a whole deployment: brought up, seeded, watched, paused and removed."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from http import HTTPStatus
from typing import Final, TypeVar

import httpx
import psutil

from experiments import population, seeding
from experiments.capacity.meter import Meter
from experiments.definition import CapacityExperiment, Implementation
from experiments.errors import MeasurementError
from experiments.probes.postgres import PostgresProbe
from experiments.runner.interfaces import Inspection, Note, Platform
from experiments.seeding import SeededPopulation
from infra.deployment import Deployment, Node, Role

COURSES: Final = "courses"
REVIVAL_TIMEOUT_S: Final = 1.0
"""A replica that is not overloaded answers one request in milliseconds."""

_Part = TypeVar("_Part")


class Side:
    """The deployment of one implementation; nothing is up before :meth:`prepare`."""

    def __init__(self, implementation: Implementation, platform: Platform, inspection: Inspection) -> None:
        self._implementation = implementation
        self._platform = platform
        self._inspection = inspection
        self._deployment: Deployment | None = None
        self._population: SeededPopulation | None = None
        self._meter: Meter | None = None
        self._postgres: PostgresProbe | None = None

    def prepare(self, experiment: CapacityExperiment, *, cache: bool, note: Note) -> Deployment:
        """Make it what the experiment asks for, with its data; nothing is done where it is so already."""
        topology = experiment.topology_of(self._implementation, cache=cache)
        if self._deployment is None or self._deployment.topology != topology:
            self._close_probe()
            note(f"{self._implementation}: cache {'on' if cache else 'off'}")
            self._deployment = deployment = self._platform.up(topology, note)
            self._meter = Meter(lambda: {node.name: self._platform.processes(node.name) for node in deployment.nodes})
            self._postgres = PostgresProbe(COURSES, lambda: deployment.credentials.database_dsns[COURSES])
        if self._population is None:
            wanted = population.generate(experiment.dataset, experiment.seed)
            self._population = seeding.seed(self._deployment.endpoints.gateway_url, wanted, note=note)
        return self._deployment

    def down(self, note: Note) -> None:
        """Remove it with its data; harmless where there is nothing."""
        self._close_probe()
        self._deployment = self._population = self._meter = None
        self._platform.down(note)

    @property
    def deployment(self) -> Deployment:
        """What is up."""
        return _made(self._deployment)

    @property
    def population(self) -> SeededPopulation:
        """The ids of what was seeded."""
        return _made(self._population)

    @property
    def meter(self) -> Meter:
        """Watches all nodes."""
        return _made(self._meter)

    def nodes(self, role: Role, group: str | None = None) -> list[Node]:
        """Its nodes of a role, of one service if a group is given."""
        return [node for node in self.deployment.nodes if node.role is role and group in (None, node.group)]

    def urls(self, service: str) -> list[str]:
        """Every replica of a service, past the gateway."""
        return [f"http://{node.host}:{node.port}" for node in self.nodes(Role.SERVICE, service)]

    def flush_cache(self) -> None:
        """Empty the cache, if there is one."""
        self._inspection.flush_cache(self.deployment)

    def statements(self) -> float:
        """SQL statements that courses-db has executed for its service so far."""
        return next(reading.value for reading in _made(self._postgres).read() if reading.metric == "sql_statements")

    @contextmanager
    def paused(self, role: Role) -> Iterator[None]:
        """Stop the nodes of a role by SIGSTOP while something is done."""
        processes = [process for node in self.nodes(role) for process in self._platform.processes(node.name)]
        try:
            for process in processes:
                process.suspend()
            yield
        finally:
            for process in processes:
                with suppress(psutil.NoSuchProcess):
                    process.resume()

    def revive(self, node: Node, target: str, note: Note) -> None:
        """Start a replica anew that is still busy with an overload: its backlog is not what is measured next."""
        with suppress(httpx.HTTPError):
            answer = httpx.get(f"http://{node.host}:{node.port}{target}", timeout=REVIVAL_TIMEOUT_S, trust_env=False)
            if answer.status_code == HTTPStatus.OK:
                return
        note(f"{node.name} of the {self._implementation} does not recover from the overload; starting it anew")
        self._platform.control().kill_node(node.name)
        self._platform.control().start_node(node.name)

    def _close_probe(self) -> None:
        if self._postgres is not None:
            self._postgres.close()
        self._postgres = None


def _made(part: _Part | None) -> _Part:
    if part is None:
        raise MeasurementError("nothing is deployed yet; prepare comes first")
    return part
