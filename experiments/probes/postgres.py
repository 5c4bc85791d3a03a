"""Statements and transactions of one service at its PostgreSQL server."""

from __future__ import annotations

import contextlib
from collections.abc import Callable
from typing import Final

import psycopg2
from psycopg2.extensions import connection as Connection  # noqa: N812 - psycopg2's name for the class
from pydantic import SecretStr

from experiments.errors import ProbeError
from experiments.probes.sampler import Reading
from infra.errors import InfraError

TIMEOUT_S: Final = 2
"""Readings take milliseconds; a server that is away must not hold up the next reading for long."""

COUNTERS: Final = """
    SELECT (SELECT coalesce(sum(calls), 0) FROM pg_stat_statements(false) JOIN pg_roles ON pg_roles.oid = userid WHERE rolname = %(role)s),
           (SELECT xact_commit + xact_rollback FROM pg_stat_database WHERE datname = current_database())
"""
"""``false``: without the statements' texts, which live in a file. The service's role has its service's name."""


class PostgresProbe:
    """``pg_stat_statements`` of the service's role, and ``pg_stat_database``, on a connection of its own.

    Statement counts are exact at any moment; PostgreSQL publishes transaction counts up to a second late.
    """

    def __init__(self, service: str, locate: Callable[[], SecretStr]) -> None:
        """``locate`` gives the DSN; it is asked before each connection, for a container that was started again may have moved."""
        self._service = service
        self._locate = locate
        self._connection: Connection | None = None

    @property
    def name(self) -> str:
        """One probe a server, so that a server which is away hides no other."""
        return f"postgres-{self._service}"

    def read(self) -> list[Reading]:
        """Both counters.

        Raises:
            ProbeError: the server doesn't answer, nobody knows where it is, or the statistics can't be read.
        """
        try:
            with self._open().cursor() as cursor:
                cursor.execute(COUNTERS, {"role": self._service})
                row = cursor.fetchone()
        except psycopg2.Error as error:
            self.close()
            raise ProbeError(f"the statistics of {self._service}-db can't be read ({_first_line(error)})") from None
        if row is None:
            raise ProbeError(f"{self._service}-db gave no statistics")
        statements, transactions = row
        node = f"{self._service}-db"
        return [Reading(node, "sql_statements", float(statements)), Reading(node, "transactions", float(transactions))]

    def close(self) -> None:
        """Close the connection; the next reading would open another."""
        if self._connection is not None:
            with contextlib.suppress(psycopg2.Error):
                self._connection.close()
            self._connection = None

    def _open(self) -> Connection:
        if self._connection is None:
            self._connection = psycopg2.connect(
                self._located().get_secret_value(),
                connect_timeout=TIMEOUT_S,
                options=f"-c statement_timeout={TIMEOUT_S * 1000}",
                application_name="spirelab-probe",
            )
            self._connection.autocommit = True
        return self._connection

    def _located(self) -> SecretStr:
        try:
            return self._locate()
        except InfraError as error:
            raise ProbeError(f"nobody knows where {self._service}-db is ({error})") from None


def _first_line(error: Exception) -> str:
    lines = str(error).strip().splitlines()
    return lines[0] if lines else type(error).__name__
