"""A PostgreSQL server that belongs to one service."""

from __future__ import annotations

from collections.abc import Sequence

import pulumi
from pydantic import Field

from infra.components.base import TYPE, Config, address
from infra.deployment import Role
from infra.targets.declaration import NodeDeclaration, Place, Software, SqlCheck, StopSignal
from infra.targets.target import RunningNode, Target

PORT = 5432
PROBE_ROLE = "lab"
"""Reads statistics and no table."""
READER_ROLE = "lab_reader"
"""Reads tables and changes none: for the look at the data that begins and ends a trial."""


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

    address: pulumi.Output[str]
    """``host:port`` for the other nodes."""
    probe_dsn: pulumi.Output[str]
    """For the lab's probes; libpq's form."""
    reader_dsn: pulumi.Output[str]
    """For the lab's looks at the data; libpq's form."""
    network: str
    """Which leads to it."""
    nodes: Sequence[RunningNode]

    def __init__(self, config: DatabaseConfig, target: Target, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__(f"{TYPE}Database", config.node, None, opts)
        self.network = config.node
        self._service = config.service
        port = target.port(config.node, usual=PORT, parent=self)
        self._password = password = target.password(f"{config.node}-owner", parent=self)
        probe_password = target.password(f"{config.node}-probe", parent=self)
        place = target.place(config.node)
        reader_password = target.password(f"{config.node}-reader", parent=self)
        values = pulumi.Output.all(port, password, probe_password, reader_password)
        declaration = values.apply(lambda known: declare(config, place, *known))
        node = target.node(config.node, declaration, networks=[config.node], keeps_data=True, parent=self)
        self.address = pulumi.Output.all(place.host, port).apply(address)
        probed = pulumi.Output.all(node.host, port).apply(address)
        self.probe_dsn = pulumi.Output.all(probed, probe_password).apply(
            lambda known: _url("postgresql", PROBE_ROLE, known[1], known[0], config.service)
        )
        self.reader_dsn = pulumi.Output.all(probed, reader_password).apply(
            lambda known: _url("postgresql", READER_ROLE, known[1], known[0], config.service)
        )
        self.nodes = [node]
        self.register_outputs({})

    def url(self, by: pulumi.Output[str]) -> pulumi.Output[str]:
        """For the service, which owns the database, by an address that leads here; SQLAlchemy's form."""
        values = pulumi.Output.all(by, self._password)
        return values.apply(lambda known: _url("postgresql+psycopg2", self._service, known[1], known[0], self._service))


def declare(config: DatabaseConfig, place: Place, port: int, password: str, probe_password: str, reader_password: str) -> NodeDeclaration:
    """The server as a node."""
    name = config.service
    return NodeDeclaration(
        name=config.node,
        role=Role.DATABASE,
        group=name,
        software=Software.POSTGRESQL,
        arguments=("-D", place.data, "-c", f"config_file={place.config}/postgresql.conf", "-c", f"hba_file={place.config}/pg_hba.conf"),
        files={"postgresql.conf": _settings(config, place, port), "pg_hba.conf": "host all all samenet scram-sha-256\n"},
        first_start="\n".join(
            (
                f"CREATE ROLE {name} LOGIN PASSWORD '{password}'",
                f"CREATE DATABASE {name} OWNER {name}",
                f"REVOKE ALL ON DATABASE {name} FROM PUBLIC",
                f"CREATE ROLE {PROBE_ROLE} LOGIN PASSWORD '{probe_password}' IN ROLE pg_monitor",
                # not by default privileges: they hold in the database that they are given in, and this runs in another
                f"CREATE ROLE {READER_ROLE} LOGIN PASSWORD '{reader_password}' IN ROLE pg_read_all_data",
                f"GRANT CONNECT ON DATABASE {name} TO {PROBE_ROLE}, {READER_ROLE}",
            )
        ),
        port=port,
        readiness=(SqlCheck(dsn=_url("postgresql", name, password, address(("127.0.0.1", port)), name)),),
        stop_signal=StopSignal.INTERRUPT,
    )


def _url(scheme: str, user: str, password: str, by: str, database: str) -> str:
    return f"{scheme}://{user}:{password}@{by}/{database}"


def _settings(config: DatabaseConfig, place: Place, port: int) -> str:
    settings = {
        "listen_addresses": f"'{place.listen}'",
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
