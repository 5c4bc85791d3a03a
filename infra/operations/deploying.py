"""Brings whole deployments up, changes them and takes them down."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from http import HTTPStatus
from http.client import HTTPException
from threading import Event
from typing import Any

import psutil

from infra import readiness
from infra.composition import engine_of, program_of, why_no_docker
from infra.deployment import Deployment
from infra.docker_api import connect
from infra.engines.choosing import EngineChoice, Maker, TargetChoice, choose, made_by, write_down
from infra.engines.engine import Change
from infra.engines.program import Program
from infra.errors import InfraError, NodeError, NotDeployedError, StateError
from infra.home import Home, StateRoot, read_json, write_private
from infra.progress import Progress, Silence, Watch
from infra.settings import Settings
from infra.targets.docker.addresses import addresses, relocated
from infra.targets.docker.engine import Containers
from infra.targets.docker.names import Names
from infra.targets.process import processes as process_table
from infra.targets.process.node import nodes_of
from infra.targets.process.supervisor import end_everything
from infra.toolchain import Tool, ensure_pulumi, ensure_tool
from infra.topology import Topology

DEFAULT_NAME = "lab"
_ROUTES = ("/courses?limit=1", "/students?limit=1", "/enroll/student/1")
_REPLICA_HEADER = "x-replica"
_LOOK_EVERY_S = 0.1


def up(
    name: str,
    topology: Topology,
    *,
    engine: EngineChoice = "auto",
    target: TargetChoice = "process",
    progress: Progress | None = None,
    owner: bool = False,
) -> Deployment:
    """Bring a deployment up, or change the one that is up into ``topology``: only what differs is touched.

    Returns when every node is ready and every service answers through the gateway. A first bring-up that fails, or is
    ended by Ctrl-C, is taken down again; a change that fails leaves what is there for :func:`down` or another try.

    Args:
        name: of the deployment; several live side by side.
        topology: what it is to be.
        engine: who makes it; ``auto`` is who made it, else whoever can and costs least.
        target: as what its nodes run; ``auto`` is docker where there is everything that it takes.
        progress: told what is waited for.
        owner: the deployment lives and dies with the calling process: once that is dead, :func:`sweep` removes it.

    Raises:
        InfraError: what went wrong and how to mend it; of a node, with its last log lines.
    """
    settings, watch = Settings(), watching(progress)
    root = StateRoot(settings.state_dir)
    maker, program = _planned(root.home(name), topology, engine, target, watch)
    with _locked(root, name, settings) as home:
        fresh = made_by(home) is None
        if fresh and process_table.all_of(home.path):
            raise StateError(f"{name!r} runs, made by `pulumi up` in infra/stack; change it there, or `python -m infra down --name {name}`")
        home.make()
        if owner:
            me = psutil.Process()
            write_private(home.owner_file, json.dumps({"pid": me.pid, "started": me.create_time()}))
        write_down(home, maker)
        try:
            outputs = engine_of(maker, home, watch).up(program)
            if maker.target == "docker":
                _await_containers(home, watch)  # the engine waits for new ones, not for those that it starts again
            deployment = _deployment(outputs, maker)
            _answers_through_gateway(deployment, watch)
        except BaseException:
            if fresh:
                _take_back(home, maker, watch)
            raise
        return deployment


def preview(
    name: str, topology: Topology, *, engine: EngineChoice = "auto", target: TargetChoice = "process", progress: Progress | None = None
) -> Sequence[Change]:
    """What :func:`up` would do, and nothing else.

    Raises:
        InfraError: what went wrong and how to mend it.
    """
    settings, watch = Settings(), watching(progress)
    root = StateRoot(settings.state_dir)
    maker, program = _planned(root.home(name), topology, engine, target, watch)
    with _locked(root, name, settings) as home:
        fresh = not home.path.exists()
        home.make()
        try:
            return engine_of(maker, home, watch).preview(program)
        finally:
            if fresh:
                home.remove()


def refresh(name: str, *, progress: Progress | None = None) -> Sequence[Change]:
    """Take note of what was changed or went away behind our back; the next :func:`up` mends it.

    Raises:
        NotDeployedError: the deployment is not up.
    """
    settings = Settings()
    with _locked(StateRoot(settings.state_dir), name, settings) as home:
        return engine_of(_maker(home), home, watching(progress)).refresh()


def down(name: str, *, volumes: bool = False, progress: Progress | None = None) -> bool:
    """Take a deployment down, whatever state it is in; whether there was anything to take down.

    With ``volumes`` its data, passwords and logs are forgotten too, and its folder removed.
    """
    settings, watch = Settings(), watching(progress)
    root = StateRoot(settings.state_dir)
    if not root.home(name).path.exists():
        return False
    with _locked(root, name, settings) as home:
        began = time.monotonic()
        found, maker = home.maker_file.exists(), None
        if volumes:  # with nothing to keep there is nothing to end in good order
            found = end_everything(home) or found
        try:
            if maker := made_by(home):
                engine_of(maker, home, watch).destroy()
        except InfraError:
            if not volumes:
                raise  # else it does not matter: what runs is found without the engine, and all else is in the folder
        finally:
            found = end_everything(home) or found
            if maker and maker.target == "docker":
                _remove_containers(home, volumes=volumes)
            home.owner_file.unlink(missing_ok=True)
        home.maker_file.unlink(missing_ok=True)
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
    home = home_of(name)
    maker = _maker(home)
    outputs = engine_of(maker, home, Watch()).outputs()
    if outputs is None:
        raise NotDeployedError(f"the deployment {name!r} is not whole; `python -m infra up --name {name}` completes it")
    return _deployment(outputs, maker)


def tool(name: str, *, progress: Progress | None = None) -> Tool:
    """A program that only some experiments need, such as ``wrk``; installed first where it is missing.

    Raises:
        InfraError: it can't be had here; with the command that gets it.
    """
    return ensure_tool(name, watching(progress).progress.note)


@contextmanager
def _locked(root: StateRoot, name: str, settings: Settings) -> Iterator[Home]:
    home = root.home(name)
    root.make()
    with root.lock(name, settings.lock_timeout_s):
        yield home


def watching(progress: Progress | None) -> Watch:
    """What long work is given, by the settings."""
    return Watch(progress or Silence(), Settings().ready_timeout_s, Event())


def _planned(home: Home, topology: Topology, engine: EngineChoice, target: TargetChoice, watch: Watch) -> tuple[Maker, Program]:
    """By whom the deployment is made, which is told where it was not said, and the program, for which installing may take a while."""
    choice = choose(engine, target, made=made_by(home), why_no_docker=why_no_docker)
    if choice.reason:
        watch.progress.note(f"target {choice.maker.target}, engine {choice.maker.engine}: {choice.reason}")
    if choice.maker.engine == "pulumi":
        ensure_pulumi(watch.progress.note)
    return choice.maker, program_of(choice.maker.target, home, topology, watch.progress.note)


def _take_back(home: Home, maker: Maker, watch: Watch) -> None:
    """Undo a first bring-up that failed; the logs are kept, if it came to any."""
    if nodes_of(home):
        watch.progress.note(f"taking {home.name!r} down again")
    try:
        engine_of(maker, home, watch).destroy()
    finally:
        if maker.target == "docker":
            _remove_containers(home, volumes=False)
    end_everything(home)
    home.owner_file.unlink(missing_ok=True)
    home.maker_file.unlink()
    if not home.has_contents():
        home.remove()


def _await_containers(home: Home, watch: Watch) -> None:
    containers = Containers(connect(), Names.of(home))
    for node in containers.all():
        containers.start(node, watch)


def _remove_containers(home: Home, *, volumes: bool) -> None:
    """What a failed or killed command may have left in the Docker engine, and the data where it is to go."""
    containers = Containers(connect(), Names.of(home))
    containers.remove_everything()
    if volumes:
        containers.remove_volumes()


def home_of(name: str) -> Home:
    """The deployment's folder, there or not."""
    return StateRoot(Settings().state_dir).home(name)


def _maker(home: Home) -> Maker:
    maker = made_by(home)
    if maker is None:
        raise NotDeployedError(f"no deployment {home.name!r} is up; `python -m infra up --name {home.name}` brings it up")
    return maker


def _deployment(outputs: dict[str, Any], maker: Maker) -> Deployment:
    return located(Deployment.model_validate({**outputs, "engine": maker.engine}))


def located(deployment: Deployment) -> Deployment:
    """The deployment with every address as it is now: a container that was started again may have another."""
    if deployment.target != "docker":
        return deployment
    return relocated(deployment, addresses(Containers(connect(), Names.of(home_of(deployment.name)))))


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
