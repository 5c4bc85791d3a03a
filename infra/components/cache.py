"""Redis, as the services' cache: it may forget anything, and keeps nothing on disk."""

from __future__ import annotations

from collections.abc import Sequence

import pulumi
from pydantic import Field

from infra.components.base import TYPE, Config, address
from infra.deployment import Role
from infra.targets.declaration import ExchangeCheck, NodeDeclaration, Place, Software
from infra.targets.target import INSIDE, RunningNode, Target
from infra.topology import CACHE_EVICTION_POLICY

PORT = 6379


class CacheConfig(Config):
    """How much it may hold."""

    memory_mib: int = Field(ge=8, le=4096)
    node: str = "cache"


class Cache(pulumi.ComponentResource):
    """The server."""

    address: pulumi.Output[str]
    """``host:port`` for the other nodes."""
    probe_url: pulumi.Output[str]
    """For the lab's probes."""
    nodes: Sequence[RunningNode]

    def __init__(self, config: CacheConfig, target: Target, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__(f"{TYPE}Cache", config.node, None, opts)
        place = target.place(config.node)
        port = target.port(config.node, usual=PORT, parent=self)
        self.address = pulumi.Output.all(place.host, port).apply(address)
        self._password = target.password(config.node, parent=self)
        declaration = pulumi.Output.all(port, self._password).apply(lambda known: declare(config, place, *known))
        node = target.node(config.node, declaration, networks=[INSIDE], parent=self)
        self.probe_url = self.url(pulumi.Output.all(node.host, port).apply(address))
        self.nodes = [node]
        self.register_outputs({})

    def url(self, by: pulumi.Output[str]) -> pulumi.Output[str]:
        """For the services, by an address that leads here."""
        return pulumi.Output.all(by, self._password).apply(lambda known: f"redis://:{known[1]}@{known[0]}/0")


def declare(config: CacheConfig, place: Place, port: int, password: str) -> NodeDeclaration:
    """The server as a node."""
    settings = (
        f"bind {place.listen}",
        f"port {port}",
        "daemonize no",
        f"dir {place.config}",
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
