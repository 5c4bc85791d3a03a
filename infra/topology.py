"""The typed factors of a deployment: what may be varied, within which bounds, and why one would.

Pure: nothing here starts, reads or looks up anything. A factor is named by its path (``courses.replicas``);
a section that can be switched off as a whole takes ``on`` and ``off`` by its own name (``cache=off``).
"""

from __future__ import annotations

import difflib
import types
import typing
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from infra.errors import FactorError

ANY_FREE_PORT = 0
"""A port of 0 lets the deployment pick a free one below the ephemeral range."""
HIGHEST_PORT = 32767
"""Above it a listening port collides with the ephemeral ports of outgoing connections."""
CACHE_EVICTION_POLICY = "allkeys-lru"
"""What Redis does with a full memory: the least recently used entry makes room."""
RESERVED_CONNECTIONS = 10
"""Connections to a database kept for its superuser and the lab's probes."""


class Factors(BaseModel):
    """A group of factors; frozen, and an unknown name is an error."""

    model_config = ConfigDict(frozen=True, extra="forbid")


Implementation = Literal["product", "tutorial"]


class Software(Factors):
    """Which code runs; each implementation answers the same paths and takes the same environment."""

    implementation: Implementation = Field(
        "product",
        description="code of the three services and the worker: the product, or the same paths written plainly as a tutorial would, "
        "which is what the product is measured against",
    )


class Service(Factors):
    """One of the three FastAPI services."""

    replicas: int = Field(1, ge=1, le=16, description="independent processes behind the gateway")
    threads: int = Field(8, ge=1, le=64, description="requests that one replica works on at the same time")
    pool_size: int = Field(
        8, ge=1, le=64, description="database connections that one replica holds; fewer than threads makes requests wait"
    )
    fast_paths: bool = Field(default=True, description="off: every request goes through FastAPI's own routing and validation")


class Worker(Factors):
    """The enrolment worker, which decides accepted requests."""

    replicas: int = Field(1, ge=1, le=16, description="independent worker processes")
    prefetch: int = Field(
        50,
        ge=1,
        le=1000,
        description="messages that the broker hands one worker before it acknowledges; the most it decides in one transaction",
    )


class Cache(Factors):
    """Redis, beside the read paths of courses and students."""

    enabled: bool = Field(default=True, description="off: no Redis at all, every read goes to PostgreSQL (short form: cache=off)")
    ttl_s: int = Field(
        60, ge=1, le=86_400, description="seconds until a cached entry expires; the bound of its staleness when an invalidation is lost"
    )
    memory_mib: int = Field(
        64, ge=8, le=4096, description="memory that Redis may fill with entries before it evicts the least recently used, MiB"
    )


class Database(Factors):
    """PostgreSQL: the same settings for each of the three servers."""

    max_connections: int = Field(100, ge=20, le=1000, description="connections that one server accepts")
    shared_buffers_mib: int = Field(32, ge=1, le=8192, description="pages that one server keeps in its own memory, MiB")


class Broker(Factors):
    """RabbitMQ, which carries accepted enrolment requests to the workers."""

    management_port: int = Field(15672, ge=0, le=HIGHEST_PORT, description="port of the management page on 127.0.0.1; 0 picks a free one")
    delivery_limit: int = Field(20, ge=1, le=1000, description="deliveries of one message before it is dead-lettered")


class Gateway(Factors):
    """NGINX: what clients talk to, and what hides a dead replica from them."""

    port: int = Field(8080, ge=0, le=HIGHEST_PORT, description="port of the public side on 127.0.0.1; 0 picks a free one")
    connect_timeout_ms: int = Field(
        300, ge=10, le=60_000, description="time for a replica to accept a connection before the next one is tried, ms"
    )
    read_timeout_ms: int = Field(1000, ge=10, le=60_000, description="silence of a replica before the next one is tried, ms")
    tries: int = Field(3, ge=1, le=16, description="replicas that one request is offered to")
    max_fails: int = Field(3, ge=0, le=100, description="failures within fail_timeout_s that take a replica out of rotation; 0 never does")
    fail_timeout_s: int = Field(2, ge=1, le=600, description="time that a failing replica stays out of rotation, s")
    max_connections: int = Field(
        256,
        ge=1,
        le=10_000,
        description="requests at one replica at a time; where every replica has as many, more are answered 503 at once",
    )
    keepalive: int = Field(32, ge=0, le=1024, description="idle connections that each NGINX worker keeps to a service's replicas")
    rate_limit_per_s: int = Field(
        0, ge=0, le=100_000, description="requests per second that one client address may send, bursts of one second apart; 0 is no limit"
    )


class Limits(Factors):
    """What one node may take of the machine; each node has the same limits. They apply to containers only."""

    cpus: float = Field(1.0, ge=0.01, le=64, description="processor cores that one container may use (containers only)")
    memory_mib: int = Field(
        512, ge=64, le=65_536, description="memory of one container, above which the kernel kills in it, MiB (containers only)"
    )
    pids: int = Field(512, ge=16, le=32_768, description="processes and threads in one container (containers only)")
    nofile: int = Field(16_384, ge=1024, le=1_048_576, description="files and connections that one process may have open (containers only)")


