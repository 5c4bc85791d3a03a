"""Where servers are looked for, and when one that is there will do."""

from __future__ import annotations

from pathlib import Path

import pytest

from infra.toolchain.finding import find, together
from infra.toolchain.programs import NGINX, POSTGRESQL, RABBITMQ, REDIS, SERVERS, WRK, Found, Missing, Program, ServerBinaries
from infra.toolchain.runner import Finished
from infra.toolchain.trees import prefix_folder
from tests.unit.infra.toolchain.fakes import FakeRunner, lay_out, machine, put


def found(result: dict[Program, Found] | Missing) -> ServerBinaries:
    """The servers, where they must be there."""
    assert not isinstance(result, Missing), str(result)
    return together(result)


def missing(result: dict[Program, Found] | Missing) -> Missing:
    """What is missing, where something must be."""
    assert isinstance(result, Missing)
    return result


def test_debian_packages_are_found_where_debian_puts_them(tmp_path: Path) -> None:
    """All four servers come from the system's folders, each with its version."""
    lay_out(tmp_path)
    servers = found(find(SERVERS, machine(tmp_path), FakeRunner()))
    assert servers.postgres_bin == tmp_path / "usr/lib/postgresql/15/bin"
    assert servers.rabbitmq_home == tmp_path / "usr/lib/rabbitmq/lib/rabbitmq_server-3.10.8"
    assert servers.erl == tmp_path / "usr/bin/erl"
    assert servers.origin == "system"
    assert servers.versions == {"postgresql": "15.18", "redis": "7.0.15", "nginx": "1.22.1", "rabbitmq": "3.10.8"}


def test_system_servers_need_only_a_path_that_holds_their_erlang(tmp_path: Path) -> None:
    """RabbitMQ's script calls erl by its name, so its folder is first on PATH; no library path is set."""
    lay_out(tmp_path)
    assert found(find(SERVERS, machine(tmp_path), FakeRunner())).environment == {"PATH": f"{tmp_path}/usr/bin:/usr/bin:/bin"}


def test_the_newest_postgresql_that_runs_is_taken(tmp_path: Path) -> None:
    """Version 17 doesn't start and 9 sorts after 15 as text, so it is 15."""
    lay_out(tmp_path)
    for major in ("9", "17"):
        for name in ("postgres", "initdb", "pg_ctl"):
            put(tmp_path / f"usr/lib/postgresql/{major}/bin/{name}")
    runner = FakeRunner({"17/bin/postgres": Finished(127, "libicu.so.76: cannot open shared object file")})
    assert found(find(SERVERS, machine(tmp_path), runner)).postgres_bin == tmp_path / "usr/lib/postgresql/15/bin"


@pytest.mark.parametrize(
    ("command", "answer", "says"),
    [
        ("postgres --version", Finished(0, "postgres (PostgreSQL) 13.9"), "PostgreSQL at {root}/usr/lib/postgresql/15/bin is 13.9"),
        ("nginx -v", Finished(0, "nginx version: nginx/1.18.0 (Ubuntu)"), "and the lab needs NGINX 1.19.5 or newer"),
        ("redis-server", Finished(127, "libjemalloc.so.2: not found\n"), "redis-server does not run (libjemalloc.so.2: not found)"),
        ("redis-server", Finished(0, "usage: something else"), "redis-server does not run (usage: something else)"),
        ("erl +V", Finished(1, ""), "rabbitmq_server-3.10.8 does not run (exit status 1)"),
    ],
)
def test_a_server_that_will_not_do_is_missing_and_says_why(tmp_path: Path, command: str, answer: Finished, says: str) -> None:
    """Too old, unable to run or something else by the same name: only that one is missing, with the path and the reason."""
    lay_out(tmp_path)
    result = missing(find(SERVERS, machine(tmp_path), FakeRunner({command: answer})))
    assert len(result.absent) == 1
    assert says.format(root=tmp_path) in str(result)


