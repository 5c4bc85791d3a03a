"""A PostgreSQL server that belongs to one service."""

from __future__ import annotations

import pulumi
from pydantic import Field

from infra.components.base import TYPE, Config
from infra.deployment import Role
from infra.targets.declaration import NodeDeclaration, Place, Software, SqlCheck, StopSignal
from infra.targets.target import Target

PROBE_ROLE = "lab"
"""Reads statistics and no table."""


class DatabaseConfig(Config):
    """One server with one database."""

    service: str = Field(pattern=r"^[a-z]+$")
    max_connections: int = Field(ge=20, le=1000)
    shared_buffers_mib: int = Field(ge=1, le=8192)

    @property
    def node(self) -> str:
        """The server's name."""
        return f"{self.service}-db"


class Database(pulumi.ComponentResource):
    """The server, and who may use it."""

    port: pulumi.Output[int]
    probe_dsn: pulumi.Output[str]
    """For the lab's probes; libpq's form."""
    nodes: pulumi.Output[list[NodeDeclaration]]

    def __init__(self, config: DatabaseConfig, target: Target, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__(f"{TYPE}Database", config.node, None, opts)
        self.port = port = target.port(config.node, parent=self)
        self._service = config.service
        self._password = password = target.password(f"{config.node}-owner", parent=self)
        probe_password = target.password(f"{config.node}-probe", parent=self)
        place = target.place(config.node)
        values = pulumi.Output.all(port, password, probe_password)
        declaration = values.apply(lambda known: declare(config, place, *known))
        target.node(config.node, declaration, parent=self)
        self.probe_dsn = values.apply(lambda known: _url("postgresql", PROBE_ROLE, known[2], known[0], config.service))
        self.nodes = declaration.apply(lambda node: [node])
        self.register_outputs({})

    def url(self, port: pulumi.Output[int]) -> pulumi.Output[str]:
        """For the service, which owns the database, by a port that leads here; SQLAlchemy's form."""
        values = pulumi.Output.all(port, self._password)
        return values.apply(lambda known: _url("postgresql+psycopg2", self._service, known[1], known[0], self._service))


def declare(config: DatabaseConfig, place: Place, port: int, password: str, probe_password: str) -> NodeDeclaration:
    """The server as a node."""
    name = config.service
    return NodeDeclaration(
        name=config.node,
        role=Role.DATABASE,
        group=name,
        software=Software.POSTGRESQL,
        arguments=("-D", place.data, "-c", f"config_file={place.config}/postgresql.conf", "-c", f"hba_file={place.config}/pg_hba.conf"),
        files={"postgresql.conf": _settings(config, place, port), "pg_hba.conf": f"host all all {place.host}/32 scram-sha-256\n"},
        first_start="\n".join(
            (
                f"CREATE ROLE {name} LOGIN PASSWORD '{password}'",
                f"CREATE DATABASE {name} OWNER {name}",
                f"REVOKE ALL ON DATABASE {name} FROM PUBLIC",
                f"CREATE ROLE {PROBE_ROLE} LOGIN PASSWORD '{probe_password}' IN ROLE pg_monitor",
                f"GRANT CONNECT ON DATABASE {name} TO {PROBE_ROLE}",
            )
        ),
        port=port,
        readiness=(SqlCheck(dsn=_url("postgresql", name, password, port, name)),),
        stop_signal=StopSignal.INTERRUPT,
    )


def _url(scheme: str, user: str, password: str, port: int, database: str) -> str:
    return f"{scheme}://{user}:{password}@127.0.0.1:{port}/{database}"


def _settings(config: DatabaseConfig, place: Place, port: int) -> str:
    settings = {
        "listen_addresses": f"'{place.host}'",
        "port": port,
        "unix_socket_directories": "''",  # their paths can be too long, and passwords are wanted of everybody
        "max_connections": config.max_connections,
        "shared_buffers": f"{config.shared_buffers_mib}MB",
        "dynamic_shared_memory_type": "mmap",  # in the data folder, so that a killed server leaves nothing in /dev/shm
        "password_encryption": "'scram-sha-256'",
        "shared_preload_libraries": "'pg_stat_statements'",
        "pg_stat_statements.track_utility": "off",
        "timezone": "'GMT'",  # built in; every other zone needs a database of zones that a small machine may lack
        "log_timezone": "'GMT'",
        "log_line_prefix": "'%m [%p] %u '",
    }
    return "".join(f"{name} = {value}\n" for name, value in settings.items())
