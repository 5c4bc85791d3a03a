"""The ``process`` target: every node a native process of this machine, on loopback, under supervisord."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pulumi

from infra.home import Home
from infra.targets.declaration import NodeDeclaration, Place
from infra.targets.process.resources import NodeResource, Password, Port, SupervisorResource
from infra.targets.process.software import Commands
from infra.toolchain import ServerBinaries


class ProcessTarget:
    """Makes nodes real as processes of the deployment in ``home``."""

    name = "process"

    def __init__(self, home: Home, binaries: ServerBinaries) -> None:
        self._home = home
        self._commands = Commands(binaries, home.path)
        self._supervisor: SupervisorResource | None = None

    def place(self, node: str) -> Place:
        """Folders below the deployment's."""
        return Place(
            host="127.0.0.1",
            config=str(self._home.node_dir(node)),
            data=str(self._home.data_dir(node)),
            log=str(self._home.log_file(node)),
        )

    def port(self, name: str, *, wanted: int = 0, factor: str = "", parent: pulumi.Resource | None = None) -> pulumi.Output[int]:
        """A port of 127.0.0.1."""
        opts = pulumi.ResourceOptions(parent=parent)
        return Port(name, home=str(self._home.path), wanted=wanted, factor=factor, opts=opts).port.apply(int)

    def password(self, name: str, *, parent: pulumi.Resource | None = None) -> pulumi.Output[str]:
        """A password kept in the deployment's folder."""
        return Password(name, home=str(self._home.path), opts=pulumi.ResourceOptions(parent=parent)).value

    def prepare(self, *, after: Sequence[pulumi.Output[int]]) -> None:
        """Start supervisord."""
        own_port = pulumi.Output.all(self.port("supervisor"), *after).apply(lambda values: values[0])
        self._supervisor = SupervisorResource("supervisor", home=str(self._home.path), port=own_port, opts=pulumi.ResourceOptions())

    def node(
        self,
        name: str,
        declaration: pulumi.Output[NodeDeclaration],
        *,
        parent: pulumi.Resource,
        depends_on: Sequence[pulumi.Resource] = (),
    ) -> pulumi.Resource:
        """A supervised process."""
        if self._supervisor is None:
            raise RuntimeError("prepare() comes before node()")
        inputs: dict[str, Any] = {
            "home": str(self._home.path),
            "generation": self._supervisor.generation,
            "declaration": declaration.apply(lambda value: value.model_dump(mode="json")),
            "launch": declaration.apply(lambda value: self._commands.launch(value, self.place(name)).model_dump(mode="json")),
        }
        return NodeResource(name, inputs=inputs, opts=pulumi.ResourceOptions(parent=parent, depends_on=list(depends_on)))
