"""The enrolment workers."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import pulumi
from pydantic import Field

from infra.components.application import WORKER, module, revision
from infra.components.base import TYPE, Config
from infra.deployment import Role
from infra.targets.declaration import HttpCheck, NodeDeclaration, Software
from infra.targets.target import INSIDE, RunningNode, Target
from infra.topology import Implementation

_HEALTH_PORT = 8000


class WorkerConfig(Config):
    """How many, and how much each takes at a time."""

    name: str = Field("worker", pattern=r"^[a-z]+$")
    replicas: int = Field(ge=1, le=16)
    prefetch: int = Field(ge=1, le=1000)
    delivery_limit: int = Field(ge=1, le=1000)
    implementation: Implementation = "product"


class Worker(pulumi.ComponentResource):
    """The worker processes; ``backends`` gives a worker's URLs by environment variable, and ``networks`` lead to its database."""

    nodes: Sequence[RunningNode]

    def __init__(
        self,
        config: WorkerConfig,
        target: Target,
        *,
        backends: Callable[[str], dict[str, pulumi.Output[str]]],
        networks: Sequence[str] = (),
        opts: pulumi.ResourceOptions | None = None,
    ) -> None:
        super().__init__(f"{TYPE}Worker", config.name, None, opts)
        self.nodes = []
        for number in range(1, config.replicas + 1):
            name = f"{config.name}-{number}"
            health_port = target.port(name, usual=_HEALTH_PORT, parent=self)
            urls = pulumi.Output.all(**backends(name))
            declaration = pulumi.Output.all(name, health_port, urls).apply(lambda known: declare(config, *known))
            self.nodes.append(target.node(name, declaration, networks=[INSIDE, *networks], parent=self))
        self.register_outputs({})


def declare(config: WorkerConfig, name: str, health_port: int, urls: dict[str, str]) -> NodeDeclaration:
    """One worker as a node."""
    return NodeDeclaration(
        name=name,
        role=Role.WORKER,
        group=config.name,
        software=Software.APPLICATION,
        arguments=(module(config.implementation, WORKER),),
        environment={
            "SPIRE_HEALTH_PORT": str(health_port),
            "SPIRE_REPLICA": name,
            "SPIRE_PREFETCH": str(config.prefetch),
            "SPIRE_DELIVERY_LIMIT": str(config.delivery_limit),
            **urls,
        },
        readiness=(HttpCheck(url=f"http://127.0.0.1:{health_port}/readyz"),),
        revision=revision(config.implementation),
    )
