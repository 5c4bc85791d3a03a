"""Puts together what makes a deployment: the engine and the target that were chosen, with the programs that they run."""

from __future__ import annotations

import functools
from collections.abc import Callable

from infra.docker_api import connect
from infra.engines.automation import PulumiEngine, PulumiTools
from infra.engines.choosing import Maker, TargetName
from infra.engines.embedded import EmbeddedEngine
from infra.engines.engine import Engine
from infra.engines.program import Program
from infra.engines.pulumi_cli import PulumiCli
from infra.home import Home
from infra.images.build import BUILD_TIMEOUT_S, build
from infra.lab import declare
from infra.progress import Watch
from infra.settings import ToolSettings
from infra.targets.docker import providers as docker_providers
from infra.targets.docker.spec import IMAGES
from infra.targets.docker.target import DockerTarget
from infra.targets.process import resources as process_resources
from infra.targets.process.target import ProcessTarget
from infra.toolchain import docker, ensure_docker_plugin, ensure_pulumi, ensure_servers, find_docker_plugin, find_pulumi
from infra.topology import Topology


def engine_of(maker: Maker, home: Home, watch: Watch) -> Engine:
    """The engine of a deployment; what it runs is looked for, or got, when it first does something."""
    if maker.engine == "embedded":
        providers = docker_providers.providers(watch) if maker.target == "docker" else process_resources.providers(watch)
        return EmbeddedEngine(home.name, home.state_file, providers, watch.cancelled)

    @functools.cache
    def tools() -> PulumiTools:
        cli = ensure_pulumi(watch.progress.note)
        plugins = {"docker": ensure_docker_plugin(cli).parent} if maker.target == "docker" else {}
        return PulumiTools(PulumiCli(cli.path, cli.version), plugins)

    return PulumiEngine(home, tools, watch)


def program_of(target: TargetName, home: Home, topology: Topology, note: Callable[[str], None]) -> Program:
    """The program that declares the topology on the target; the servers, or the images, that it takes are got first.

    Raises:
        InfraError: they can't be had here.
    """
    if target == "docker":
        containers = DockerTarget(home, topology)
        build(connect(BUILD_TIMEOUT_S), note, images=IMAGES.values())
        return lambda: declare(topology, containers, home.name)
    binaries = ensure_servers(note)
    return lambda: declare(topology, ProcessTarget(home, binaries), home.name)


def why_no_docker() -> str:
    """What this machine lacks for Pulumi to bring up the docker target; empty where it has everything. Only looks."""
    if not docker.daemon_version(ToolSettings().docker_host):
        return "no Docker daemon answers"
    found = find_pulumi()
    if isinstance(found, str):
        return found
    return "" if find_docker_plugin() else "Pulumi has no plugin for Docker here"
