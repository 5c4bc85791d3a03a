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

_LOOK_EVERY_S = 1.0
"""Each look is a new process in the container."""
_LOG_LINES = 15


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
        """Start it, where it has ended, and wait until it is ready.

        Raises:
            NodeError: it ended, or was not ready in time.
            CancelledError: the command is ending.
        """
        container = self.get(node)
        container.start()
        await_ready(container, node, watch)

    def run(self, node: str, command: Sequence[str]) -> str:
        """What a command says that is run in the container of a node, as the node's own user.

        Raises:
            NodeError: there is no such container, or it does not run, or the command fails.
        """
        try:
            done: Any = self.get(node).exec_run(list(command))
        except docker.errors.APIError as error:
            raise NodeError(f"{command[0]} can't be run in {node}: {error.explanation}") from None
        said = str(done.output.decode(errors="replace")).strip()
        if done.exit_code:
            raise NodeError(f"{command[0]} failed in {node}: {said.splitlines()[-1] if said else f'exit status {done.exit_code}'}")
        return said

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


def await_ready(container: Container, node: str, watch: Watch) -> None:
    """Wait until the health check of a node's container passes.

    Raises:
        NodeError: it ended, or was not ready in time; with the end of its log.
        CancelledError: the command is ending.
    """
    deadline = time.monotonic() + watch.ready_timeout_s
    while reason := unmet(container):
        watch.progress.waiting(node, reason)
        if watch.cancelled.is_set():
            raise CancelledError(f"gave up waiting for {node}")
        if not container.attrs["State"]["Running"]:
            raise NodeError(f"{node} ended while it was started{_last_lines(container)}")
        if time.monotonic() > deadline:
            raise NodeError(f"{node} was not ready in {watch.ready_timeout_s:.0f} s: no {reason}{_last_lines(container)}")
        time.sleep(_LOOK_EVERY_S)


def _last_lines(container: Container) -> str:
    lines = container.logs(tail=_LOG_LINES).decode(errors="replace").splitlines()
    return f"; the end of `docker logs {container.name}`:\n" + "\n".join(f"    {line}" for line in lines)


def unmet(container: Container) -> str:
    """What its health check misses, asked at this moment: the engine itself asks every ten seconds; empty where it passes."""
    container.reload()
    if not container.attrs["State"]["Running"]:
        return "container that runs"
    _, *command = container.attrs["Config"]["Healthcheck"]["Test"]  # after the word CMD
    try:
        done: Any = container.exec_run(command)
    except docker.errors.APIError as error:  # it has just ended
        return f"running container ({error.explanation})"
    if done.exit_code == 0:
        return ""
    said = str(done.output.decode(errors="replace")).strip().splitlines()
    return said[-1].removeprefix("no ") if said else "passing health check"
