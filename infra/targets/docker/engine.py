"""A deployment's containers as the engine has them: found by label, killed, started, read; and what outlives them, removed."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import docker
import docker.errors
from docker.models.containers import Container

from infra.errors import CancelledError, NodeError
from infra.progress import Watch
from infra.targets.docker.names import DEPLOYMENT_LABEL, NODE_LABEL, Names

_LOOK_EVERY_S = 0.1
_HEALTHY = "healthy"


@dataclass(frozen=True)
class Containers:
    """Those of one deployment, running or not."""

    client: docker.DockerClient
    names: Names

    def all(self) -> Mapping[str, Container]:
        """By node, also those that have ended."""
        found = self.client.containers.list(all=True, filters=self._filters())
        return {container.labels[NODE_LABEL]: container for container in found}

    def get(self, node: str) -> Container:
        """The container of a node.

        Raises:
            NodeError: there is none.
        """
        found = self.all()
        if node not in found:
            raise NodeError(f"{self.names.scope!r} has no container of {node!r}; it has {', '.join(sorted(found)) or 'none'}")
        return found[node]

    def kill(self, node: str) -> None:
        """SIGKILL all its processes; it stays away until :meth:`start`. One that has ended already is fine."""
        container = self.get(node)
        if container.attrs["State"]["Running"]:
            container.kill()
            container.wait()

    def start(self, node: str, watch: Watch) -> None:
        """Start it, where it has ended, and wait until its health check passes.

        Raises:
            NodeError: it ended, or was not ready in time.
            CancelledError: the command is ending.
        """
        container = self.get(node)
        container.start()
        deadline = time.monotonic() + watch.ready_timeout_s
        while (state := health(container)) != _HEALTHY:
            if watch.cancelled.is_set():
                raise CancelledError(f"gave up waiting for {node}")
            if not container.attrs["State"]["Running"]:
                raise NodeError(f"{node} ended while it was started; `docker logs {container.name}` says why")
            if time.monotonic() > deadline:
                raise NodeError(f"{node} was not ready in {watch.ready_timeout_s:.0f} s ({state}); see `docker logs {container.name}`")
            time.sleep(_LOOK_EVERY_S)

    def run(self, node: str, command: Sequence[str]) -> str:
        """What a command says that is run in the container of a node, as the node's own user.

        Raises:
            NodeError: there is no such container, or it does not run.
        """
        try:
            output: Any = self.get(node).exec_run(list(command)).output
        except docker.errors.APIError as error:
            raise NodeError(f"{' '.join(command)} can't be run in {node}: {error.explanation}") from None
        return str(output.decode(errors="replace"))

    def host(self, node: str) -> str:
        """The address at which the lab reaches a node now; another one than before it was restarted, maybe."""
        networks = self.get(node).attrs["NetworkSettings"]["Networks"].values()
        return str(next((network["IPAddress"] for network in networks if network["IPAddress"]), ""))

    def remove_volumes(self) -> None:
        """Forget the data of a deployment that is down."""
        for volume in self.client.volumes.list(filters=self._filters()):
            volume.remove()

    def remove_everything(self) -> None:
        """Remove what there is, whatever state it is in, but for the data."""
        for container in self.all().values():
            container.remove(force=True)
        for network in self.client.networks.list(filters=self._filters()):
            network.remove()

    def _filters(self) -> dict[str, str | list[str] | bool]:
        return {"label": f"{DEPLOYMENT_LABEL}={self.names.scope}"}


def health(container: Container) -> str:
    """What its health check says now: starting, healthy or unhealthy; the container's own state where it has none."""
    container.reload()
    state = container.attrs["State"]
    return str(state.get("Health", {}).get("Status") or state["Status"])
