"""What may be done to single nodes of the docker target, and what is known of each: by the engine's API."""

from __future__ import annotations

import contextlib
import re
import time
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime
from typing import Any

import docker.errors
import psutil
from docker.models.containers import Container

from infra.deployment import Node, NodeStatus, Role, Usage
from infra.docker_api import translated
from infra.errors import NodeError
from infra.progress import Watch
from infra.targets.docker.engine import Containers, unmet

_NS_PER_S = 1e9
_ORDERLY_END_TIMEOUT_S = 60
_OVERLAP_S = 1.0
"""What is asked for again, for the engine takes times with less precision than it gives."""
_LIMIT_FILE_SIZE = """
done=' '
while found=; for folder in /proc/[0-9]*; do
    pid=${folder#/proc/}
    case $done in *" $pid "*) continue ;; esac
    done="$done$pid " found=yes
    problem=$(prlimit --pid="$pid" --fsize="$1": 2>&1) || [ ! -e "$folder" ] || { echo "$problem"; exit 1; }
done; [ "$found" ]; do :; done
"""
"""Again and again until there is no new process: one may be starting another at this moment, with the limit that it had."""
_RABBITMQCTL = "/usr/lib/rabbitmq/bin/rabbitmqctl"
"""The real one: Debian's of that name is for root and for a user called rabbitmq."""
_VERSION_COMMANDS = {
    Role.GATEWAY: ("nginx", ["nginx", "-v"]),
    Role.DATABASE: ("postgresql", ["postgres", "--version"]),
    Role.CACHE: ("redis", ["redis-server", "--version"]),
    Role.BROKER: ("rabbitmq", [_RABBITMQCTL, "version"]),
}
_VERSION = re.compile(r"\d+(?:\.\d+)+")


class DockerControl:
    """The containers of one deployment."""

    def __init__(self, containers: Containers, watch: Watch) -> None:
        """``watch`` is for what waits until a node is ready."""
        self._containers = containers
        self._watch = watch

    def status(self, nodes: Sequence[Node]) -> list[NodeStatus]:
        """How each node is now."""
        found = self._containers.all()
        with ThreadPoolExecutor(len(nodes)) as pool:
            return list(pool.map(lambda node: _status(node, found.get(node.name)), nodes))

    def usage(self) -> Mapping[str, Usage]:
        """What each running node has used of processor time, and uses of memory now; by the container's control group."""
        found = self._containers.all()
        with ThreadPoolExecutor(max(1, len(found))) as pool:
            usages = pool.map(_usage, found.values())
        return {name: usage for name, usage in zip(found, usages, strict=True) if usage is not None}

    def processes(self, node: str) -> list[psutil.Process]:
        """Its processes as this machine sees them, the first one first; empty where it has ended, or the engine is elsewhere."""
        pid = self._containers.get(node).attrs["State"]["Pid"]
        with contextlib.suppress(psutil.NoSuchProcess):
            if pid:
                main = psutil.Process(pid)
                return [main, *main.children(recursive=True)]
        return []

    @translated()
    def unmet(self, node: str) -> str:
        """What its health check misses; empty where it passes."""
        return unmet(self._containers.get(node))

    @translated()
    def kill_node(self, node: str) -> None:
        """SIGKILL all its processes; it stays away until :meth:`start_node`."""
        self._containers.kill(node)

    @translated()
    def stop_node(self, node: str) -> None:
        """Ask it to end by its image's signal, and wait until it has; not running is fine."""
        self._containers.get(node).stop(timeout=_ORDERLY_END_TIMEOUT_S)

    @translated()
    def launch_node(self, node: str) -> None:
        """Start it, where it has ended, and don't wait."""
        self._containers.get(node).start()

    @translated()
    def start_node(self, node: str) -> None:
        """Start it, where it has ended, and wait until it is ready."""
        self._containers.start(node, self._watch)

    @translated()
    def pause_node(self, node: str) -> None:
        """SIGSTOP to all its processes, the first one last: as the process target does, so that one proof holds for both."""
        self._containers.run(node, ["sh", "-c", "kill -STOP -1"])
        self._containers.get(node).kill(signal="SIGSTOP")

    @translated()
    def resume_node(self, node: str) -> None:
        """SIGCONT to all its processes; not paused, or not running, is fine."""
        container = self._containers.get(node)
        if container.attrs["State"]["Running"]:
            container.kill(signal="SIGCONT")
            self._containers.run(node, ["sh", "-c", "kill -CONT -1"])

    @translated()
    def reload_node(self, node: str) -> None:
        """SIGHUP to its first process, which hands it on."""
        self._containers.get(node).kill(signal="SIGHUP")

    @translated()
    def limit_file_size(self, node: str, limit_bytes: int | None) -> None:
        """Set RLIMIT_FSIZE of every process of the node; None lifts it. Not running is fine, for the limit goes with the processes.

        Done in the container as the node's own user, who may change the soft limit of its own processes without any privilege.

        Raises:
            NodeError: it can't be changed.
        """
        limit = "unlimited" if limit_bytes is None else str(limit_bytes)
        try:
            self._containers.run(node, ["sh", "-c", _LIMIT_FILE_SIZE, "sh", limit])
        except NodeError:
            if self._containers.get(node).attrs["State"]["Running"]:
                raise

    def rabbitmqctl(self, node: str, *arguments: str) -> str:
        """What the broker's own command line answers."""
        return self._containers.run(node, [_RABBITMQCTL, "--quiet", *arguments])

    def versions(self, nodes: Sequence[Node]) -> Mapping[str, str]:
        """The version of each server program, by its name."""
        by_role = {node.role: node.name for node in nodes}
        found = {}
        for role, (name, command) in _VERSION_COMMANDS.items():
            if role in by_role:
                answer = self._containers.run(by_role[role], command)
                found[name] = match[0] if (match := _VERSION.search(answer)) else "unknown"
        return found

    def log(self, node: str) -> str:
        """What it has written, as far as the engine keeps it."""
        return str(self._containers.get(node).logs().decode(errors="replace"))

    def tail(self, node: str) -> ContainerTail:
        """What it writes to its standard output from now on."""
        return ContainerTail(self._containers.get(node))


