"""Looks at a real deployment: empties its cache, watches its parts, reads its final state."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from functools import partial
from typing import Final

import redis
from pydantic import SecretStr

from experiments.cache_state import aged_ms
from experiments.errors import ProbeError, TrialError
from experiments.faults import links
from experiments.probes.containers import ContainerProbe
from experiments.probes.nginx import NginxProbe
from experiments.probes.postgres import PostgresProbe
from experiments.probes.processes import ProcessProbe
from experiments.probes.rabbitmq import RabbitmqProbe
from experiments.probes.redis import RedisProbe, connect
from experiments.probes.replicas import ReplicaProbe
from experiments.probes.sampler import Probe
from experiments.runner.api_read import ApiReader
from experiments.runner.database_read import DatabaseReader
from experiments.runner.final_read import read_after
from experiments.runner.interfaces import Platform
from experiments.runner.looks import After, Asked, Before, Clock
from infra import operations
from infra.deployment import Deployment, Role

KEYS_AT_ONCE: Final = 1000
"""That Redis looks at in one step of a scan."""
MS_PER_S: Final = 1000


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

    def hold_back(self, deployment: Deployment, delay_us: float) -> None:
        """Let the links between the gateway and the services hold every answer back for so long."""
        links.hold_back(deployment, delay_us)

    def read_through(self, deployment: Deployment, paths: Sequence[str]) -> None:
        """Read each path once through the gateway.

        Raises:
            TrialError: one can't be read.
        """
        with ApiReader(deployment.endpoints.gateway_url, time.monotonic) as api:
            api.read_each(paths)

    def age_cache(self, deployment: Deployment, *, seed: int, lead_s: float) -> None:
        """Shorten the lives of what is cached to those of the steady state, counted from ``lead_s`` from now; none is made longer.

        What has no time to live is no entry: the tokens by which the services know what is valid.

        Raises:
            TrialError: Redis doesn't answer.
        """
        if deployment.credentials.cache_url is None:
            return
        client = connect(deployment.credentials.cache_url)
        try:
            _age(client, deployment.topology.cache.ttl_s, seed=seed, lead_ms=round(lead_s * MS_PER_S))
        except redis.RedisError as error:
            raise TrialError(f"the entries of the cache could not be aged ({type(error).__name__})") from None
        finally:
            client.close()

    def probes(self, deployment: Deployment, *, replicas: bool) -> list[Probe]:
        """One of each kind, one for each database and, if wanted, one for each replica."""
        credentials = deployment.credentials
        upstreams = {node.upstream: node.name for node in deployment.nodes if node.upstream is not None}
        probes: list[Probe] = [
            self._usage_probe(deployment),
            RabbitmqProbe(credentials.broker_management_url, credentials.broker_vhost, _only(deployment, Role.BROKER)),
            NginxProbe(operations.access_log(deployment), upstreams),
        ]
        probes += [PostgresProbe(service, partial(self._dsn, service)) for service in credentials.database_dsns]
        if credentials.cache_url is not None:
            probes.append(RedisProbe(self._cache_url, _only(deployment, Role.CACHE)))
        if replicas and deployment.topology.software.implementation == "product":
            names = [node.name for node in deployment.nodes if node.role is Role.SERVICE]
            probes += [ReplicaProbe(name, partial(self._address, name)) for name in names]
        return probes

    def _address(self, name: str) -> tuple[str, int]:
        node = self._platform.current().node(name)
        if node.port is None:
            raise KeyError(name)
        return node.host, node.port

    def _dsn(self, service: str) -> SecretStr:
        return self._platform.current().credentials.database_dsns[service]

    def _cache_url(self) -> SecretStr:
        url = self._platform.current().credentials.cache_url
        if url is None:
            raise ProbeError("there is no cache any more")
        return url

    def _usage_probe(self, deployment: Deployment) -> Probe:
        if containers := operations.container_control(deployment):
            return ContainerProbe(containers.usage)
        return ProcessProbe(lambda: {node.name: self._platform.processes(node.name) for node in deployment.nodes})

    def look_before(self, deployment: Deployment) -> Before | None:
        """Read the business state before the load."""
        databases = _databases(deployment, time.monotonic)
        return None if databases is None else databases.before()

    def look_after(self, deployment: Deployment, asked: Asked, clock: Clock) -> After:
        """Wait until nothing is under way, then read the business state through the API and from each database."""
        with ApiReader(deployment.endpoints.gateway_url, clock) as api:
            databases = _databases(self._platform.current(), clock)
            return read_after(api, databases, asked, clock=clock, timeout_s=self._settle_timeout_s, sleep=self._sleep)


def _age(client: redis.Redis, ttl_s: float, *, seed: int, lead_ms: int) -> None:
    keys = list(client.scan_iter(count=KEYS_AT_ONCE))
    with client.pipeline(transaction=False) as pipe:
        for key in keys:
            pipe.pttl(key)
        left_ms = dict(zip(keys, pipe.execute(), strict=True))
        for key, life_ms in aged_ms(left_ms, ttl_s, seed=seed, lead_ms=lead_ms).items():
            pipe.pexpire(key, life_ms)
        pipe.execute()


def _databases(deployment: Deployment, clock: Clock) -> DatabaseReader | None:
    """What reads the tables; only the product's are known."""
    dsns = deployment.credentials.reader_dsns
    return DatabaseReader(dsns, clock) if dsns and deployment.topology.software.implementation == "product" else None


def _only(deployment: Deployment, role: Role) -> str:
    return next(node.name for node in deployment.nodes if node.role is role)
