"""The replicas of one FastAPI service."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import pulumi
from pydantic import Field

from infra.components.application import module, revision
from infra.components.base import TYPE, Config, address
from infra.deployment import Role
from infra.targets.declaration import HttpCheck, NodeDeclaration, Place, Software
from infra.targets.target import INSIDE, RunningNode, Target
from infra.topology import Implementation


class ServiceConfig(Config):
    """How many replicas, and how each works."""

    name: str = Field(pattern=r"^[a-z]+$")
    usual_port: int = Field(8000, ge=1, le=65535)
    replicas: int = Field(ge=1, le=16)
    threads: int = Field(ge=1, le=64)
    pool_size: int = Field(ge=1, le=64)
    fast_paths: bool = True
    implementation: Implementation = "product"
    settings: dict[str, str] = Field(default_factory=dict)
    """Environment that only this service has."""


class Service(pulumi.ComponentResource):
    """The replicas; ``backends`` gives a replica's URLs by environment variable, such as its cache's, and ``networks`` lead to them."""

    addresses: Sequence[pulumi.Output[str]]
    """``host:port`` of each replica for the other nodes; known before it listens there."""
    nodes: Sequence[RunningNode]

    def __init__(
        self,
        config: ServiceConfig,
        target: Target,
        *,
        backends: Callable[[str], dict[str, pulumi.Output[str]]],
        networks: Sequence[str] = (),
        opts: pulumi.ResourceOptions | None = None,
    ) -> None:
        super().__init__(f"{TYPE}Service", config.name, None, opts)
        self.addresses = []
        self.nodes = []
        for number in range(1, config.replicas + 1):
            name = f"{config.name}-{number}"
            place = target.place(name)
            port = target.port(name, usual=config.usual_port, parent=self)
            urls = pulumi.Output.all(**backends(name))
            declaration = pulumi.Output.all(name, place, port, urls).apply(lambda known: declare(config, *known))
            self.nodes.append(target.node(name, declaration, networks=[INSIDE, *networks], parent=self))
            self.addresses.append(pulumi.Output.all(place.host, port).apply(address))
        self.register_outputs({})


def declare(config: ServiceConfig, name: str, place: Place, port: int, urls: dict[str, str]) -> NodeDeclaration:
    """One replica as a node."""
    return NodeDeclaration(
        name=name,
        role=Role.SERVICE,
        group=config.name,
        software=Software.APPLICATION,
        arguments=(module(config.implementation, config.name),),
        environment={
            "SPIRE_HOST": place.listen,
            "SPIRE_PORT": str(port),
            "SPIRE_REPLICA": name,
            "SPIRE_THREADS": str(config.threads),
            "SPIRE_DATABASE_POOL_SIZE": str(config.pool_size),
            "SPIRE_FAST_PATHS": str(config.fast_paths).lower(),
            **config.settings,
            **urls,
        },
        port=port,
        readiness=(HttpCheck(url=f"http://127.0.0.1:{port}/readyz"),),
        revision=revision(config.implementation),
    )
