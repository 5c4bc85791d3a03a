"""The ``process`` target: every node a native process of this machine, on loopback, under supervisord."""

from __future__ import annotations

import os
from collections.abc import Sequence
from typing import Any

import pulumi

from infra.home import Home
from infra.targets.declaration import NodeDeclaration, Place
from infra.targets.process.resources import NodeResource, SupervisorResource
from infra.targets.process.software import Commands
from infra.targets.reserved import Password, Port
from infra.targets.target import PublicPort, RunningNode
from infra.toolchain import ServerBinaries

_LOOPBACK = "127.0.0.1"


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
            host=_LOOPBACK,
            listen=_LOOPBACK,
            as_root=os.geteuid() == 0,
            config=str(self._home.node_dir(node)),
            data=str(self._home.data_dir(node)),
            log=str(self._home.log_file(node)),
            access_log=str(self._home.log_file(f"{node}-access")),
        )

    def port(self, name: str, *, usual: int, parent: pulumi.Resource | None = None) -> pulumi.Output[int]:
        """Any free port of 127.0.0.1, which all nodes share."""
        del usual
        return self._port(name, 0, "", parent)

    def public_port(self, name: str, *, usual: int, wanted: int, factor: str) -> PublicPort:
        """A port of 127.0.0.1, which is where nodes listen too."""
        del usual
        port = self._port(name, wanted, factor, None)
        return PublicPort(listen=port, public=port)

    def _port(self, name: str, wanted: int, factor: str, parent: pulumi.Resource | None) -> pulumi.Output[int]:
        opts = pulumi.ResourceOptions(parent=parent)
        return Port(name, home=str(self._home.path), wanted=wanted, factor=factor, opts=opts).port.apply(int)

    def password(self, name: str, *, parent: pulumi.Resource | None = None) -> pulumi.Output[str]:
        """A password kept in the deployment's folder."""
        return Password(name, home=str(self._home.path), opts=pulumi.ResourceOptions(parent=parent)).value

    def prepare(self, *, after: Sequence[pulumi.Output[int]]) -> None:
        """Start supervisord."""
        own_port = pulumi.Output.all(self._port("supervisor", 0, "", None), *after).apply(lambda values: values[0])
        self._supervisor = SupervisorResource("supervisor", home=str(self._home.path), port=own_port, opts=pulumi.ResourceOptions())

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
        """A supervised process; on loopback all are in one network, and the deployment's folder keeps all data."""
        del keeps_data
        if self._supervisor is None:
            raise RuntimeError("prepare() comes before node()")
        inputs: dict[str, Any] = {
            "home": str(self._home.path),
            "generation": self._supervisor.generation,
            "declaration": declaration.apply(lambda value: value.model_dump(mode="json")),
            "launch": declaration.apply(lambda value: self._commands.launch(value, self.place(name)).model_dump(mode="json")),
        }
        resource = NodeResource(name, inputs=inputs, opts=pulumi.ResourceOptions(parent=parent, depends_on=list(depends_on)))
        return RunningNode(resource, declaration, dict.fromkeys(networks, pulumi.Output.from_input(_LOOPBACK)))

    def helper(
        self, name: str, declaration: pulumi.Output[NodeDeclaration], *, networks: Sequence[str], parent: pulumi.Resource
    ) -> RunningNode:
        """A process beside the others."""
        return self.node(name, declaration, networks=networks, parent=parent)
