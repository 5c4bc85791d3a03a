"""The process target as Pulumi dynamic resources: a supervisor, a node.

The providers hold no state of their own and find everything in a resource's inputs, so that either engine can call them:
the Pulumi CLI in a process of its own, the embedded engine by the class. In a preview an input may be unknown yet.
"""

from __future__ import annotations

import secrets
import threading
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pulumi
from pulumi.dynamic import ConfigureRequest, CreateResult, DiffResult, ReadResult, Resource, ResourceProvider, UpdateResult
from pulumi.output import Unknown
from pydantic import BaseModel, ConfigDict

from infra.home import Home
from infra.progress import Silence, Watch
from infra.settings import Settings
from infra.targets.declaration import NodeDeclaration
from infra.targets.process.node import ProcessNode
from infra.targets.process.software import Launch
from infra.targets.process.supervisor import Supervisor
from infra.targets.reserved import TYPE_PREFIX, Properties, reserving_providers

CANCELLED = threading.Event()
"""In the process that the Pulumi CLI runs the providers in: nodes are not waited for any longer."""


class NodeInputs(BaseModel):
    """What a node resource is made of."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    home: str
    generation: str
    """Which start of the supervisor it belongs to: with another one its processes are gone."""
    declaration: NodeDeclaration
    launch: Launch

    @property
    def node(self) -> ProcessNode:
        """The node itself."""
        return ProcessNode(Home(Path(self.home)), self.declaration)


class SupervisorProvider(ResourceProvider):
    """Runs supervisord."""

    def create(self, props: Properties) -> CreateResult:
        """Start it; whatever ran under an earlier one is ended."""
        Supervisor(Home(Path(props["home"]))).launch(int(props["port"]))
        generation = secrets.token_hex(8)
        return CreateResult(generation, {**props, "generation": generation})

    def diff(self, _id: str, olds: Properties, news: Properties) -> DiffResult:
        """Another port needs another supervisord; one not known yet is the same, for it only waits there for ports that nodes want."""
        changed = ["port"] if not isinstance(news["port"], Unknown) and int(olds["port"]) != int(news["port"]) else []
        return DiffResult(changes=bool(changed), replaces=changed, delete_before_replace=True)

    def read(self, id_: str, props: Properties) -> ReadResult:
        """It is there as long as it answers."""
        return ReadResult(id_, props) if Supervisor(Home(Path(props["home"]))).is_up() else _gone()

    def delete(self, _id: str, props: Properties) -> None:
        """End it, and every process of the deployment."""
        Supervisor(Home(Path(props["home"]))).shut_down()


class NodeProvider(ResourceProvider):
    """Runs one node under the supervisor."""

    def __init__(self, watch: Watch | None = None) -> None:
        super().__init__()
        self._watch = watch

    def configure(self, _request: ConfigureRequest) -> None:
        """Be told that the Pulumi CLI runs it, which shows progress itself."""
        self._watch = Watch(Silence(), Settings().ready_timeout_s, CANCELLED)

    def create(self, props: Properties) -> CreateResult:
        """Start it, and wait until it is ready."""
        inputs = NodeInputs.model_validate(props)
        inputs.node.create(inputs.launch, self._watch or Watch())
        return CreateResult(inputs.declaration.name, props)

    def diff(self, _id: str, olds: Properties, news: Properties) -> DiffResult:
        """Configuration files can be taken over by some servers; everything else takes a new process."""
        if unknown := [key for key in ("generation", "launch", "declaration") if isinstance(news[key], Unknown)]:
            return _diff_of_unknown(unknown, NodeDeclaration.model_validate(olds["declaration"]))
        old, new = NodeInputs.model_validate(olds), NodeInputs.model_validate(news)
        if old == new:
            return DiffResult(changes=False)
        reloadable = new.declaration.reload_signal is not None and _without_files(old) == _without_files(new)
        replaces = [] if reloadable else [key for key in ("generation", "launch", "declaration") if getattr(old, key) != getattr(new, key)]
        return DiffResult(changes=True, replaces=replaces, delete_before_replace=True)

    def update(self, _id: str, _olds: Properties, news: Properties) -> UpdateResult:
        """Take over changed files without a restart."""
        inputs = NodeInputs.model_validate(news)
        inputs.node.reload(inputs.launch, self._watch or Watch())
        return UpdateResult(news)

    def read(self, id_: str, props: Properties) -> ReadResult:
        """It is there as long as its first process lives."""
        return ReadResult(id_, props) if NodeInputs.model_validate(props).node.main_process() else _gone()

    def delete(self, _id: str, props: Properties) -> None:
        """Stop it; its data stays."""
        NodeInputs.model_validate(props).node.delete()


def _gone() -> ReadResult:
    return ReadResult("", {})  # with no properties at all, the SDK's server of dynamic providers fails


def _diff_of_unknown(unknown: list[str], old: NodeDeclaration) -> DiffResult:
    """What a preview can say: a server that takes over files is told of new ports by them, any other needs a new process."""
    replaces = [] if old.reload_signal is not None and "generation" not in unknown else unknown
    return DiffResult(changes=True, replaces=replaces, delete_before_replace=True)


def _without_files(inputs: NodeInputs) -> NodeInputs:
    declaration = inputs.declaration.model_copy(update={"files": {}, "readiness": ()})  # what is asked may quote the files
    return inputs.model_copy(update={"declaration": declaration})


class SupervisorResource(Resource, module="process", name="Supervisor"):
    """The parent of all nodes' processes."""

    generation: pulumi.Output[str]

    def __init__(self, name: str, *, home: str, port: pulumi.Input[int], opts: pulumi.ResourceOptions) -> None:
        super().__init__(SupervisorProvider(), name, {"home": home, "port": port, "generation": None}, opts)


class NodeResource(Resource, module="process", name="Node"):
    """A node, ready to serve."""

    def __init__(self, name: str, *, inputs: Mapping[str, pulumi.Input[Any]], opts: pulumi.ResourceOptions) -> None:
        super().__init__(NodeProvider(), name, dict(inputs), opts)


def providers(watch: Watch) -> dict[str, ResourceProvider]:
    """The provider of each resource type, for an engine that calls them itself."""
    return {
        **reserving_providers(),
        f"{TYPE_PREFIX}Supervisor": SupervisorProvider(),
        NODE_TYPE: NodeProvider(watch),
    }


NODE_TYPE = f"{TYPE_PREFIX}Node"