class ContainerTail:
    """The lines that a container adds to its standard output, from when this is made; also those after it was started again."""

    def __init__(self, container: Container) -> None:
        self._container = container
        self._since_s = time.time()
        self._last = b""

    def new_lines(self) -> list[bytes]:
        """Those since the last call.

        Raises:
            NodeError: the engine does not tell.
        """
        try:
            text = self._container.logs(stdout=True, stderr=False, timestamps=True, since=self._since_s)
        except (docker.errors.DockerException, OSError) as error:
            raise NodeError(f"the log of {self._container.name} can't be read: {type(error).__name__}") from None
        stamped = [line.partition(b" ") for line in text.splitlines()]
        new = [(stamp, line) for stamp, _, line in stamped if stamp > self._last]  # of one width, so they compare as times do
        if new:
            self._last = max(stamp for stamp, _ in new)
            self._since_s = max(self._since_s, _time(self._last.decode()).timestamp() - _OVERLAP_S)
        return [line for _, line in new]


def _status(node: Node, container: Container | None) -> NodeStatus:
    if container is None:
        return NodeStatus(node=node, pid=None, state="REMOVED", healthy=False, restarts=0, uptime_s=0.0, memory_bytes=0)
    is_healthy = not unmet(container)
    state = container.attrs["State"]
    usage = _usage(container)
    return NodeStatus(
        node=node,
        pid=state["Pid"] or None,
        state=str(state["Status"]).upper(),
        healthy=is_healthy,
        restarts=int(container.attrs["RestartCount"]),
        uptime_s=time.time() - _time(state["StartedAt"]).timestamp() if state["Running"] else 0.0,
        memory_bytes=usage.memory_bytes if usage else 0,
    )


def _usage(container: Container) -> Usage | None:
    try:
        stats: Any = container.stats(stream=False, one_shot=True)
        memory = stats["memory_stats"]
        pages = memory["usage"] - memory.get("stats", {}).get("inactive_file", 0)  # as `docker stats` counts it
        return Usage(cpu_s=stats["cpu_stats"]["cpu_usage"]["total_usage"] / _NS_PER_S, memory_bytes=pages)
    except (KeyError, docker.errors.DockerException):  # it does not run
        return None


def _time(text: str) -> datetime:
    """The engine's times have nanoseconds, of which Python takes six digits."""
    seconds, _, rest = text.rstrip("Z").partition(".")
    return datetime.fromisoformat(f"{seconds}.{rest[:6] or '0'}+00:00")


def control_of(containers: Containers, watch: Watch) -> DockerControl:
    """What may be done to these containers.

    Raises:
        NodeError: there is none.
    """
    if not containers.all():
        raise NodeError(f"no container of {containers.names.scope!r} is there")
    return DockerControl(containers, watch)