def test_rabbitmq_without_its_management_plugin_is_missing(tmp_path: Path) -> None:
    """The lab reads queues and health from the management API."""
    lay_out(tmp_path)
    home = tmp_path / "usr/lib/rabbitmq/lib/rabbitmq_server-3.10.8/plugins"
    (home / "rabbitmq_management-3.10.8").rename(home / "rabbitmq_shovel-3.10.8")
    assert [absent.program for absent in missing(find(SERVERS, machine(tmp_path), FakeRunner())).absent] == [RABBITMQ]


def test_a_wrapper_on_the_path_is_not_taken_for_rabbitmq(tmp_path: Path) -> None:
    """Debian's /usr/sbin/rabbitmq-server has no plugins beside it; a link to an unpacked release leads to the real one."""
    lay_out(tmp_path)
    wrapper = put(tmp_path / "usr/sbin/rabbitmq-server")
    (tmp_path / "usr/lib/rabbitmq").rename(tmp_path / "unpacked")
    assert [absent.program for absent in missing(find(SERVERS, machine(tmp_path), FakeRunner())).absent] == [RABBITMQ]
    home = tmp_path / "unpacked/lib/rabbitmq_server-3.10.8"
    wrapper.unlink()
    wrapper.symlink_to(home / "sbin/rabbitmq-server")
    assert found(find(SERVERS, machine(tmp_path), FakeRunner())).rabbitmq_home == home


def test_a_private_prefix_completes_what_the_system_has(tmp_path: Path) -> None:
    """NGINX is the system's, the rest the prefix's, with its libraries in the environment and its own erl before any other."""
    lay_out(tmp_path, NGINX)
    here = machine(tmp_path)
    prefix = prefix_folder(here, (POSTGRESQL, REDIS, RABBITMQ))
    lay_out(prefix, POSTGRESQL, REDIS, RABBITMQ)
    put(prefix / "bin/erl")
    libraries = prefix / "usr/lib/x86_64-linux-gnu"
    libraries.mkdir()
    runner = FakeRunner()
    servers = found(find(SERVERS, here, runner))
    assert servers.nginx == tmp_path / "usr/sbin/nginx"
    assert servers.erl == prefix / "bin/erl"
    assert servers.postgres_bin == prefix / "usr/lib/postgresql/15/bin"
    assert servers.origin == "private prefix"
    assert servers.environment == {"PATH": f"{prefix}/bin:/usr/bin:/bin", "LD_LIBRARY_PATH": str(libraries)}
    asked = dict(zip(runner.commands, runner.environments, strict=True))
    assert asked[f"{prefix}/usr/bin/redis-server --version"] == {"LD_LIBRARY_PATH": str(libraries)}


def test_root_does_not_run_what_a_prefix_holds(tmp_path: Path) -> None:
    """Root has apt, and the user postgres could not enter root's home."""
    here = machine(tmp_path, is_root=True)
    lay_out(prefix_folder(here, (POSTGRESQL, REDIS, NGINX, RABBITMQ)))
    assert len(missing(find(SERVERS, here, FakeRunner())).absent) == 4


def test_wrk_is_found_by_what_it_says_though_it_ends_with_an_error(tmp_path: Path) -> None:
    """It has no way to tell its version alone: the missing address makes it end with 1."""
    lay_out(tmp_path, WRK)
    result = find((WRK,), machine(tmp_path), FakeRunner())
    assert not isinstance(result, Missing)
    assert (result[WRK].version, result[WRK].paths) == ("4.1.0", (tmp_path / "usr/bin/wrk",))


def test_looking_changes_nothing(tmp_path: Path) -> None:
    """No file is made by looking, found or not."""
    here = machine(tmp_path)
    before = sorted(tmp_path.rglob("*"))
    find(SERVERS, here, FakeRunner())
    assert sorted(tmp_path.rglob("*")) == before
