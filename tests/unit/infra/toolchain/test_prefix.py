"""A prefix is there whole or not at all, and its Erlang finds itself."""

from __future__ import annotations

import subprocess
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import pytest

from infra.errors import InfraError
from infra.toolchain.finding import find, together
from infra.toolchain.machine import Machine
from infra.toolchain.prefix import install, pretend_absent
from infra.toolchain.programs import RABBITMQ, REDIS, SERVERS, Missing
from infra.toolchain.progress import Progress
from infra.toolchain.runner import Finished
from infra.toolchain.trees import prefix_folder
from tests.unit.infra.toolchain.fakes import FakeRunner, lay_out, machine, put


def setting(words: Sequence[str], key: str) -> Path:
    """The path that apt was given for ``key``."""
    return Path(next(word.removeprefix(f"{key}=") for word in words if word.startswith(f"{key}=")))


def download(words: Sequence[str]) -> None:
    """Play apt-get install --download-only."""
    put(setting(words, "Dir::Cache") / "archives/servers_1_all.deb")


def unpack(words: Sequence[str]) -> None:
    """Play dpkg-deb -x."""
    lay_out(Path(words[-1]))


def installer(**answers: Finished) -> FakeRunner:
    """A runner with an apt and a dpkg-deb that work, but for the ``answers``."""
    return FakeRunner(
        answers, effects={"--download-only": lambda words: download(words) if "install" in words else None, "dpkg-deb": unpack}
    )


def install_all(here: Machine, runner: FakeRunner) -> None:
    """Make a prefix with all servers."""
    install(SERVERS, here, runner, Progress(lambda _: None, lambda: 0.0))


def content(here: Machine) -> list[str]:
    """What is in the cache."""
    return sorted(path.name for path in here.cache.iterdir())


@pytest.fixture
def here(tmp_path: Path) -> Machine:
    """A machine whose user is not root and has a cache."""
    here = machine(tmp_path)
    here.cache.mkdir(parents=True)
    return here


def test_a_prefix_has_the_servers_and_none_of_the_packages(here: Machine) -> None:
    """It is found afterwards, and what apt needed to make it is gone."""
    install_all(here, installer())
    prefix = prefix_folder(here, SERVERS)
    assert content(here) == [prefix.name]
    assert sorted(path.name for path in prefix.iterdir()) == ["bin", "usr"]
    found = find(SERVERS, here, FakeRunner())
    assert not isinstance(found, Missing)
    assert together(found).erl == prefix / "bin/erl"


def test_apt_reads_the_systems_sources_but_writes_only_below_the_cache(here: Machine) -> None:
    """State, status and cache are private, sources and keys are not set, and nothing asks for root's locks."""
    runner = installer()
    install_all(here, runner)
    for command in runner.commands[:2]:
        words = command.split()
        assert all(setting(words, key).is_relative_to(here.cache) for key in ("Dir::State", "Dir::State::status", "Dir::Cache"))
        assert "Dir::Etc" not in command
        assert "Debug::NoLocking=1" in words


@pytest.mark.parametrize(
    ("step", "says"),
    [
        (" update", "apt-get update failed: "),
        ("install postgresql", "apt-get install failed: "),
        ("dpkg-deb", "dpkg-deb -x servers_1_all.deb failed: "),
        ("crypto:start", "Erlang from the unpacked packages failed: "),
    ],
)
def test_a_failure_leaves_nothing(here: Machine, step: str, says: str) -> None:
    """Whatever step fails, it says which, and the cache is empty again."""
    with pytest.raises(InfraError, match=says):
        install_all(here, installer(**{step: Finished(1, "no space left")}))
    assert content(here) == []


@pytest.mark.parametrize("step", [" update", "dpkg-deb", "crypto:start"])
def test_an_interruption_leaves_nothing(here: Machine, step: str) -> None:
    """Ctrl-C at any step empties the cache again."""

    def interrupt(_: Sequence[str]) -> None:
        raise KeyboardInterrupt

    runner = installer()
    with pytest.raises(KeyboardInterrupt):
        install_all(here, replace(runner, effects={**runner.effects, step: interrupt}))
    assert content(here) == []


def test_a_killed_installation_counts_for_nothing_and_is_cleared_away(here: Machine) -> None:
    """What was being made is neither found nor kept; the prefix of other servers is."""
    killed = prefix_folder(here, SERVERS).with_name("servers-bookworm-abc.unfinished")
    other = prefix_folder(here, (REDIS,))
    lay_out(killed)
    lay_out(other, REDIS)
    assert isinstance(find(SERVERS, here, FakeRunner()), Missing)
    install_all(here, installer())
    assert content(here) == sorted([prefix_folder(here, SERVERS).name, other.name])


def test_a_prefix_that_no_longer_runs_is_made_anew(here: Machine) -> None:
    """A library that the system has lost since is fetched this time."""
    stale = put(prefix_folder(here, SERVERS) / "usr/bin/redis-server", "stale")
    install_all(here, installer())
    assert stale.read_text(encoding="utf-8") == ""


def test_erlang_starts_from_wherever_the_prefix_is(here: Machine, tmp_path: Path) -> None:
    """Its start script tells erlexec the root that it finds itself in, also after the whole prefix has moved."""
    install_all(here, installer())
    moved = prefix_folder(here, SERVERS).rename(tmp_path / "moved")
    put(moved / "usr/lib/erlang/erts-13.1.5/bin/erlexec", '#!/bin/sh\necho "$ROOTDIR|$BINDIR|$EMU|$PROGNAME|$1|$2"\n')
    command = ["sh", "-c", 'erl +V "a b"']
    told = subprocess.run(command, env={"PATH": f"{moved}/bin:/usr/bin:/bin"}, capture_output=True, text=True, check=True).stdout
    root = f"{moved}/usr/lib/erlang"
    assert told == f"{root}|{root}/erts-13.1.5/bin|beam|erl|+V|a b\n"


def test_without_rabbitmq_no_erlang_is_tried(here: Machine) -> None:
    """A prefix with Redis alone has no start script of ours."""
    runner = installer()
    install((REDIS,), here, runner, Progress(lambda _: None, lambda: 0.0))
    assert not (prefix_folder(here, (REDIS,)) / "bin").exists()
    assert not any("crypto" in command for command in runner.commands)


def test_a_folder_with_a_blank_is_refused_before_anything_is_fetched(here: Machine) -> None:
    """RabbitMQ's scripts don't quote their own path."""
    runner = installer()
    with pytest.raises(InfraError, match="set XDG_CACHE_HOME"):
        install_all(replace(here, cache=here.cache / "Ann Lee"), runner)
    assert runner.commands == []


def test_a_servers_own_packages_are_fetched_even_if_the_system_has_some() -> None:
    """RabbitMQ looks for Erlang's libraries in one place, so half of them in the system would be half too few; others stay known."""
    libc = "Package: libc6\nDescription: used by\n Package: erlang-x"
    status = f"Package: erlang-base\nVersion: 1\n\n{libc}\n\nPackage: rabbitmq-server\nVersion: 2\n"
    assert pretend_absent(status, RABBITMQ.parts) == libc
