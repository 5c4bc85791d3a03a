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

    url: pulumi.Output[str]
    nodes: pulumi.Output[list[NodeDeclaration]]

    def __init__(self, config: CacheConfig, target: Target, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__(f"{TYPE}Cache", config.node, None, opts)
        place = target.place(config.node)
        values = pulumi.Output.all(target.port(config.node, parent=self), target.password(config.node, parent=self))
        declaration = values.apply(lambda known: declare(config, place, *known))
        target.node(config.node, declaration, parent=self)
        self.url = values.apply(lambda known: f"redis://:{known[1]}@127.0.0.1:{known[0]}/0")
        self.nodes = declaration.apply(lambda node: [node])
        self.register_outputs({})


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
