"""What can be done with deployments: the API of infra for the other rooms and for its own command line."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from http import HTTPStatus
from http.client import HTTPException
from pathlib import Path
from threading import Event
from typing import Any

import psutil

from infra import readiness
from infra.deployment import Deployment, NodeStatus
from infra.engines.embedded import EmbeddedEngine
from infra.engines.state import StateFile
from infra.errors import NodeError, NotDeployedError
from infra.home import Home, StateRoot, read_json, write_private
from infra.lab import declare
from infra.progress import Progress, Silence, Watch
from infra.settings import Settings
from infra.targets.process import processes as process_table
from infra.targets.process.control import ProcessControl
from infra.targets.process.node import ProcessNode
from infra.targets.process.resources import NODE_TYPE, NodeInputs, providers
from infra.targets.process.supervisor import ProcessState, Supervisor, end_everything
from infra.targets.process.target import ProcessTarget
from infra.toolchain import Tool, ensure_servers, ensure_tool
from infra.topology import Topology

DEFAULT_NAME = "lab"
_ROUTES = ("/courses?limit=1", "/students?limit=1", "/enroll/student/1")
_REPLICA_HEADER = "x-replica"
_LOOK_EVERY_S = 0.1


def up(name: str, topology: Topology, *, progress: Progress | None = None, owner: bool = False) -> Deployment:
    """Bring a deployment up, or change the one that is up into ``topology``: only what differs is touched.

    Returns when every node is ready and every service answers through the gateway. A first bring-up that fails, or is
    ended by Ctrl-C, is taken down again; a change that fails leaves what is there for :func:`down` or another try.

    Args:
        name: of the deployment; several live side by side.
        topology: what it is to be.
        progress: told what is waited for.
        owner: the deployment lives and dies with the calling process: once that is dead, :func:`sweep` removes it.

    Raises:
        InfraError: what went wrong and how to mend it; of a node, with its last log lines.
    """
    settings, watch = Settings(), _watch(progress)
    binaries = ensure_servers(watch.progress.note)
    root = StateRoot(settings.state_dir)
    with _locked(root, name, settings) as home:
        home.make()
        if owner:
            me = psutil.Process()
            write_private(home.owner_file, json.dumps({"pid": me.pid, "started": me.create_time()}))
        engine = _engine(home, watch)
        fresh = not StateFile(home.state_file).records()
        try:
            outputs = engine.up(lambda: declare(topology, ProcessTarget(home, binaries), name))
            deployment = _deployment(outputs)
            _answers_through_gateway(deployment, watch)
        except BaseException:
            if fresh:
                _take_back(home, watch)
            raise
        return deployment


def down(name: str, *, volumes: bool = False, progress: Progress | None = None) -> bool:
    """Take a deployment down, whatever state it is in; whether there was anything to take down.

    With ``volumes`` its data, passwords and logs are forgotten too, and its folder removed.
    """
    settings, watch = Settings(), _watch(progress)
    root = StateRoot(settings.state_dir)
    if not root.home(name).path.exists():
        return False
    with _locked(root, name, settings) as home:
        began = time.monotonic()
        engine = _engine(home, watch)
        found = bool(StateFile(home.state_file).records())
        if volumes:  # with nothing to keep there is nothing to end in good order
            found = end_everything(home) or found
        try:
            engine.destroy()
        finally:
            found = end_everything(home) or found
            home.owner_file.unlink(missing_ok=True)
        if volumes:
            home.remove()
        if found:
            watch.progress.done(name, "down", time.monotonic() - began)
        return found or volumes


def sweep(*, progress: Progress | None = None) -> list[str]:
    """Remove the deployments whose owner is dead, with their volumes; their names."""
    abandoned = [name for name in names() if _is_abandoned(StateRoot(Settings().state_dir).home(name))]
    for name in abandoned:
        down(name, volumes=True, progress=progress)
    return abandoned


def names() -> list[str]:
    """Every deployment that is up, or has kept data."""
    return StateRoot(Settings().state_dir).names()


def read(name: str) -> Deployment:
    """The deployment of that name.

    Raises:
        NotDeployedError: it is not up, or not whole.
    """
    return _deployment(_outputs(name))


def status(name: str) -> list[NodeStatus]:
    """How each node is now.

    Raises:
        NotDeployedError: the deployment is not up.
    """
    deployment = read(name)
    home = _home(name)
    try:
        states = Supervisor(home).states()
    except NodeError:
        states = {}
    nodes = _nodes(home)

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


def control(name: str, *, progress: Progress | None = None) -> ProcessControl:
    """What may be done to the single nodes of a deployment, by whoever breaks them on purpose."""
    rabbitmqctl = Path("sbin") / "rabbitmqctl"
    return ProcessControl(
        lambda node: _node(name, node), _watch(progress), lambda: ensure_servers(lambda _: None).rabbitmq_home / rabbitmqctl
    )


def processes(deployment: Deployment, node: str) -> list[psutil.Process]:
    """The node's process tree as it is now, the first process first; empty where it has ended.

    Raises:
        NodeError: there is no such node.
    """
    return _node(deployment.name, node).processes()


def log(name: str, node: str) -> str:
    """What a node has written, also one that has ended.

    Raises:
        NodeError: there is no such log.
    """
    folder = _home(name).log_file("any").parent
    known = {path.stem: path for path in folder.glob("*.log")}
    if node not in known:
        raise NodeError(f"{name!r} has no log of {node!r}; there is one of {', '.join(sorted(known)) or 'no node'}")
    return known[node].read_text(errors="replace")


def tool(name: str, *, progress: Progress | None = None) -> Tool:
    """A program that only some experiments need, such as ``wrk``; installed first where it is missing.

    Raises:
        InfraError: it can't be had here; with the command that gets it.
    """
    return ensure_tool(name, _watch(progress).progress.note)


def server_versions() -> Mapping[str, str]:
    """The version of each server on this machine, by its name."""
    return dict(ensure_servers(lambda _: None).versions)


@contextmanager
def _locked(root: StateRoot, name: str, settings: Settings) -> Iterator[Home]:
    home = root.home(name)
    root.make()
    with root.lock(name, settings.lock_timeout_s):
        yield home


def _watch(progress: Progress | None) -> Watch:
    return Watch(progress or Silence(), Settings().ready_timeout_s, Event())


def _engine(home: Home, watch: Watch) -> EmbeddedEngine:
    return EmbeddedEngine(home.name, home.state_file, providers(watch), watch.cancelled)


def _take_back(home: Home, watch: Watch) -> None:
    """Undo a first bring-up that failed; the logs are kept, if it came to any."""
    if _nodes(home):
        watch.progress.note(f"taking {home.name!r} down again")
    _engine(home, watch).destroy()
    end_everything(home)
    home.owner_file.unlink(missing_ok=True)
    if not home.has_contents():
        home.remove()


def _home(name: str) -> Home:
    return StateRoot(Settings().state_dir).home(name)


def _outputs(name: str) -> dict[str, Any]:
    outputs = StateFile(_home(name).state_file).outputs
    if outputs is None:
        raise NotDeployedError(f"no deployment {name!r} is up; `python -m infra up --name {name}` brings it up")
    return outputs


def _deployment(outputs: dict[str, Any]) -> Deployment:
    return Deployment.model_validate({**outputs, "engine": EmbeddedEngine.name})


def _nodes(home: Home) -> dict[str, ProcessNode]:
    records = StateFile(home.state_file).records()
    found = (NodeInputs.model_validate(record.properties).node for record in records if record.type == NODE_TYPE)
    return {node.name: node for node in found}


def _node(name: str, node: str) -> ProcessNode:
    found = _nodes(_home(name))
    if node not in found:
        raise NodeError(f"{name!r} has no node {node!r}; it has {', '.join(sorted(found)) or 'none, for it is not up'}")
    return found[node]


def _answers_through_gateway(deployment: Deployment, watch: Watch) -> None:
    began = time.monotonic()
    for route in _ROUTES:
        url = deployment.endpoints.gateway_url + route
        while not _comes_from_replica(url):
            if time.monotonic() - began > watch.ready_timeout_s:
                raise NodeError(f"every node is ready, but no replica answers {url}; see {deployment.gateway_access_log}")
            watch.progress.waiting("gateway", f"an answer of a replica to {route}")
            time.sleep(_LOOK_EVERY_S)


def _comes_from_replica(url: str) -> bool:
    try:
        status_code, headers, _ = readiness.get(url)
    except (OSError, HTTPException):
        return False
    return _REPLICA_HEADER in headers and status_code < HTTPStatus.INTERNAL_SERVER_ERROR


def _is_abandoned(home: Home) -> bool:
    owner = read_json(home.owner_file)
    if not owner:
        return False
    try:
        return bool(psutil.Process(owner["pid"]).create_time() != owner["started"])
    except psutil.NoSuchProcess:
        return True
