"""What a component may ask of a target."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

import pulumi

from infra.targets.declaration import NodeDeclaration, Place

INSIDE = "inside"
"""The network of the gateway, the services, the workers, the cache and the broker."""
PUBLIC = "public"
"""The network of what people reach."""


@dataclass(frozen=True)
class PublicPort:
    """A port that people and load generators reach."""

    listen: pulumi.Output[int]
    """Where the node listens."""
    public: pulumi.Output[int]
    """Where it is reached, on 127.0.0.1."""


@dataclass(frozen=True)
class RunningNode:
    """A node that is ready once its resource is there."""

    resource: pulumi.Resource
    declaration: pulumi.Output[NodeDeclaration]
    hosts: Mapping[str, pulumi.Output[str]]
    """The addresses at which the lab, which runs on the host, reaches its ports, by the networks that it joins."""

    @property
    def host(self) -> pulumi.Output[str]:
        """The one in its first network."""
        return next(iter(self.hosts.values()))


class Target(Protocol):
    """Makes nodes real; everything that it makes is a Pulumi resource."""

    @property
    def name(self) -> str:
        """What the deployment says it runs on."""
        ...

    def place(self, node: str) -> Place:
        """Where the node of that name will find its things."""
        ...

    def port(self, name: str, *, usual: int, parent: pulumi.Resource | None = None) -> pulumi.Output[int]:
        """A port to listen on: the ``usual`` one of such a server where the node has it to itself."""
        ...

    def public_port(self, name: str, *, usual: int, wanted: int, factor: str) -> PublicPort:
        """A port for people: ``wanted``, which ``factor`` sets, or any free one for 0."""
        ...

    def password(self, name: str, *, parent: pulumi.Resource | None = None) -> pulumi.Output[str]:
        """A generated password, the same each time for the same name until the deployment's volumes are removed."""
        ...

    def prepare(self, *, after: Sequence[pulumi.Output[int]]) -> None:
        """Make what every node stands on, once these ports are known to be had."""
        ...

    def node(
        self,
        name: str,
        declaration: pulumi.Output[NodeDeclaration],
        *,
        networks: Sequence[str],
        keeps_data: bool = False,
        parent: pulumi.Resource,
        depends_on: Sequence[pulumi.Resource] = (),
    ) -> RunningNode:
        """A running node.

        Args:
            name: of the node.
            declaration: what it is.
            networks: nodes reach each other where they share one; a target that can keeps all others out.
            keeps_data: whether its data outlives it.
            parent: the component that it belongs to.
            depends_on: what has to be ready first.
        """
        ...

    def helper(
        self, name: str, declaration: pulumi.Output[NodeDeclaration], *, networks: Sequence[str], parent: pulumi.Resource
    ) -> RunningNode | None:
        """What another node needs beside it on its host: a node, or None where each has a host to itself, with the helper in it."""
        ...
