"""The links: one proxy program that every connection between two nodes goes through, where a topology asks for it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import pulumi

from infra.components.application import digest
from infra.components.base import TYPE, Config, address
from infra.deployment import Link, Role
from infra.links.conditions import Configuration, Route
from infra.links.edges import Edge
from infra.settings import REPOSITORY
from infra.targets.declaration import HttpCheck, NodeDeclaration, Place, Software
from infra.targets.target import INSIDE, RunningNode, Target

_CONFIGURATION = "links.json"
_CONTROL_PORT = 20000
"""The links' own usual ports follow it."""
_PACKAGE = "infra.links"


class LinksConfig(Config):
    """What they are called, and where they are."""

    node: str = "links"
    edges: tuple[Edge, ...]
    networks: Mapping[str, str]
    """Those in which a server is, by its name, where that is another one than :data:`INSIDE`: its links are in no other either."""

    def network_of(self, edge: Edge) -> str:
        """The one network in which the link of an edge is reached."""
        return self.networks.get(edge.server, INSIDE)


@dataclass(frozen=True)
class Server:
    """What a link leads to."""

    address: pulumi.Output[str]
    """``host:port`` for the other nodes."""
    node: RunningNode


class Links(pulumi.ComponentResource):
    """Addresses first, because clients have to know them before servers are there; then :meth:`run`."""

    addresses: Mapping[Edge, pulumi.Output[str]]
    """``host:port`` of each link, for the clients."""
    nodes: Sequence[RunningNode]
    described: pulumi.Output[list[dict[str, Any]]]
    """Each as a :class:`infra.deployment.Link`."""
    url: pulumi.Output[str]
    """Of the control side."""
    token: pulumi.Output[str]

    def __init__(self, config: LinksConfig, target: Target, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__(f"{TYPE}Links", config.node, None, opts)
        self._config = config
        self._target = target
        self._place = target.place(config.node)
        usual = {edge: _CONTROL_PORT + number for number, edge in enumerate(config.edges, start=1)}
        self._ports = {edge: target.port(f"{edge.client}-to-{edge.server}", usual=usual[edge], parent=self) for edge in config.edges}
        self.addresses = {
            edge: pulumi.Output.all(self._place.host_in(config.network_of(edge)), port).apply(address) for edge, port in self._ports.items()
        }
        self._control_port = target.port(config.node, usual=_CONTROL_PORT, parent=self)
        self.token = target.password(config.node, parent=self)

    def run(self, servers: Mapping[str, Server]) -> None:
        """Run the program; ``servers`` are those that the edges lead to, by name."""
        config = self._config
        routes = pulumi.Output.all(
            *(
                pulumi.Output.all(
                    edge, self._place.host_in(config.network_of(edge)), self._ports[edge], servers[edge.server].address
                ).apply(lambda known: route(*known))
                for edge in config.edges
            )
        )
        declaration = pulumi.Output.all(routes, self._control_port, self.token).apply(
            lambda known: declare(self._config, self._place, *known)
        )
        node = self._target.node(config.node, declaration, networks=[INSIDE, *dict.fromkeys(config.networks.values())], parent=self)
        self.nodes = [node]
        self.url = pulumi.Output.all(node.host, self._control_port).apply(lambda known: f"http://{address(known)}")
        ways = [pulumi.Output.all(edge, node.hosts[config.network_of(edge)], servers[edge.server].node.host) for edge in config.edges]
        self.described = pulumi.Output.all(routes, pulumi.Output.all(*ways)).apply(
            lambda known: [describe(found, *way) for found, way in zip(*known, strict=True)]
        )
        self.register_outputs({})


def route(edge: Edge, listen: str, port: int, server: str) -> Route:
    """Where the link of an edge listens, and where it leads."""
    host, _, server_port = server.rpartition(":")
    return Route(name=edge.name, listen_host=listen, listen_port=port, server_host=host, server_port=int(server_port))


def describe(found: Route, edge: Edge, host: str, server_host: str) -> dict[str, Any]:
    """A link as the deployment tells of it, with the addresses at which the lab reaches it and its server."""
    link = Link(
        name=edge.name,
        client=edge.client,
        server=edge.server,
        host=host,
        port=found.listen_port,
        server_host=server_host,
        server_port=found.server_port,
    )
    return link.model_dump(mode="json")


def declare(config: LinksConfig, place: Place, routes: list[Route], control_port: int, token: str) -> NodeDeclaration:
    """The program as a node."""
    configuration = Configuration(control_host=place.listen, control_port=control_port, token=token, routes=tuple(routes))
    return NodeDeclaration(
        name=config.node,
        role=Role.SUPPORT,
        group=config.node,
        software=Software.LINKS,
        arguments=(f"{place.config}/{_CONFIGURATION}",),
        files={_CONFIGURATION: configuration.model_dump_json(indent=1)},
        port=control_port,
        readiness=(HttpCheck(url=f"http://127.0.0.1:{control_port}/healthz"),),
        revision=digest(REPOSITORY, _PACKAGE),
    )
