"""A target and an engine that start nothing, and remember what was asked of them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import pulumi
from pulumi.runtime import mocks

from infra.engines.program import run_program
from infra.targets.declaration import NodeDeclaration, Place
from infra.targets.target import PublicPort, RunningNode


class RecordingTarget:
    """Numbers ports from 20001 on and names passwords after their use; nodes listen for others and people at addresses of their own."""

    name = "recording"

    def __init__(self) -> None:
        self.events: list[str] = []
        self.nodes: dict[str, NodeDeclaration] = {}
        self.ports: dict[str, int] = {}
        self.depends_on: dict[str, int] = {}
        self.networks: dict[str, tuple[str, ...]] = {}

    def place(self, node: str) -> Place:
        """Folders that do not exist."""
        return Place(
            host=f"{node}.test",
            listen="127.0.0.9",
            config=f"/config/{node}",
            data=f"/data/{node}",
            log=f"/logs/{node}.log",
            access_log=f"/logs/{node}-access.log",
        )

    def port(self, name: str, *, usual: int, parent: pulumi.Resource | None = None) -> pulumi.Output[int]:
        """The next one."""
        del usual, parent
        self.events.append(f"port {name}")
        self.ports[name] = 20001 + len(self.ports)
        return pulumi.Output.from_input(self.ports[name])

    def public_port(self, name: str, *, usual: int, wanted: int, factor: str) -> PublicPort:
        """The next one, reached at the wanted one."""
        del factor
        return PublicPort(self.port(name, usual=usual), pulumi.Output.from_input(wanted))

    def password(self, name: str, *, parent: pulumi.Resource | None = None) -> pulumi.Output[str]:
        """No secret."""
        del parent
        return pulumi.Output.from_input(f"password-of-{name}")

    def prepare(self, *, after: Sequence[pulumi.Output[int]]) -> None:
        """Remember when."""
        self.events.append(f"prepare after {len(after)} ports")

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
        """Remember the declaration."""
        self.events.append(f"node {name}{' with data' if keeps_data else ''}")
        self.depends_on[name] = len(depends_on)
        self.networks[name] = tuple(networks)
        declaration.apply(lambda value: self.nodes.update({name: value}))
        return RunningNode(parent, declaration, dict.fromkeys(networks, pulumi.Output.from_input(f"{name}.lab")))

    def helper(
        self, name: str, declaration: pulumi.Output[NodeDeclaration], *, networks: Sequence[str], parent: pulumi.Resource
    ) -> RunningNode:
        """A node."""
        return self.node(name, declaration, networks=networks, parent=parent)


class Registrations(mocks.Mocks):
    """Every registration, as type and name."""

    def __init__(self) -> None:
        self.seen: list[tuple[str, str]] = []

    def new_resource(self, args: mocks.MockResourceArgs) -> tuple[str | None, dict[Any, Any]]:
        """Remember it."""
        self.seen.append((args.typ, args.name))
        return f"{args.name}-id", dict(args.inputs)

    def call(self, args: mocks.MockCallArgs) -> tuple[dict[Any, Any], list[tuple[str, str]] | None]:
        """Nothing calls a function."""
        raise NotImplementedError(args.token)


def run(program: Callable[[], pulumi.Output[Any]]) -> tuple[Any, Registrations]:
    """Run a Pulumi program that starts nothing; what it returned, and what it registered."""
    registrations = Registrations()
    result = run_program(lambda: program().apply(lambda value: {"value": value}), mocks.MockMonitor(registrations), "test")
    return result["value"], registrations
