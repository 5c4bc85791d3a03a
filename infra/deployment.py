"""What a deployment gives back to whoever uses it: endpoints, nodes and the credentials of the probes.

Pure values, the only ones that cross from infra to experiments.
"""

from __future__ import annotations

from enum import StrEnum

from pydantic import BaseModel, ConfigDict, Field, SecretStr

from infra.topology import Topology


class Role(StrEnum):
    """What a node is in the system under test."""

    GATEWAY = "gateway"
    SERVICE = "service"
    WORKER = "worker"
    DATABASE = "database"
    CACHE = "cache"
    BROKER = "broker"
    SUPPORT = "support"


class _Value(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Node(_Value):
    """One running part, named as people speak of it: ``courses-1``, ``courses-db``, ``worker-2``, ``gateway``, ``broker``, ``cache``."""

    name: str
    role: Role
    group: str
    """What it is one of: ``courses`` for courses-1 and courses-db alike, ``worker``, ``gateway``, ..."""
    host: str = "127.0.0.1"
    port: int | None = None
    """Where it listens; None for a worker."""
    upstream: str | None = None
    """What the gateway's access log calls it; None where it is no replica of a service."""
    log_path: str


class Link(_Value):
    """A TCP proxy on the way from one node to another."""

    name: str
    """``<client>-><server>``."""
    client: str
    server: str
    host: str
    port: int
    """Where it listens, as the lab reaches it."""
    server_host: str
    server_port: int
    """Where it leads, as the lab reaches that."""


class Endpoints(_Value):
    """Where people and load generators reach the system."""

    gateway_url: str
    management_url: str


class Credentials(_Value):
    """What the probes need to look inside; never written to a run directory or a log."""

    database_dsns: dict[str, SecretStr]
    """libpq URLs by service (``courses``, ...), of a role that may read statistics but no table."""
    reader_dsns: dict[str, SecretStr] = Field(default_factory=dict)
    """The same of a role that may read every table and change nothing; empty where the deployment is from before there was one."""
    cache_url: SecretStr | None
    """``redis://...``; None where the cache is off."""
    broker_management_url: SecretStr
    """``http://user:password@host:port`` of the management API."""
    broker_vhost: str
    links_url: SecretStr | None = None
    """``http://host:port`` where the links are changed; None where there is none."""
    links_token: SecretStr | None = None
    """What every request there has to bring."""


class Deployment(_Value):
    """A deployment that is up."""

    name: str
    target: str
    """``process`` or ``docker``."""
    engine: str
    """``embedded`` or ``pulumi``."""
    topology: Topology
    endpoints: Endpoints
    nodes: tuple[Node, ...]
    links: tuple[Link, ...] = ()
    credentials: Credentials
    gateway_access_log: str
    """NGINX's access log: one JSON object a request, with the fields of ``log_format access`` in :mod:`infra.components.nginx`.

    Of a container it is the standard output; :func:`infra.operations.access_log` reads either."""

    def node(self, name: str) -> Node:
        """The node of that name.

        Raises:
            KeyError: there is none.
        """
        for node in self.nodes:
            if node.name == name:
                return node
        raise KeyError(name)


class Usage(_Value):
    """What a node has used since it was started."""

    cpu_s: float
    """Processor time, user and system."""
    memory_bytes: int
    """Memory now."""


class NodeStatus(_Value):
    """What ``status`` shows of one node."""

    node: Node
    pid: int | None
    state: str
    """The supervisor's word: RUNNING, EXITED, STOPPED, ..."""
    healthy: bool
    """Its readiness check passes now."""
    restarts: int
    """Times it was started again since it was first started."""
    uptime_s: float
    memory_bytes: int
    """Proportional set size of its whole process tree, where the kernel tells it; else resident size."""
