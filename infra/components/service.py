"""The replicas of one FastAPI service."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import pulumi
from pydantic import Field

from infra.components.application import module, revision
from infra.components.base import TYPE, Config
from infra.deployment import Role
from infra.targets.declaration import HttpCheck, NodeDeclaration, Software
from infra.targets.target import Target
from infra.topology import Implementation


class ServiceConfig(Config):
    """How many replicas, and how each works."""

    name: str = Field(pattern=r"^[a-z]+$")
    replicas: int = Field(ge=1, le=16)
    threads: int = Field(ge=1, le=64)
    pool_size: int = Field(ge=1, le=64)
    fast_paths: bool = True
    implementation: Implementation = "product"
    settings: dict[str, str] = Field(default_factory=dict)
    """Environment that only this service has."""


class Service(pulumi.ComponentResource):
    """The replicas; ``backends`` gives a replica's URLs by environment variable, such as that of its cache."""

    ports: Sequence[pulumi.Output[int]]
    """Where each replica listens; known before it does."""
    nodes: pulumi.Output[list[NodeDeclaration]]

    def __init__(
        self,
        config: ServiceConfig,
        target: Target,
        *,
        backends: Callable[[str], dict[str, pulumi.Output[str]]],
        opts: pulumi.ResourceOptions | None = None,
    ) -> None:
        super().__init__(f"{TYPE}Service", config.name, None, opts)
        self.ports = []
        declarations = []
        for number in range(1, config.replicas + 1):
            name = f"{config.name}-{number}"
            port = target.port(name, parent=self)
            urls = pulumi.Output.all(**backends(name))
            declaration = pulumi.Output.all(name, port, urls).apply(lambda known: declare(config, *known))
            target.node(name, declaration, parent=self)
            self.ports.append(port)
            declarations.append(declaration)
        self.nodes = pulumi.Output.all(*declarations).apply(list)
        self.register_outputs({})


def declare(config: ServiceConfig, name: str, port: int, urls: dict[str, str]) -> NodeDeclaration:
    """One replica as a node."""
    return NodeDeclaration(
        name=name,
        role=Role.SERVICE,
        group=config.name,
        software=Software.APPLICATION,
        arguments=(module(config.implementation, config.name),),
        environment={
            "SPIRE_HOST": "127.0.0.1",
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
