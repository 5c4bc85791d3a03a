"""Replicas that do as a test says, behind a real NGINX with the gateway's own configuration."""

from __future__ import annotations

import contextlib
import functools
import http.client
import http.server
import json
import os
import socket
import socketserver
import subprocess
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

from infra.components import nginx
from infra.targets.declaration import Place
from infra.toolchain import ServerBinaries, ensure_servers

PATIENCE_S = 20.0
TUNING = nginx.Tuning(
    connect_timeout_ms=300,
    read_timeout_ms=150,
    tries=3,
    max_fails=1,
    fail_timeout_s=60,
    max_connections=256,
    keepalive=32,
    rate_limit_per_s=0,
)
"""Impatient, so that no test waits long, and with a rotation that a test would not outlive."""


class Replica:
    """Answers at once, is overloaded (503), or is silent as if it were paused; it can also be killed."""

    def __init__(self) -> None:
        self.mode: Literal["answers", "overloaded", "silent"] = "answers"
        self.request_ids: list[str] = []
        self.asked = threading.Semaphore(0)
        """Released once a request."""
        self._heard = threading.Event()
        replica = self

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_GET(self) -> None:
                replica._answer(self)

            def do_POST(self) -> None:
                replica._answer(self)

            def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the base class calls it so
                """Say nothing."""

        self._server = _Server(("127.0.0.1", 0), Handler)
        self.port: int = self._server.server_address[1]
        threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True).start()

    def be(self, mode: Literal["answers", "overloaded", "silent"]) -> None:
        """Behave so from now on; who was left without an answer gets none any more."""
        self.mode = mode
        self._heard.set()
        self._heard = threading.Event()

    def kill(self) -> None:
        """Refuse connections from now on, and drop those that there are."""
        self._heard.set()
        self._server.shutdown()
        self._server.server_close()
        self._server.drop()

    def _answer(self, handler: http.server.BaseHTTPRequestHandler) -> None:
        self.request_ids.append(handler.headers.get("X-Request-Id", ""))
        self.asked.release()
        handler.rfile.read(int(handler.headers.get("Content-Length", 0)))
        if self.mode == "silent":
            self._heard.wait(PATIENCE_S)
            handler.close_connection = True
            return
        body = b'{"type":"of the replica"}'
        handler.send_response(503 if self.mode == "overloaded" else 200)
        if self.mode == "overloaded":
            handler.send_header("Retry-After", "7")
        handler.send_header("X-Replica", str(self.port))
        handler.send_header("Content-Length", str(len(body)))
        handler.end_headers()
        handler.wfile.write(body)


class _Server(http.server.ThreadingHTTPServer):
    daemon_threads = True
    block_on_close = False

    def __init__(self, address: tuple[str, int], handler: type[socketserver.BaseRequestHandler]) -> None:
        self._connections: list[socket.socket] = []
        super().__init__(address, handler)

    def process_request(self, request: Any, client_address: Any) -> None:
        self._connections.append(request)
        super().process_request(request, client_address)

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A connection that was dropped is no error of the test's."""

    def drop(self) -> None:
        for connection in self._connections:
            with contextlib.suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)


@dataclass(frozen=True)
class Answer:
    """What came back."""

    status: int
    headers: Mapping[str, str]
    """Names in lower case."""
    body: bytes

    @property
    def problem(self) -> str:
        """The type of the problem details; empty where it is none."""
        return str(json.loads(self.body)["type"]) if self.headers.get("content-type") == "application/problem+json" else ""


@dataclass(frozen=True)
class GatewayUnderTest:
    """NGINX, and the replicas of the courses service behind it; students and enrollment are away."""

    port: int
    internal_port: int
    courses: Sequence[Replica] = field(default_factory=list)

    def ask(
        self, path: str = "/courses", method: str = "GET", *, port: int | None = None, headers: Mapping[str, str] | None = None
    ) -> Answer:
        """One request on a connection of its own."""
        connection = http.client.HTTPConnection("127.0.0.1", port or self.port, timeout=PATIENCE_S)
        try:
            connection.request(method, path, body=b"{}" if method == "POST" else None, headers=dict(headers or {}))
            response = connection.getresponse()
            return Answer(response.status, {name.lower(): value for name, value in response.getheaders()}, response.read())
        finally:
            connection.close()

    def send(self, text: bytes) -> Answer:
        """Bytes that need not be HTTP."""
        with socket.create_connection(("127.0.0.1", self.port), timeout=PATIENCE_S) as connection:
            connection.sendall(text)
            response = http.client.HTTPResponse(connection)
            response.begin()
            return Answer(response.status, {name.lower(): value for name, value in response.getheaders()}, response.read())


@contextlib.contextmanager
def gateway(folder: Path, replicas: int, tuning: nginx.Tuning = TUNING) -> Iterator[GatewayUnderTest]:
    """A real NGINX in front of that many replicas of courses."""
    courses = [Replica() for _ in range(replicas)]
    public_port, internal_port, nobody = _free_ports(3)
    place = Place(
        host="127.0.0.1",
        listen="127.0.0.1",
        as_root=os.geteuid() == 0,
        config=str(folder),
        data=str(folder),
        log=str(folder / "gateway.log"),
        access_log=str(folder / "access.log"),
    )
    ports = {"courses": [replica.port for replica in courses], "students": [nobody], "enrollment": [nobody]}
    addresses = {name: [f"127.0.0.1:{port}" for port in group] for name, group in ports.items()}
    text, _ = nginx.render(tuning, place, public_port, internal_port, addresses)
    (folder / "nginx.conf").write_text(text)
    servers = _servers()
    command = [str(servers.nginx), "-p", str(folder), "-e", "stderr", "-c", str(folder / "nginx.conf")]
    with (folder / "gateway.log").open("w") as log:
        process = subprocess.Popen(command, env={**os.environ, **servers.environment}, stderr=log)
    try:
        _wait_for(public_port, process)
        yield GatewayUnderTest(public_port, internal_port, courses)
    finally:
        for replica in courses:
            replica.kill()
        process.terminate()
        process.wait(PATIENCE_S)


@functools.cache
def _servers() -> ServerBinaries:
    return ensure_servers(lambda _: None)


def _free_ports(count: int) -> list[int]:
    with contextlib.ExitStack() as stack:
        sockets = [stack.enter_context(socket.create_server(("127.0.0.1", 0))) for _ in range(count)]
        return [each.getsockname()[1] for each in sockets]


def _wait_for(port: int, process: subprocess.Popen[bytes]) -> None:
    deadline = time.monotonic() + PATIENCE_S
    while time.monotonic() < deadline and process.poll() is None:
        with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), timeout=1):
            return
        time.sleep(0.02)
    raise AssertionError("NGINX does not listen")
