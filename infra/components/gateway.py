"""NGINX: the public side for clients, the internal side for the workers' questions to the services."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import pulumi

from infra.components import nginx
from infra.components.base import TYPE, Config
from infra.deployment import Role
from infra.targets.declaration import HttpCheck, NodeDeclaration, Place, PublishedPort, Software
from infra.targets.target import INSIDE, PUBLIC, PublicPort, RunningNode, Target

PORT = 8080
INTERNAL_PORT = 8081


class GatewayConfig(Config):
    """What it is called, and how patient it is."""

    node: str = "gateway"
    tuning: nginx.Tuning


class Gateway(pulumi.ComponentResource):
    """The server; its ports are made outside: the public one is checked first, the internal one the services have to know."""

    url: pulumi.Output[str]
    access_log: str
    nodes: Sequence[RunningNode]

    def __init__(
        self,
        config: GatewayConfig,
        target: Target,
        *,
        public: PublicPort,
        internal_port: pulumi.Output[int],
        replicas: Mapping[str, Sequence[pulumi.Output[str]]],
        opts: pulumi.ResourceOptions | None = None,
    ) -> None:
        missing = sorted({*nginx.PUBLIC_ROUTES.values(), *nginx.INTERNAL_ROUTES.values()} - {name for name in replicas if replicas[name]})
        if missing:
            raise ValueError(f"the gateway routes to {', '.join(missing)}, of which it was given no replica")
        super().__init__(f"{TYPE}Gateway", config.node, None, opts)
        place = target.place(config.node)
        self.access_log = place.access_log
        values = pulumi.Output.all(
            listen_port=public.listen,
            public_port=public.public,
            internal_port=internal_port,
            replicas=pulumi.Output.all(**{name: pulumi.Output.all(*addresses) for name, addresses in replicas.items()}),
        )
        declaration = values.apply(lambda known: declare(config, place, **known))
        node = target.node(config.node, declaration, networks=[INSIDE, PUBLIC], parent=self)
        self.url = public.public.apply(lambda port: f"http://127.0.0.1:{port}")
        self.nodes = [node]
        self.register_outputs({})


def declare(
    config: GatewayConfig, place: Place, *, listen_port: int, public_port: int, internal_port: int, replicas: Mapping[str, Sequence[str]]
) -> NodeDeclaration:
    """The server as a node."""
    text, digest = nginx.render(config.tuning, place, listen_port, internal_port, replicas)
    return NodeDeclaration(
        name=config.node,
        role=Role.GATEWAY,
        group=config.node,
        software=Software.NGINX,
        arguments=("-p", place.config, "-e", "stderr", "-c", f"{place.config}/nginx.conf"),
        files={"nginx.conf": text},
        port=listen_port,
        published=(PublishedPort(listen=listen_port, public=public_port),),
        readiness=(
            HttpCheck(url=f"http://127.0.0.1:{listen_port}/healthz"),
            HttpCheck(url=f"http://127.0.0.1:{internal_port}{nginx.CONFIGURATION_PATH}", body=digest),
        ),
        reload_signal="HUP",
    )
