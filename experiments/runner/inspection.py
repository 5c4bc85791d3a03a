"""Looks at a real deployment: empties its cache, watches its parts, reads its final state."""

from __future__ import annotations

from collections.abc import Callable, Collection
from pathlib import Path

import redis

from experiments.errors import TrialError
from experiments.invariants.history import FinalState
from experiments.probes.nginx import NginxProbe
from experiments.probes.postgres import PostgresProbe
from experiments.probes.processes import ProcessProbe
from experiments.probes.rabbitmq import RabbitmqProbe
from experiments.probes.redis import RedisProbe, connect
from experiments.probes.sampler import Probe
from experiments.runner.final_state import read_final_state
from experiments.runner.interfaces import Platform
from infra.deployment import Deployment, Role


class LiveInspection:
    """The inspection of a deployment that is up."""

    def __init__(self, platform: Platform, *, settle_timeout_s: float, sleep: Callable[[float], None]) -> None:
        self._platform = platform
        self._settle_timeout_s = settle_timeout_s
        self._sleep = sleep

    def flush_cache(self, deployment: Deployment) -> None:
        """Empty Redis, if there is one.

        Raises:
            TrialError: it doesn't answer.
        """
        if deployment.credentials.cache_url is None:
            return
        client = connect(deployment.credentials.cache_url)
        try:
            client.flushall()
        except redis.RedisError as error:
            raise TrialError(f"the cache could not be emptied ({type(error).__name__})") from None
        finally:
            client.close()

    def probes(self, deployment: Deployment) -> list[Probe]:
        """One of each kind, and one for each database."""
        credentials = deployment.credentials
        replicas = {f"{node.host}:{node.port}": node.name for node in deployment.nodes if node.role is Role.SERVICE}
        replicas |= {f"{link.host}:{link.port}": link.server for link in deployment.links}  # what the gateway takes for them
        probes: list[Probe] = [
            ProcessProbe(lambda: {node.name: self._platform.processes(node.name) for node in deployment.nodes}),
            RabbitmqProbe(credentials.broker_management_url, credentials.broker_vhost, _only(deployment, Role.BROKER)),
            NginxProbe(Path(deployment.gateway_access_log), replicas),
        ]
        probes += [PostgresProbe(service, dsn) for service, dsn in credentials.database_dsns.items()]
        if credentials.cache_url is not None:
            probes.append(RedisProbe(credentials.cache_url, _only(deployment, Role.CACHE)))
        return probes

    def final_state(self, deployment: Deployment, accepted: Collection[str], known: Collection[str]) -> FinalState:
        """Wait until nothing is pending, then read the business state through the API."""
        return read_final_state(deployment.endpoints.gateway_url, accepted, known, timeout_s=self._settle_timeout_s, sleep=self._sleep)


def _only(deployment: Deployment, role: Role) -> str:
    return next(node.name for node in deployment.nodes if node.role is role)
