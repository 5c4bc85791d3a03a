"""NGINX: the public side for clients, the internal side for the workers' questions to the services."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import pulumi

from infra.components import nginx
from infra.components.base import TYPE, Config
from infra.deployment import Role
from infra.targets.declaration import HttpCheck, NodeDeclaration, Place, Software
from infra.targets.target import Target


class GatewayConfig(Config):
    """What it is called, and how patient it is."""

    node: str = "gateway"
    tuning: nginx.Tuning


class Gateway(pulumi.ComponentResource):
    """The server; its ports are made outside: the public one is checked first, the internal one the services have to know."""

    url: pulumi.Output[str]
    access_log: str
    nodes: pulumi.Output[list[NodeDeclaration]]

    def __init__(
        self,
        config: GatewayConfig,
        target: Target,
        *,
        public_port: pulumi.Output[int],
        internal_port: pulumi.Output[int],
        replicas: Mapping[str, Sequence[pulumi.Output[int]]],
        opts: pulumi.ResourceOptions | None = None,
    ) -> None:
        missing = sorted({*nginx.PUBLIC_ROUTES.values(), *nginx.INTERNAL_ROUTES.values()} - {name for name in replicas if replicas[name]})
        if missing:
            raise ValueError(f"the gateway routes to {', '.join(missing)}, of which it was given no replica")
        super().__init__(f"{TYPE}Gateway", config.node, None, opts)
        place = target.place(config.node)
        self.access_log = access_log_of(place)
        values = pulumi.Output.all(
            public_port=public_port,
            internal_port=internal_port,
            replicas=pulumi.Output.all(**{name: pulumi.Output.all(*ports) for name, ports in replicas.items()}),
        )
        declaration = values.apply(lambda known: declare(config, place, **known))
        target.node(config.node, declaration, parent=self)
        self.url = public_port.apply(lambda port: f"http://127.0.0.1:{port}")
        self.nodes = declaration.apply(lambda node: [node])
        self.register_outputs({})


def access_log_of(place: Place) -> str:
    """Where NGINX writes one JSON object a request."""
    return place.log.removesuffix(".log") + "-access.log"


def declare(
    config: GatewayConfig, place: Place, *, public_port: int, internal_port: int, replicas: Mapping[str, Sequence[int]]
) -> NodeDeclaration:
    """The server as a node."""
    text, digest = nginx.render(config.tuning, place, access_log_of(place), public_port, internal_port, replicas)
    return NodeDeclaration(
        name=config.node,
        role=Role.GATEWAY,
        group=config.node,
        software=Software.NGINX,
        arguments=("-p", place.config, "-e", "stderr", "-c", f"{place.config}/nginx.conf"),
        files={"nginx.conf": text},
        port=public_port,
        readiness=(
            HttpCheck(url=f"http://{place.host}:{public_port}/healthz"),
            HttpCheck(url=f"http://{place.host}:{internal_port}{nginx.CONFIGURATION_PATH}", body=digest),
        ),
        reload_signal="HUP",
    )
