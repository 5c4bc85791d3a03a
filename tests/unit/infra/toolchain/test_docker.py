"""How Docker and Pulumi's plugin for it are looked for."""

from __future__ import annotations

import http.server
import socketserver
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from infra.errors import InfraError
from infra.toolchain.docker import PLUGIN, daemon_version, ensure_plugin, find_plugin, plugin_version
from infra.toolchain.programs import Tool
from infra.toolchain.runner import Finished
from tests.unit.infra.toolchain.fakes import FakeRunner, machine, put

CLI = Tool("Pulumi", "3.230.0", Path("/opt/pulumi"), {})


class Daemon(http.server.BaseHTTPRequestHandler):
    """Tells its version."""

    def do_GET(self) -> None:
        """Answer as Docker does."""
        self.send_response(200)
        self.end_headers()
        self.wfile.write(b'{"Version": "27.1.0"}' if self.path == "/version" else b"{}")

    def address_string(self) -> str:
        """A Unix socket's client has no address."""
        return ""

    def log_message(self, *_: object) -> None:
        """Be quiet."""


@pytest.fixture
def daemon(tmp_path: Path) -> Iterator[Path]:
    """The socket of a daemon that answers."""
    path = tmp_path / "docker.sock"
    with socketserver.ThreadingUnixStreamServer(str(path), Daemon) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            yield path
        finally:
            server.shutdown()
            thread.join()


def test_a_daemon_is_asked_at_its_socket(daemon: Path) -> None:
    """In Docker's own way of saying where."""
    assert daemon_version(f"unix://{daemon}") == "27.1.0"


@pytest.mark.parametrize("host", ["unix:///nowhere/docker.sock", "tcp://127.0.0.1:1", "tcp://127.0.0.1:port"])
def test_no_daemon_has_no_version(host: str) -> None:
    """Whatever DOCKER_HOST says."""
    assert daemon_version(host) == ""


def test_the_plugin_is_found_on_the_path_and_where_pulumi_keeps_it(tmp_path: Path) -> None:
    """The one on the path wins, as for Pulumi."""
    here, home = machine(tmp_path), tmp_path / "home/.pulumi"
    assert find_plugin(here, home) is None
    kept = put(home / f"plugins/resource-docker-v{plugin_version()}" / PLUGIN)
    assert find_plugin(here, home) == kept
    on_path = put(tmp_path / "usr/bin" / PLUGIN)
    assert find_plugin(here, home) == on_path


def test_a_missing_plugin_is_installed_by_the_cli(tmp_path: Path) -> None:
    """Its own command, which puts it where it is then found."""
    home = tmp_path / "home/.pulumi"
    kept = home / f"plugins/resource-docker-v{plugin_version()}" / PLUGIN
    run = FakeRunner(effects={"plugin install": lambda _: put(kept)})
    assert ensure_plugin(machine(tmp_path), home, CLI, run) == kept
    assert run.commands == [f"/opt/pulumi plugin install resource docker {plugin_version()}"]


def test_a_plugin_that_cannot_be_had_is_said(tmp_path: Path) -> None:
    """With the command, and what it says here."""
    run = FakeRunner({"plugin install": Finished(1, "error: no route to host\n")})
    with pytest.raises(
        InfraError, match=r"no route to host; get it with `pulumi plugin install resource docker .*` or put pulumi-resource-docker on PATH"
    ):
        ensure_plugin(machine(tmp_path), tmp_path, CLI, run)
