"""Looks for the programs, in the machine's own folders and then in a private prefix; changes nothing."""

import os
import re
from collections import ChainMap
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from infra.toolchain.machine import Machine, executable, is_executable
from infra.toolchain.programs import NGINX, POSTGRESQL, RABBITMQ, REDIS, WRK, Absent, Found, Missing, Program, ServerBinaries
from infra.toolchain.runner import Runner
from infra.toolchain.trees import SYSTEM, Tree, prefix_folder, prefix_tree, system_tree

TOOLS_PATH = ("/usr/bin", "/bin")
"""Where the servers' own start scripts find sh, dirname and the like."""
NUMBER = r"(\d+(?:\.\d+)*)"


def survey(programs: Iterable[Program], machine: Machine, run: Runner) -> dict[Program, Found | Absent]:
    """Each program from the machine if it has it, else from this user's private prefix for those that it lacks."""
    system = system_tree(machine)
    results = {program: locate(program, system, run) for program in programs}
    lacking = [program for program, result in results.items() if isinstance(result, Absent)]
    prefix = prefix_folder(machine, lacking)
    if lacking and not machine.is_root and prefix.is_dir():
        tree = prefix_tree(prefix)
        results |= {program: locate(program, tree, run) for program in lacking}
    return results


def find(programs: Iterable[Program], machine: Machine, run: Runner) -> dict[Program, Found] | Missing:
    """All of the programs, or what is missing."""
    results = survey(programs, machine, run).values()
    absent = tuple(result for result in results if isinstance(result, Absent))
    return Missing(absent) if absent else {result.program: result for result in results if isinstance(result, Found)}


def locate(program: Program, tree: Tree, run: Runner) -> Found | Absent:
    """The first of the places where ``program`` may be that holds one that runs and is new enough."""
    reasons = []
    for candidate in _PLACES[program](tree):
        answer = run(candidate.version_command, environment=tree.environment)
        told = re.search(candidate.version_pattern, answer.output)
        version = candidate.version or (told[1] if told else "")
        where = f"{program.name} at {candidate.paths[0]}"
        if answer.code != candidate.exit_status or not told:
            reasons.append(f"{where} does not run ({answer.output.strip() or f'exit status {answer.code}'})")
        elif tuple(map(int, version.split("."))) < program.oldest:
            reasons.append(f"{where} is {version}, and the lab needs {program.wanted}")
        else:
            return Found(program, version, candidate.paths, tree.origin, tree.environment)
    return Absent(program, reasons[0] if reasons else f"{program.wanted} was not found")


@dataclass(frozen=True)
class _Candidate:
    """Files that look like a program, and the question that shows whether they are one."""

    paths: tuple[Path, ...]
    version_command: Sequence[str | Path]
    version_pattern: str
    """What the answer must hold; its group is the version, unless that is known."""
    version: str = ""
    exit_status: int = 0
    """With which it ends after its answer."""


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


def _wrk(tree: Tree) -> Iterator[_Candidate]:
    if path := executable("wrk", tree.search_path):
        yield _Candidate((path,), (path, "--version"), rf"wrk (?:\w+/)?{NUMBER}", exit_status=1)  # it misses an address then


_PLACES: Mapping[Program, Callable[[Tree], Iterator[_Candidate]]] = {
    POSTGRESQL: _postgresql,
    REDIS: _redis,
    NGINX: _nginx,
    RABBITMQ: _rabbitmq,
    WRK: _wrk,
}


def together(found: Mapping[Program, Found]) -> ServerBinaries:
    """The servers as the process target wants them."""
    (postgres_bin,), (redis_server,), (nginx,) = (found[program].paths for program in (POSTGRESQL, REDIS, NGINX))
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
        versions={program.name.lower(): result.version for program, result in found.items()},
        origin=next((result.origin for result in found.values() if result.origin != SYSTEM), SYSTEM),
    )
