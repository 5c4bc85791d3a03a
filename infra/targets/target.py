"""What a component may ask of a target."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

import pulumi

from infra.targets.declaration import NodeDeclaration, Place


class Target(Protocol):
    """Makes nodes real; everything that it makes is a Pulumi resource."""

    @property
    def name(self) -> str:
        """What the deployment says it runs on."""
        ...

    def place(self, node: str) -> Place:
        """Where the node of that name will find its things."""
        ...

    def port(self, name: str, *, wanted: int = 0, factor: str = "", parent: pulumi.Resource | None = None) -> pulumi.Output[int]:
        """A port to listen on: ``wanted``, which ``factor`` sets, or any free one for 0."""
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
        parent: pulumi.Resource,
        depends_on: Sequence[pulumi.Resource] = (),
    ) -> pulumi.Resource:
        """A running node, ready when the resource is there."""
        ...
