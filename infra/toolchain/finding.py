"""Looks for the servers, in the machine's own folders and then in a private prefix; changes nothing."""

import os
import re
from collections import ChainMap
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from infra.toolchain.machine import Machine, executable, is_executable
from infra.toolchain.runner import Runner
from infra.toolchain.servers import NGINX, POSTGRESQL, RABBITMQ, REDIS, SERVERS, Absent, Found, Missing, Server, ServerBinaries
from infra.toolchain.trees import PREFIX, SYSTEM, Tree, prefix_folder, prefix_tree, system_tree

TOOLS_PATH = ("/usr/bin", "/bin")
"""Where the servers' own start scripts find sh, dirname and the like."""
NUMBER = r"(\d+(?:\.\d+)*)"


def survey(machine: Machine, run: Runner) -> dict[Server, Found | Absent]:
    """Each server from the machine if it has it, else from this user's private prefix."""
    system = system_tree(machine)
    results = {server: locate(server, system, run) for server in SERVERS}
    lacking = [server for server, result in results.items() if isinstance(result, Absent)]
    prefix = prefix_folder(machine, lacking)
    if lacking and not machine.is_root and prefix.is_dir():
        tree = prefix_tree(prefix)
        results |= {server: locate(server, tree, run) for server in lacking}
    return results


def find(machine: Machine, run: Runner) -> ServerBinaries | Missing:
    """All servers, or what is missing."""
    results = survey(machine, run).values()
    absent = tuple(result for result in results if isinstance(result, Absent))
    return Missing(absent) if absent else _together({result.server: result for result in results if isinstance(result, Found)})


def locate(server: Server, tree: Tree, run: Runner) -> Found | Absent:
    """The first of the places where ``server`` may be that holds one that runs and is new enough."""
    reasons = []
    for candidate in _PLACES[server](tree):
        answer = run(candidate.version_command, environment=tree.environment)
        told = re.search(candidate.version_pattern, answer.output)
        version = candidate.version or (told[1] if told else "")
        where = f"{server.name} at {candidate.paths[0]}"
        if not answer.succeeded or not told:
            reasons.append(f"{where} does not run ({answer.output.strip() or f'exit status {answer.code}'})")
        elif tuple(map(int, version.split("."))) < server.oldest:
            reasons.append(f"{where} is {version}, and the lab needs {server.wanted}")
        else:
            return Found(server, version, candidate.paths, tree.origin, tree.environment)
    return Absent(server, reasons[0] if reasons else f"{server.wanted} was not found")


@dataclass(frozen=True)
class _Candidate:
    """Files that look like a server, and the question that shows whether they are one."""

    paths: tuple[Path, ...]
    version_command: Sequence[str | Path]
    version_pattern: str
    """What the answer must hold; its group is the version, unless that is known."""
    version: str = ""


def _postgresql(tree: Tree) -> Iterator[_Candidate]:
    packaged = [*tree.root.glob("usr/lib/postgresql/*/bin"), *tree.root.glob("usr/pgsql-*/bin")]
    newest_first = sorted(packaged, key=lambda folder: int("".join(filter(str.isdigit, folder.parent.name)) or 0), reverse=True)
    for folder in (*newest_first, *tree.search_path):
        if all(is_executable(folder / name) for name in ("postgres", "initdb", "pg_ctl")):
            yield _Candidate((folder,), (folder / "postgres", "--version"), rf"\(PostgreSQL\) {NUMBER}")


def _redis(tree: Tree) -> Iterator[_Candidate]:
    if path := executable("redis-server", tree.search_path):
        yield _Candidate((path,), (path, "--version"), f"v={NUMBER}")


def _nginx(tree: Tree) -> Iterator[_Candidate]:
    if path := executable("nginx", tree.search_path):
        yield _Candidate((path,), (path, "-v"), f"nginx/{NUMBER}")


def _rabbitmq(tree: Tree) -> Iterator[_Candidate]:
    erl = executable("erl", tree.search_path)
    epmd = executable("epmd", (*tree.search_path, erl.resolve().parent)) if erl else None
    on_path = executable("rabbitmq-server", tree.search_path)
    unpacked = [on_path.resolve().parent.parent] if on_path else []
    for home in (*tree.root.glob("usr/lib/rabbitmq/lib/rabbitmq_server-*"), *unpacked):
        management = next(home.glob("plugins/rabbitmq_management-*"), None)
        if erl and epmd and management and is_executable(home / "sbin/rabbitmq-server"):
            told = re.search(NUMBER, management.name)
            yield _Candidate((home, erl, epmd), (erl, "+V"), f"version {NUMBER}", version=told[1] if told else "")


_PLACES: Mapping[Server, Callable[[Tree], Iterator[_Candidate]]] = {
    POSTGRESQL: _postgresql,
    REDIS: _redis,
    NGINX: _nginx,
    RABBITMQ: _rabbitmq,
}


def _together(found: Mapping[Server, Found]) -> ServerBinaries:
    (postgres_bin,), (redis_server,), (nginx,) = (found[server].paths for server in (POSTGRESQL, REDIS, NGINX))
    rabbitmq_home, erl, epmd = found[RABBITMQ].paths
    path = {"PATH": os.pathsep.join(dict.fromkeys((str(erl.parent), *TOOLS_PATH)))}
    return ServerBinaries(
        postgres_bin=postgres_bin,
        redis_server=redis_server,
        nginx=nginx,
        rabbitmq_home=rabbitmq_home,
        erl=erl,
        epmd=epmd,
        environment=dict(ChainMap(path, *(dict(result.environment) for result in found.values()))),
        versions={server.name.lower(): result.version for server, result in found.items()},
        origin=PREFIX if any(result.origin == PREFIX for result in found.values()) else SYSTEM,
    )
