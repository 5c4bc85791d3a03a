"""Finds or installs the programs that the lab runs, says what it did, and explains what is missing."""

import time
from collections.abc import Callable
from pathlib import Path

from infra.errors import InfraError
from infra.settings import ToolSettings
from infra.toolchain import docker, pulumi
from infra.toolchain.doctor import Finding, examine
from infra.toolchain.finding import together
from infra.toolchain.installing import ensure
from infra.toolchain.machine import this_machine
from infra.toolchain.programs import SERVERS, TOOLS, ServerBinaries, Tool
from infra.toolchain.runner import run

__all__ = [
    "Finding",
    "ServerBinaries",
    "Tool",
    "docker",
    "doctor",
    "ensure_docker_plugin",
    "ensure_pulumi",
    "ensure_servers",
    "ensure_tool",
    "find_docker_plugin",
    "find_pulumi",
]


def ensure_servers(note: Callable[[str], None]) -> ServerBinaries:
    """The servers of this machine, installed first where they are missing; ``note`` hears what is done and how long it took.

    Raises:
        InfraError: they can't be installed here; one sentence that names them and the command that gets them.
    """
    return together(ensure(SERVERS, this_machine(), run, note, time.monotonic))


def ensure_tool(name: str, note: Callable[[str], None]) -> Tool:
    """The tool of that name, got in the same way.

    Raises:
        InfraError: it can't be installed here, or the lab knows no such tool.
    """
    if name not in TOOLS:
        raise InfraError(f"there is no tool {name!r}; the lab knows {', '.join(TOOLS)}")
    found = ensure((TOOLS[name],), this_machine(), run, note, time.monotonic)[TOOLS[name]]
    return Tool(name, found.version, found.paths[0], found.environment)


def find_pulumi() -> Tool | str:
    """The Pulumi CLI of this machine, or why there is none; only looks."""
    return pulumi.find(this_machine(), run)


def ensure_pulumi(note: Callable[[str], None]) -> Tool:
    """The Pulumi CLI, got first where there is none; ``note`` hears what is done and how long it took.

    Raises:
        InfraError: it can't be had here; with the command that gets it elsewhere.
    """
    return pulumi.ensure(this_machine(), run, note, time.monotonic)


def find_docker_plugin() -> Path | None:
    """Pulumi's plugin for Docker on this machine; only looks."""
    return docker.find_plugin(this_machine(), ToolSettings().pulumi_home)


def ensure_docker_plugin(cli: Tool) -> Path:
    """Pulumi's plugin for Docker, got by the CLI where it is missing.

    Raises:
        InfraError: it can't be had here; with the command that gets it.
    """
    return docker.ensure_plugin(this_machine(), ToolSettings().pulumi_home, cli, run)


def doctor() -> list[Finding]:
    """What there is to say about each program on this machine; only looks."""
    settings = ToolSettings()
    return examine(this_machine(), run, pulumi_home=settings.pulumi_home, daemon_version=docker.daemon_version(settings.docker_host))
