"""Which way the servers are got on which machine, and what is told."""

from __future__ import annotations

import fcntl
from dataclasses import replace
from pathlib import Path

import pytest

from infra.errors import InfraError
from infra.toolchain.finding import together
from infra.toolchain.installing import ensure
from infra.toolchain.machine import Machine
from infra.toolchain.programs import NGINX, POSTGRESQL, RABBITMQ, REDIS, SERVERS, WRK, ServerBinaries
from infra.toolchain.runner import Finished
from tests.unit.infra.toolchain.fakes import FakeRunner, lay_out, machine
from tests.unit.infra.toolchain.test_prefix import installer


def ensure_on(here: Machine, runner: FakeRunner, notes: list[str]) -> ServerBinaries:
    """Ensure the servers on a machine where time stands still."""
    return together(ensure(SERVERS, here, runner, notes.append, lambda: 0.0))


def test_servers_that_are_there_cost_four_questions_and_no_word(tmp_path: Path) -> None:
    """Each is asked for its version; nothing is told, written or installed."""
    lay_out(tmp_path)
    runner, notes = FakeRunner(), list[str]()
    assert ensure_on(machine(tmp_path), runner, notes).origin == "system"
    assert len(runner.commands) == 4
    assert notes == []
    assert not (tmp_path / "home").exists()


def test_root_gets_what_is_missing_by_apt(tmp_path: Path) -> None:
    """Only the missing server's package, told at the start and at the end."""
    lay_out(tmp_path, POSTGRESQL, REDIS, RABBITMQ)
    runner = FakeRunner(effects={"install nginx": lambda _: lay_out(tmp_path, NGINX)})
    notes: list[str] = []
    assert ensure_on(machine(tmp_path, is_root=True), runner, notes).origin == "apt"
    assert notes[0].startswith("installing NGINX with apt")
    assert notes[-1] == "installed NGINX 1.22.1 in 0 s"


def test_a_plain_user_gets_a_private_prefix_once(tmp_path: Path) -> None:
    """The first call makes it; the second finds it and asks apt nothing."""
    here, runner, notes = machine(tmp_path), installer(), list[str]()
    first = ensure_on(here, runner, notes)
    assert first.origin == "private prefix"
    assert notes[0].startswith("unpacking PostgreSQL, Redis, NGINX and RabbitMQ into ")
    assert notes[-1] == "installed PostgreSQL 15.18, Redis 7.0.15, NGINX 1.22.1 and RabbitMQ 3.10.8 in 0 s"
    again, said = FakeRunner(), list[str]()
    assert ensure_on(here, again, said) == first
    assert said == []
    assert not any("apt-get" in command for command in again.commands)


def test_another_distribution_is_told_what_to_install(tmp_path: Path) -> None:
    """What is missing and the packages' names, in one sentence; nothing is run but the questions."""
    lay_out(tmp_path, POSTGRESQL, NGINX)
    runner = FakeRunner()
    with pytest.raises(InfraError, match=r"Redis 6 or newer was not found; RabbitMQ .*; install redis-server and rabbitmq-server with "):
        ensure_on(machine(tmp_path, has_apt=False), runner, [])
    assert len(runner.commands) == 2


def test_a_server_that_stays_too_old_is_named(tmp_path: Path) -> None:
    """The distribution has no newer one: it says where the old one is and what is needed."""
    lay_out(tmp_path)
    runner = FakeRunner({"nginx -v": Finished(0, "nginx version: nginx/1.18.0")})
    with pytest.raises(InfraError, match=r"installed NGINX, and yet: NGINX at .*/usr/sbin/nginx is 1\.18\.0"):
        ensure_on(machine(tmp_path, is_root=True), runner, [])


def test_two_at_once_install_once(tmp_path: Path) -> None:
    """The second says that it waits, and then finds what the first has installed."""
    here, runner, notes = machine(tmp_path, is_root=True), FakeRunner(), list[str]()
    here.cache.mkdir(parents=True)
    with (here.cache / "servers.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)

        def first_ends(sentence: str) -> None:
            notes.append(sentence)
            lay_out(tmp_path)
            fcntl.flock(lock, fcntl.LOCK_UN)

        assert together(ensure(SERVERS, here, runner, first_ends, lambda: 0.0)).origin == "system"
    assert notes == ["waiting for another installation to end"]
    assert not any("apt-get" in command for command in runner.commands)


def test_servers_are_got_without_any_tool(tmp_path: Path) -> None:
    """Nobody who brings the system up pays for what only capacity experiments need."""
    runner = FakeRunner(effects={"install postgresql": lambda _: lay_out(tmp_path)})
    ensure_on(machine(tmp_path, is_root=True), runner, [])
    assert not any("wrk" in command for command in runner.commands)


def test_a_tool_is_got_by_itself(tmp_path: Path) -> None:
    """By apt as root, and for a plain user in a prefix of its own, which needs no Erlang and may have a blank in its name."""
    runner = FakeRunner(effects={"install wrk": lambda _: lay_out(tmp_path / "root", WRK)})
    got = ensure((WRK,), machine(tmp_path / "root", is_root=True), runner, list[str]().append, lambda: 0.0)[WRK]
    assert (got.origin, got.paths, got.environment) == ("apt", (tmp_path / "root/usr/bin/wrk",), {})
    here = machine(tmp_path / "Ann Lee")
    runner = installer()
    runner = replace(runner, effects={**runner.effects, "dpkg-deb": lambda words: lay_out(Path(words[-1]), WRK)})
    got = ensure((WRK,), here, runner, list[str]().append, lambda: 0.0)[WRK]
    assert got.origin == "private prefix"
    assert got.paths[0].is_relative_to(here.cache)
    assert set(got.environment) == {"LD_LIBRARY_PATH"}


def test_a_cache_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    """A file where the folder should be: one sentence with its path, no traceback of the operating system's error."""
    here = machine(tmp_path)
    (tmp_path / "home").write_text("a file", encoding="utf-8")
    with pytest.raises(InfraError, match=f"{tmp_path}/home.*set XDG_CACHE_HOME"):
        ensure_on(replace(here, cache=tmp_path / "home/cache"), installer(), [])
