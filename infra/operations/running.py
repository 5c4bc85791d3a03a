"""Looks at the nodes of a deployment that is up, and kills and starts single ones, whatever they are on its target."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Protocol

import psutil

from infra import readiness
from infra.deployment import Deployment, NodeStatus, Role
from infra.docker_api import connect
from infra.engines.choosing import made_by
from infra.errors import NodeError
from infra.operations.deploying import home_of, read, watching
from infra.progress import Progress
from infra.targets.control import NodeControl
from infra.targets.docker.control import DockerControl, control_of
from infra.targets.docker.engine import Containers
from infra.targets.docker.names import Names
from infra.targets.process import processes as process_table
from infra.targets.process.control import ProcessControl
from infra.targets.process.node import ProcessNode, nodes_of
from infra.targets.process.supervisor import ProcessState, Supervisor
from infra.targets.process.tail import FileTail
from infra.toolchain import ensure_servers


class Tail(Protocol):
    """The end of a log."""

    def new_lines(self) -> list[bytes]:
        """The whole lines that came since the last call, or since it was made.

        Raises:
            NodeError: the log can't be read.
        """
        ...


def status(name: str) -> list[NodeStatus]:
    """How each node is now.

    Raises:
        NotDeployedError: the deployment is not up.
    """
    deployment = read(name)
    home = home_of(name)
    if containers := _containers(name):
        return containers.status(deployment.nodes)
    try:
        states = Supervisor(home).states()
    except NodeError:
        states = {}
    nodes = nodes_of(home)

    def look(node_name: str) -> NodeStatus:
        node, state = nodes[node_name], states.get(node_name, ProcessState("UNSUPERVISED", None, 0.0))
        main = node.main_process()
        return NodeStatus(
            node=deployment.node(node_name),
            pid=main.pid if main else None,
            state=state.state,
            healthy=main is not None and not readiness.first_unmet(node.declaration.readiness),
            restarts=node.restarts(),
            uptime_s=time.time() - main.create_time() if main else 0.0,
            memory_bytes=process_table.memory_bytes(node.processes()) if main else 0,
        )

    with ThreadPoolExecutor(len(deployment.nodes)) as pool:
        return list(pool.map(look, [node.name for node in deployment.nodes]))


def kill_node(name: str, node: str) -> None:
    """SIGKILL a node's whole process tree; it stays away until :func:`start_node`.

    Raises:
        NodeError: there is no such node, or it hangs in the kernel.
    """
    control(name).kill_node(node)


def start_node(name: str, node: str, *, progress: Progress | None = None) -> None:
    """Start a node that has ended, and wait until it is ready; one that runs is only waited for.

    Raises:
        NodeError: there is no such node, or it does not become ready.
    """
    control(name, progress=progress).start_node(node)


def control(name: str, *, progress: Progress | None = None) -> NodeControl:
    """What may be done to the single nodes of a deployment, by whoever breaks them on purpose."""
    if containers := _containers(name, progress=progress):
        return containers
    rabbitmqctl = Path("sbin") / "rabbitmqctl"
    return ProcessControl(
        lambda node: _node(name, node), watching(progress), lambda: ensure_servers(lambda _: None).rabbitmq_home / rabbitmqctl
    )


def processes(deployment: Deployment, node: str) -> Sequence[psutil.Process]:
    """The node's process tree as it is now, the first process first; empty where it has ended.

    Raises:
        NodeError: there is no such node.
    """
    return control(deployment.name).processes(node)


def container_control(deployment: Deployment) -> DockerControl | None:
    """What its engine tells of the containers of a deployment; None where its nodes are processes."""
    return _containers(deployment.name)


def access_log(deployment: Deployment) -> Tail:
    """What the gateway writes to its access log from now on."""
    if containers := _containers(deployment.name):
        return containers.tail(next(node.name for node in deployment.nodes if node.role is Role.GATEWAY))
    return FileTail(Path(deployment.gateway_access_log))


def server_versions(deployment: Deployment) -> Mapping[str, str]:
    """The version of each server program that the deployment runs, by its name."""
    if containers := _containers(deployment.name):
        return containers.versions(deployment.nodes)
    return dict(ensure_servers(lambda _: None).versions)


def log(name: str, node: str) -> str:
    """What a node has written, also one that has ended.

    Raises:
        NodeError: there is no such log.
    """
    if containers := _containers(name):
        return containers.log(node)
    folder = home_of(name).log_file("any").parent
    known = {path.stem: path for path in folder.glob("*.log")}
    if node not in known:
        raise NodeError(f"{name!r} has no log of {node!r}; there is one of {', '.join(sorted(known)) or 'no node'}")
    return known[node].read_text(errors="replace")


def _containers(name: str, *, progress: Progress | None = None) -> DockerControl | None:
    home = home_of(name)
    maker = made_by(home)
    if maker is None or maker.target != "docker":
        return None
    return control_of(Containers(connect(), Names.of(home)), watching(progress))


def _node(name: str, node: str) -> ProcessNode:
    found = nodes_of(home_of(name))
    if node not in found:
        raise NodeError(f"{name!r} has no node {node!r}; it has {', '.join(sorted(found)) or 'none, for it is not up'}")
    return found[node]
