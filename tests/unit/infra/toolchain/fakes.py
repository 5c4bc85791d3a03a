"""A machine in a folder, and a runner that plays what is run on it."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from infra.toolchain.machine import Machine
from infra.toolchain.programs import NGINX, POSTGRESQL, RABBITMQ, REDIS, SERVERS, WRK, Program
from infra.toolchain.runner import Finished

FILES = {
    POSTGRESQL: tuple(f"usr/lib/postgresql/15/bin/{name}" for name in ("postgres", "initdb", "pg_ctl")),
    REDIS: ("usr/bin/redis-server",),
    NGINX: ("usr/sbin/nginx",),
    RABBITMQ: (
        "usr/lib/rabbitmq/lib/rabbitmq_server-3.10.8/sbin/rabbitmq-server",
        "usr/lib/rabbitmq/lib/rabbitmq_server-3.10.8/plugins/rabbitmq_management-3.10.8/ebin/rabbit_mgmt_app.beam",
        "usr/lib/erlang/erts-13.1.5/bin/erlexec",
        "usr/bin/erl",
        "usr/bin/epmd",
    ),
    WRK: ("usr/bin/wrk",),
}
"""Where Debian's packages have what is looked for."""
VERSIONS = {
    "postgres --version": "postgres (PostgreSQL) 15.18 (Debian 15.18-0+deb12u1)\n",
    "redis-server --version": "Redis server v=7.0.15 sha=00000000:0 malloc=jemalloc-5.3.0 bits=64 build=ae4d7c971a948f0\n",
    "nginx -v": "nginx version: nginx/1.22.1\n",
    "erl +V": "Erlang (SMP,ASYNC_THREADS) (BEAM) emulator version 13.1.5\n",
    "wrk --version": "wrk debian/4.1.0-3+b2 [epoll] Copyright (C) 2012 Will Glozer\nUsage: wrk <options> <url>\n",
}
"""What they say of themselves."""
EXIT_STATUS = {"wrk --version": 1}
"""Where it is not 0."""


def lay_out(root: Path, *programs: Program) -> None:
    """Put the files of these programs, all servers where none is named, below ``root``."""
    for program in programs or SERVERS:
        for name in FILES[program]:
            put(root / name)


def put(path: Path, text: str = "") -> Path:
    """An executable file."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")
    path.chmod(0o755)
    return path


def machine(root: Path, *, is_root: bool = False, has_apt: bool = True) -> Machine:
    """A Debian bookworm whose files are below ``root``, and whose user's cache is there too."""
    put(root / "var/lib/dpkg/status", "Package: base-files\nStatus: install ok installed\n")
    return Machine(
        is_root=is_root,
        search_path=(root / "usr/bin", root / "usr/sbin"),
        cache=root / "home/cache",
        suite="bookworm",
        has_apt=has_apt,
        root=root,
    )


@dataclass
class FakeRunner:
    """Answers by the words of the command, runs nothing, and remembers what it was asked."""

    answers: Mapping[str, Finished] = field(default_factory=dict)
    """By the end of a program's path with its first argument, or by any words of the command."""
    effects: Mapping[str, Callable[[Sequence[str]], object]] = field(default_factory=dict)
    """What happens when a command with these words is run, before it answers."""
    commands: list[str] = field(default_factory=list)
    environments: list[Mapping[str, str]] = field(default_factory=list)

    def __call__(
        self,
        command: Sequence[str | Path],
        *,
        environment: Mapping[str, str] | None = None,
        folder: Path | None = None,
        on_line: Callable[[str], None] | None = None,
    ) -> Finished:
        """Play it."""
        del folder
        words = [str(word) for word in command]
        line = " ".join(words)
        self.commands.append(line)
        self.environments.append(environment or {})
        for known, effect in self.effects.items():
            if known in line:
                effect(words)
        spoken = {known: Finished(EXIT_STATUS.get(known, 0), text) for known, text in VERSIONS.items()} | dict(self.answers)
        answer = next((spoken[known] for known in reversed(spoken) if known in line), Finished(0, ""))
        for told in answer.output.splitlines() if on_line else ():
            on_line(told)  # type: ignore[misc]  # the condition is in the line above
        return answer
