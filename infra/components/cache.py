"""Redis, as the services' cache: it may forget anything, and keeps nothing on disk."""

from __future__ import annotations

from collections.abc import Sequence

import pulumi
from pydantic import Field

from infra.components.base import TYPE, Config
from infra.deployment import Role
from infra.targets.declaration import ExchangeCheck, NodeDeclaration, Place, Software
from infra.targets.target import INSIDE, RunningNode, Target

PORT = 6379


class CacheConfig(Config):
    """How much it may hold."""

    memory_mib: int = Field(ge=8, le=4096)
    node: str = "cache"


class Cache(pulumi.ComponentResource):
    """The server."""

    url: pulumi.Output[str]
    """For the services."""
    probe_url: pulumi.Output[str]
    """For the lab's probes."""
    nodes: Sequence[RunningNode]

    def __init__(self, config: CacheConfig, target: Target, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__(f"{TYPE}Cache", config.node, None, opts)
        place = target.place(config.node)
        values = pulumi.Output.all(target.port(config.node, usual=PORT, parent=self), target.password(config.node, parent=self))
        declaration = values.apply(lambda known: declare(config, place, *known))
        node = target.node(config.node, declaration, networks=[INSIDE], parent=self)
        self.url = values.apply(lambda known: _url(place.host, *known))
        self.probe_url = pulumi.Output.all(node.host, values).apply(lambda known: _url(known[0], *known[1]))
        self.nodes = [node]
        self.register_outputs({})


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
        "maxmemory-policy allkeys-lru",
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


def _url(host: str, port: int, password: str) -> str:
    return f"redis://:{password}@{host}:{port}/0"
