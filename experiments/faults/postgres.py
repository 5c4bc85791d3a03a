"""Faults of PostgreSQL: no connection left, no room on its disk."""

from __future__ import annotations

import contextlib
from typing import Final

import psycopg2
from psycopg2.extensions import connection as Connection  # noqa: N812 - psycopg2's name for the class
from pydantic import SecretStr

from experiments.errors import FaultError
from experiments.faults.interfaces import NodeControl
from experiments.faults.looking import await_no_doubt
from experiments.faults.processes import healthy
from infra.deployment import Node

TIMEOUT_S: Final = 5
PROOF_TIMEOUT_S: Final = 10.0
APPLICATION: Final = "spirelab-fault"
EXHAUSTED: Final = ("too many clients already", "remaining connection slots are reserved")
"""PostgreSQL's words for SQLSTATE 53300; libpq tells no SQLSTATE of a connection that was never made."""
WRITE: Final = "SELECT pg_logical_emit_message(true, 'spirelab', 'is there room?')"
"""Writes to the log of transactions, which any role may, and to no table; nobody reads it."""


class ConnectionExhaustion:
    """Takes every connection that is left, and holds it; the lab's end, by SIGKILL too, gives them back."""

    def __init__(self, node: Node, control: NodeControl, dsn: SecretStr) -> None:
        self._node = node
        self._control = control
        self._dsn = dsn
        self._held: list[Connection] = []

    def inject(self) -> None:
        """Connect until refused.

        Raises:
            FaultError: it is refused from the start.
        """
        while not (reason := self._take()):
            pass
        if not self._held:
            raise FaultError(f"{self._node.name} takes no connection ({reason})")

    def proof(self) -> str:
        """A new connection is refused because there are too many.

        Raises:
            FaultError: it is taken, or refused for another reason.
        """
        reason = _refused(self._dsn)
        if not any(words in reason for words in EXHAUSTED):
            raise FaultError(f"a new connection to {self._node.name} is not refused as one too many ({reason or 'it was taken'})")
        return f"{len(self._held)} connections held; a new one is refused: {reason}"

    def heal(self) -> None:
        """Give all back."""
        while self._held:
            with contextlib.suppress(psycopg2.Error):
                self._held.pop().close()
        self._control.start_node(self._node.name)

    def health(self) -> str:
        """A new connection is taken, and the node's readiness checks pass."""
        await_no_doubt(lambda: f"a new connection is refused: {reason}" if (reason := _refused(self._dsn)) else None, PROOF_TIMEOUT_S)
        return f"a new connection is taken; {healthy({self._node.name: self._node}, self._control)}"

    def _take(self) -> str:
        try:
            self._held.append(_connect(self._dsn))
        except psycopg2.OperationalError as error:
            return _first_line(error)
        return ""


class DatabaseDiskFull:
    """No process of the server may write to a file, as where the disk of the log of transactions is full.

    PostgreSQL answers that with a panic: the write fails, every session ends, and it doesn't come up before there is room.
    """

    def __init__(self, node: Node, control: NodeControl, dsn: SecretStr) -> None:
        self._node = node
        self._control = control
        self._dsn = dsn

    def inject(self) -> None:
        """See that a write works, then take the room.

        Raises:
            FaultError: a write fails as it is.
        """
        if reason := _unwritten(self._dsn):
            raise FaultError(f"{self._node.name} can't write before its disk is full ({reason})")
        self._control.limit_file_size(self._node.name, 0)

    def proof(self) -> str:
        """The same write fails.

        Raises:
            FaultError: it works.
        """
        reason = _unwritten(self._dsn)
        if not reason:
            raise FaultError(f"{self._node.name} can still write")
        return f"a write fails: {reason}"

    def heal(self) -> None:
        """Give the room back; a server that has ended of it is started."""
        self._control.limit_file_size(self._node.name, None)
        self._control.start_node(self._node.name)

    def health(self) -> str:
        """A write works, and the node's readiness checks pass."""
        text = healthy({self._node.name: self._node}, self._control)
        await_no_doubt(lambda: f"a write fails: {reason}" if (reason := _unwritten(self._dsn)) else None, PROOF_TIMEOUT_S)
        return f"{text}, a write works"


def _connect(dsn: SecretStr) -> Connection:
    return psycopg2.connect(
        dsn.get_secret_value(),
        connect_timeout=TIMEOUT_S,
        options=f"-c statement_timeout={TIMEOUT_S * 1000}",
        application_name=APPLICATION,
    )


def _refused(dsn: SecretStr) -> str:
    """Why a new connection is not taken; empty if it is."""
    try:
        _connect(dsn).close()
    except psycopg2.OperationalError as error:
        return _first_line(error)
    return ""


def _unwritten(dsn: SecretStr) -> str:
    """Why a write of the probe's own fails; empty if it works."""
    try:
        with contextlib.closing(_connect(dsn)) as connection, connection, connection.cursor() as cursor:
            cursor.execute(WRITE)
    except psycopg2.Error as error:
        return _first_line(error)
    return ""


def _first_line(error: Exception) -> str:
    lines = str(error).strip().splitlines()
    return lines[0] if lines else type(error).__name__
