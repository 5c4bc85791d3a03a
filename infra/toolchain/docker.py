"""Looks for what the docker target stands on: the daemon, and Pulumi's plugin for it."""

from __future__ import annotations

import contextlib
import http.client
import importlib.metadata
import json
import socket
from pathlib import Path

from infra.errors import InfraError
from infra.toolchain.machine import Machine, executable, is_executable
from infra.toolchain.programs import Tool
from infra.toolchain.runner import Runner

PLUGIN = "pulumi-resource-docker"
DAEMON_REMEDY = "install Docker Engine and start it (Debian: apt-get install docker.io), or set DOCKER_HOST"
_TIMEOUT_S = 2.0


def plugin_version() -> str:
    """The version that goes with the installed package."""
    try:
        return importlib.metadata.version("pulumi-docker")
    except importlib.metadata.PackageNotFoundError:
        return "5.0.0"


def plugin_remedy() -> str:
    """The command that gets the plugin."""
    return f"pulumi plugin install resource docker {plugin_version()}"


def daemon_version(host: str) -> str:
    """The version of the Docker daemon that answers at ``host`` (as in DOCKER_HOST), empty where none does."""
    kind, _, place = host.partition("://")
    try:
        with contextlib.closing(
            _UnixConnection(place) if kind == "unix" else http.client.HTTPConnection(place, timeout=_TIMEOUT_S)
        ) as connection:
            connection.request("GET", "/version")
            return str(json.load(connection.getresponse())["Version"])
    except (OSError, http.client.HTTPException, ValueError, KeyError):
        return ""


def find_plugin(machine: Machine, pulumi_home: Path) -> Path | None:
    """Pulumi's plugin for Docker, from PATH or from where Pulumi keeps its plugins."""
    installed = pulumi_home / "plugins" / f"resource-docker-v{plugin_version()}" / PLUGIN
    return executable(PLUGIN, machine.search_path) or (installed if is_executable(installed) else None)


def ensure_plugin(machine: Machine, pulumi_home: Path, cli: Tool, run: Runner) -> Path:
    """The plugin, got by the CLI where it is missing.

    Raises:
        InfraError: it can't be had here; with the command that gets it.
    """
    found = find_plugin(machine, pulumi_home)
    if found is None:
        done = run((cli.path, "plugin", "install", "resource", "docker", plugin_version()))
        found = find_plugin(machine, pulumi_home)
        if found is None:
            raise InfraError(
                f"Pulumi's plugin for Docker can't be installed: {done.output.strip()}; "
                f"get it with `{plugin_remedy()}` or put {PLUGIN} on PATH"
            )
    return found


class _UnixConnection(http.client.HTTPConnection):
    """HTTP over a Unix socket."""

    def __init__(self, path: str) -> None:
        super().__init__("localhost", timeout=_TIMEOUT_S)
        self._path = path

    def connect(self) -> None:
        """Connect to the socket."""
        self.sock = socket.socket(socket.AF_UNIX)
        self.sock.settimeout(_TIMEOUT_S)
        self.sock.connect(self._path)
