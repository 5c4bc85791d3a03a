"""What a target is told of a node: nothing in it depends on whether the node becomes a process or a container."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

from infra.deployment import Role


class _Value(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Software(StrEnum):
    """What runs in a node; a target knows how to get and start each."""

    APPLICATION = "application"
    EPMD = "epmd"
    LINKS = "links"
    NGINX = "nginx"
    POSTGRESQL = "postgresql"
    RABBITMQ = "rabbitmq"
    REDIS = "redis"


class StopSignal(StrEnum):
    """How a node is asked to end."""

    TERMINATE = "TERM"
    INTERRUPT = "INT"
    """PostgreSQL: end the sessions and shut down cleanly."""
    KILL = "KILL"
    """RabbitMQ, whose orderly end takes six seconds and saves nothing that a crash would lose."""


class HttpCheck(_Value):
    """A GET answers as it should."""

    kind: Literal["http"] = "http"
    url: str
    basic_auth: str | None = None
    """``user:password``."""
    body: str | None = None
    """The exact text to be answered, where it matters."""


class SqlCheck(_Value):
    """PostgreSQL answers a query of this role in this database."""

    kind: Literal["sql"] = "sql"
    dsn: str


class ExchangeCheck(_Value):
    """A TCP server answers ``send`` with something that starts with ``expect`` (both Latin-1)."""

    kind: Literal["exchange"] = "exchange"
    port: int
    send: str
    expect: str
    protocol: str
    """What to call it in messages."""


Check = Annotated[HttpCheck | SqlCheck | ExchangeCheck, Field(discriminator="kind")]


class Place(_Value):
    """Where a node finds its things, as it sees them itself, and where others find it."""

    host: str
    """The name or address by which other nodes reach it."""
    listen: str
    """The address that it listens at for them."""
    has_network_names: bool = False
    """Whether it has an address of its own in each network that it joins, with a name that is known there alone."""
    resolver: str | None = None
    """The name server that knows where a node is now; None where :attr:`host` is an address for good."""
    as_root: bool = False
    """Whether it runs as root."""
    config: str
    """Folder of its configuration files, its own to write in; gone with the node."""
    data: str
    """Folder of what it keeps."""
    log: str
    """Its standard output and error, as people find them."""
    access_log: str
    """File for one line a request, where it serves requests and keeps such a log."""

    def host_in(self, network: str) -> str:
        """The name or address by which the nodes of that network reach it, and at which it may listen for no other."""
        return f"{self.host}.{network}" if self.has_network_names else self.host


class PublishedPort(_Value):
    """A port of a node that people and load generators reach."""

    listen: int
    public: int
    """On 127.0.0.1."""


class NodeDeclaration(_Value):
    """One node."""

    name: str
    role: Role
    group: str
    software: Software
    arguments: tuple[str, ...] = ()
    """What follows the executable; for the application, the module to run."""
    environment: dict[str, str] = {}
    files: dict[str, str] = {}
    """Configuration by file name, in :attr:`Place.config`; readable for the node alone."""
    first_start: str = ""
    """What the software is given once, before its first start with no data: SQL for PostgreSQL."""
    port: int | None = None
    published: tuple[PublishedPort, ...] = ()
    readiness: tuple[Check, ...] = ()
    """Asked from where the node itself is, on its loopback."""
    stop_signal: StopSignal = StopSignal.TERMINATE
    stop_delay_s: float = 0.0
    """Time from the last order to the signal, for software that needs it to have everything on disk."""
    reload_signal: Literal["HUP"] | None = None
    """Sent when nothing but ``files`` changed; without it the node is replaced."""
    revision: str = ""
    """Digest of the software's own files where they are ours; another one replaces the node."""
