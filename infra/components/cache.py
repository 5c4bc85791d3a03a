"""Redis, as the services' cache: it may forget anything, and keeps nothing on disk."""

from __future__ import annotations

import pulumi
from pydantic import Field

from infra.components.base import TYPE, Config
from infra.deployment import Role
from infra.targets.declaration import ExchangeCheck, NodeDeclaration, Place, Software
from infra.targets.target import Target
from infra.topology import CACHE_EVICTION_POLICY


class CacheConfig(Config):
    """How much it may hold."""

    memory_mib: int = Field(ge=8, le=4096)
    node: str = "cache"


class Cache(pulumi.ComponentResource):
    """The server."""

    port: pulumi.Output[int]
    probe_url: pulumi.Output[str]
    """For the lab's probes."""
    nodes: pulumi.Output[list[NodeDeclaration]]

    def __init__(self, config: CacheConfig, target: Target, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__(f"{TYPE}Cache", config.node, None, opts)
        place = target.place(config.node)
        self.port = target.port(config.node, parent=self)
        self._password = target.password(config.node, parent=self)
        values = pulumi.Output.all(self.port, self._password)
        declaration = values.apply(lambda known: declare(config, place, *known))
        target.node(config.node, declaration, parent=self)
        self.probe_url = self.url(self.port)
        self.nodes = declaration.apply(lambda node: [node])
        self.register_outputs({})

    def url(self, port: pulumi.Output[int]) -> pulumi.Output[str]:
        """For the services, by a port that leads here."""
        return pulumi.Output.all(port, self._password).apply(lambda known: f"redis://:{known[1]}@127.0.0.1:{known[0]}/0")


def declare(config: CacheConfig, place: Place, port: int, password: str) -> NodeDeclaration:
    """The server as a node."""
    settings = (
        f"bind {place.host}",
        f"port {port}",
        "daemonize no",
        f"dir {place.data}",
        f"requirepass {password}",
        'save ""',
        "appendonly no",
        f"maxmemory {config.memory_mib}mb",
        f"maxmemory-policy {CACHE_EVICTION_POLICY}",
    )
    return NodeDeclaration(
        name=config.node,
        role=Role.CACHE,
        group=config.node,
        software=Software.REDIS,
        arguments=(f"{place.config}/redis.conf",),
        files={"redis.conf": "\n".join(settings) + "\n"},
        port=port,
        readiness=(ExchangeCheck(port=port, send=f"AUTH {password}\r\nPING\r\n", expect="+OK\r\n+PONG", protocol="PONG"),),
    )
