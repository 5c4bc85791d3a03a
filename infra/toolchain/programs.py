"""The programs that the lab runs and does not bring along: what each is for, which version will do, and how Debian calls it."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Program:
    """One program that must be on the machine."""

    name: str
    purpose: str
    package: str
    """Debian's and Ubuntu's package."""
    oldest: tuple[int, ...]
    """The lowest version that the lab's configuration works with."""
    parts: tuple[str, ...]
    """How the names of the packages begin that must come from one place, because they look for each other beside themselves."""
    services: tuple[str, ...]
    """The init scripts and systemd units that its packages bring."""

    @property
    def wanted(self) -> str:
        """Its name and version, as in a sentence."""
        return f"{self.name} {'.'.join(map(str, self.oldest))} or newer"


POSTGRESQL = Program(
    name="PostgreSQL",
    purpose="the three services' databases",
    package="postgresql",
    oldest=(14,),  # initdb --no-instructions
    parts=("postgresql",),
    services=("postgresql",),
)
REDIS = Program(
    name="Redis",
    purpose="the cache of the read paths",
    package="redis-server",
    oldest=(6,),
    parts=("redis",),
    services=("redis-server",),
)
NGINX = Program(
    name="NGINX",
    purpose="the gateway in front of the replicas",
    package="nginx",
    oldest=(1, 19, 5),  # option -e, without which it writes to /var/log before it has read its configuration
    parts=("nginx",),
    services=("nginx",),
)
RABBITMQ = Program(
    name="RabbitMQ",
    purpose="the broker between the enrolment service and its workers; needs Erlang",
    package="rabbitmq-server",
    oldest=(3, 10),  # the oldest that it was tried with
    parts=("rabbitmq", "erlang"),
    services=("rabbitmq-server", "epmd", "epmd.socket"),
)
SERVERS = (POSTGRESQL, REDIS, NGINX, RABBITMQ)
"""What the process target runs: nothing can be brought up without them."""
WRK = Program(
    name="wrk",
    purpose="the load generator of capacity experiments, needed for these alone",
    package="wrk",
    oldest=(4,),
    parts=("wrk",),
    services=(),
)
TOOLS = {tool.name: tool for tool in (WRK,)}
"""What is got only when it is asked for."""


@dataclass(frozen=True)
class Found:
    """A program that is there, tried by asking for its version."""

    program: Program
    version: str
    paths: tuple[Path, ...]
    """What ServerBinaries has of it, in that order; of a tool, its executable."""
    origin: str
    """``system``, ``apt`` (installed just now) or ``private prefix``."""
    environment: Mapping[str, str]
    """What it needs in its environment to run from there."""


@dataclass(frozen=True)
class Absent:
    """A program that is not there, or not as needed."""

    program: Program
    reason: str


@dataclass(frozen=True)
class ServerBinaries:
    """Absolute paths of what the process target runs."""

    postgres_bin: Path
    """Folder with initdb, postgres and pg_ctl; run them by their absolute paths, from which they find their other files."""
    redis_server: Path
    nginx: Path
    rabbitmq_home: Path
    """Folder with sbin/rabbitmq-server, the real one and not Debian's wrapper, which insists on a user of its own."""
    erl: Path
    epmd: Path
    environment: Mapping[str, str]
    """What each of them needs in its environment: always PATH, for a private prefix LD_LIBRARY_PATH too."""
    versions: Mapping[str, str]
    """By the server's name in lower case: ``{"postgresql": "15.18", ...}``."""
    origin: str
    """``system``, ``apt`` (installed just now) or ``private prefix``."""


@dataclass(frozen=True)
class Tool:
    """A tool that is ready to run."""

    name: str
    version: str
    path: Path
    environment: Mapping[str, str]
    """What it needs on top of its caller's own: LD_LIBRARY_PATH where it is in a private prefix, else nothing."""


@dataclass(frozen=True)
class Missing:
    """The programs that are not there."""

    absent: tuple[Absent, ...]

    def __str__(self) -> str:
        """One line that names them all and says what was found instead."""
        return "; ".join(absent.reason for absent in self.absent)


def enumeration(words: Iterable[str]) -> str:
    """``a``, ``a and b``, ``a, b and c``."""
    *first, last = words
    return f"{', '.join(first)} and {last}" if first else last