class Links(Factors):
    """TCP proxies between the nodes, on which the network can be made slow, narrow, silent, refusing or resetting."""

    enabled: bool = Field(
        default=False, description="on: every connection between two nodes goes through a link, in control and treatment alike (links=on)"
    )


class Topology(Factors):
    """The whole deployment as factors; ``Topology()`` is the reference 1/1/1 with the cache on."""

    software: Software = Software()
    courses: Service = Service()
    students: Service = Service()
    enrollment: Service = Service()
    worker: Worker = Worker()
    cache: Cache = Cache()
    database: Database = Database()
    broker: Broker = Broker()
    gateway: Gateway = Gateway()
    limits: Limits = Limits()
    links: Links = Links()

    @model_validator(mode="after")
    def _connections_fit(self) -> Self:
        for name, service in self.services().items():
            wanted = service.replicas * service.pool_size
            if name == "enrollment":
                wanted += service.replicas + self.worker.replicas * 2
            elif self.cache.enabled:
                wanted += service.replicas  # each listens to its peers
            room = self.database.max_connections - RESERVED_CONNECTIONS
            if wanted > room:
                message = (
                    f"{name} would open up to {wanted} database connections and {room} are free for it; "
                    f"lower {name}.replicas or {name}.pool_size, or raise database.max_connections"
                )
                raise ValueError(message)
        return self

    def services(self) -> dict[str, Service]:
        """The three services by name, in the order in which they are shown."""
        return {"courses": self.courses, "students": self.students, "enrollment": self.enrollment}

    def override(self, changes: Mapping[str, object]) -> Topology:
        """This topology with some factors changed.

        ``changes`` maps paths (``courses.replicas``) or switches (``cache``) to values, typed or as written on a command line.

        Raises:
            FactorError: a path that does not exist, a value out of bounds, or factors that don't fit each other.
        """
        known = {factor.path: factor for factor in factors()}
        values: dict[str, Any] = self.model_dump()
        for name, value in changes.items():
            path = f"{name}.enabled" if f"{name}.enabled" in known else name
            if path not in known:
                raise FactorError(f"there is no factor {name!r}{_suggestion(name, known)}; `python -m infra factors` lists them all")
            section, key = path.split(".")
            values[section] = {**values[section], key: value}
        try:
            return Topology.model_validate(values)
        except ValidationError as error:
            raise FactorError(_sentence(error)) from None


@dataclass(frozen=True)
class Factor:
    """What the command line and the documentation say of one factor."""

    path: str
    type_name: str
    default: object
    description: str
    bounds: str


def factors() -> tuple[Factor, ...]:
    """Every factor of a topology, in the order of declaration."""
    found = []
    for section, field in Topology.model_fields.items():
        group = field.annotation
        if not (isinstance(group, type) and issubclass(group, Factors)):
            raise TypeError(f"Topology.{section} must be a group of factors")
        for key, leaf in group.model_fields.items():
            found.append(
                Factor(
                    path=f"{section}.{key}",
                    type_name=_type_name(leaf.annotation),
                    default=getattr(field.default, key),
                    description=leaf.description or "",
                    bounds=_bounds(leaf.metadata),
                )
            )
    return tuple(found)


def parse_assignments(assignments: typing.Iterable[str]) -> dict[str, str]:
    """``["courses.replicas=3", "cache=off"]`` as a mapping for :meth:`Topology.override`.

    Raises:
        FactorError: an assignment without a name or without a value.
    """
    changes = {}
    for assignment in assignments:
        name, equals, value = (part.strip() for part in assignment.partition("="))
        if not name or not equals or not value:
            raise FactorError(f"--set {assignment!r} is not factor=value, as in --set courses.replicas=3")
        changes[name] = value
    return changes


def _suggestion(name: str, known: Mapping[str, Factor]) -> str:
    close = difflib.get_close_matches(name, known, n=1, cutoff=0.5)
    return f" (did you mean {close[0]}?)" if close else ""


def _type_name(annotation: object) -> str:
    if isinstance(annotation, types.UnionType):
        return str(annotation)
    if annotation is bool:
        return "on|off"
    if typing.get_origin(annotation) is Literal:
        return "|".join(typing.get_args(annotation))
    return getattr(annotation, "__name__", str(annotation))


def _bounds(metadata: typing.Iterable[Any]) -> str:
    low = next((item.ge for item in metadata if hasattr(item, "ge")), None)
    high = next((item.le for item in metadata if hasattr(item, "le")), None)
    return "" if low is None and high is None else f"{low}..{high}"


def _sentence(error: ValidationError) -> str:
    first = error.errors()[0]
    path = ".".join(str(part) for part in first["loc"])
    message = first["msg"].removeprefix("Value error, ")
    return f"{path}={first['input']}: {message}" if path else message
