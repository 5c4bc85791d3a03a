"""Passwords stay where they belong: in files and processes of their owner, in no log and on no command line."""

from __future__ import annotations

import os
import secrets
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from urllib.parse import urlsplit

import httpx
import psutil
import pytest

from infra import operations
from infra.deployment import Deployment
from infra.settings import REPOSITORY
from tests.integration.security.conftest import DATABASES, without

PATIENCE_S = 120.0
"""Until a test gives up on what must happen soon; no test measures time."""
LOOK_EVERY_S = 0.05


@pytest.mark.parametrize(
    ("node", "module", "variable", "port_variable", "said"),
    [
        ("courses-1", "app.courses", "SPIRE_DATABASE_URL", "SPIRE_PORT", "waiting for the database"),
        ("courses-1", "app.courses", "SPIRE_CACHE_URL", "SPIRE_PORT", "waiting for the cache"),
        ("enrollment-1", "app.enrollment", "SPIRE_BROKER_URL", "SPIRE_PORT", "the broker is away"),
        ("worker-1", "app.enrollment.worker", "SPIRE_BROKER_URL", "SPIRE_HEALTH_PORT", "the broker is away"),
    ],
)
def test_a_process_that_is_refused_tells_no_password(
    target: Deployment, passwords: frozenset[str], tmp_path: Path, node: str, module: str, variable: str, port_variable: str, said: str
) -> None:
    """Neither the wrong password nor a right one is in what a process writes or answers while a server refuses its login."""
    environment = _settings_of(target, node)
    wrong = secrets.token_urlsafe(24)
    environment[variable] = environment[variable].replace(urlsplit(environment[variable]).password or "", wrong)
    environment |= {port_variable: str(_free_port()), "SPIRE_REPLICA": "intruder"}
    answers = []
    with _running(module, environment, tmp_path / "log") as log:
        url = f"http://127.0.0.1:{environment[port_variable]}"
        deadline_s = time.monotonic() + PATIENCE_S
        while said not in log.read_text(encoding="utf-8"):
            assert time.monotonic() < deadline_s, log.read_text(encoding="utf-8")
            with suppress(httpx.TransportError):
                answers.append(httpx.get(f"{url}/readyz", trust_env=False).text)
                answers.append(httpx.get(f"{url}/courses/1", trust_env=False).text)
            time.sleep(LOOK_EVERY_S)
        written = log.read_text(encoding="utf-8")
    assert _found_in(written + "".join(answers), passwords | {wrong}) == []


def test_a_process_that_cannot_start_tells_no_password(target: Deployment, passwords: frozenset[str]) -> None:
    """An address that can't be understood ends the process, with nothing of it on the way."""
    environment = _settings_of(target, "courses-1")
    environment["SPIRE_DATABASE_URL"] = environment["SPIRE_DATABASE_URL"].replace("://", ":/")
    done = subprocess.run(
        [sys.executable, "-m", "app.courses"],
        cwd=REPOSITORY,
        env=environment,
        check=False,
        capture_output=True,
        text=True,
        timeout=PATIENCE_S,
    )
    assert done.returncode != 0
    assert _found_in(done.stdout + done.stderr, passwords) == []


def test_no_log_and_no_command_line_has_a_password(target: Deployment, home: Path, http: httpx.Client, passwords: frozenset[str]) -> None:
    """After traffic, errors, servers that were away and logins that were refused, no log of the deployment has one, and no process ever."""
    _traffic(http)
    with without(target, (*DATABASES, "cache")):
        assert _traffic(http) == {503}
        commands = _command_lines()
    commands += _command_lines()
    assert any("postgres" in command for command in commands)
    assert _found_in("\n".join(commands), passwords) == []
    logs = [*(home / "logs").iterdir(), *(home / "supervisor").glob("*.log*")]
    assert {f"{node.name}.log" for node in target.nodes} <= {log.name for log in logs}
    assert [log.name for log in logs if _found_in(log.read_text(errors="replace"), passwords)] == []


def test_whoever_is_not_the_owner_can_read_no_password(home: Path, passwords: frozenset[str]) -> None:
    """A file that holds one is closed to others, and so is the list of the folder's files."""
    holders = [path for path in home.rglob("*") if path.is_file() and _found_in(path.read_bytes().decode(errors="replace"), passwords)]
    assert {"secrets.json", "state.json", "redis.conf", "definitions.json"} <= {path.name for path in holders}
    assert [str(path) for path in holders if path.stat().st_mode & 0o077] == []
    assert home.stat().st_mode & 0o066 == 0


def _found_in(text: str, passwords: frozenset[str]) -> list[str]:
    return [password for password in passwords if password in text]


def _traffic(http: httpx.Client) -> set[int]:
    """The statuses of valid and invalid requests to every service."""
    requests = [
        http.build_request("POST", "/courses", json={"name": "Web Systems", "code": f"T{secrets.token_hex(6)}", "capacity": 1}),
        http.build_request("POST", "/students", json={"name": "John Doe"}),
        http.build_request("POST", "/enroll", json={"student_id": 1, "course_id": 1}, headers={"Idempotency-Key": secrets.token_hex(8)}),
        http.build_request("GET", "/courses/77"),
        http.build_request("GET", "/enroll/student/1"),
    ]
    return {http.send(request).status_code for request in requests}


def _settings_of(deployment: Deployment, node: str) -> dict[str, str]:
    """What a process of ours is told; without the marks by which it would count as that node."""
    main, *_ = operations.processes(deployment, node)
    told = {name: value for name, value in main.environ().items() if name.startswith("SPIRE_")}
    return {**told, "PATH": os.defpath, "LANG": "C.UTF-8", "PYTHONPATH": str(REPOSITORY)}


@contextmanager
def _running(module: str, environment: Mapping[str, str], log: Path) -> Iterator[Path]:
    with log.open("w") as file:
        process = subprocess.Popen([sys.executable, "-m", module], cwd=REPOSITORY, env=environment, stdout=file, stderr=subprocess.STDOUT)
    try:
        yield log
    finally:
        process.terminate()
        try:
            process.wait(PATIENCE_S)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def _free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as server:
        return int(server.getsockname()[1])


def _command_lines() -> list[str]:
    return [" ".join(process.info["cmdline"] or ()) for process in psutil.process_iter(["cmdline"])]
