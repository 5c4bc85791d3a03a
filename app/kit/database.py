"""A service's own PostgreSQL: sessions that live inside one function, bounded waits, and one kind of error when it is away."""

from __future__ import annotations

import contextlib
import logging
import select
import threading
import time
from collections.abc import Callable, Iterator
from typing import Any, TypeVar

import psycopg2
import psycopg2.extensions
from pydantic import SecretStr
from sqlalchemy import Connection, ExceptionContext, MetaData, create_engine, event, func
from sqlalchemy.exc import DBAPIError, IntegrityError, InterfaceError, OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeoutError
from sqlmodel import Session
from sqlmodel import select as select_

from app.kit.errors import UnavailableError

log = logging.getLogger(__name__)
T = TypeVar("T")

CONNECT_TIMEOUT_S = 2
STATEMENT_TIMEOUT_MS = 3_000
ANSWER_TIMEOUT_S = 4.0
"""Longer than the server's own statement timeout: it is for a server that is paused or behind a silent partition."""
IDLE_IN_TRANSACTION_TIMEOUT_MS = 3_000
"""Frees the row locks of a replica that is paused in the middle of a transaction."""
CHECKOUT_TIMEOUT_S = 1.0
PREPARE_RETRY_S = 0.25
SCHEMA_LOCK = 7_311_913
"""Any number: the advisory lock that lets one replica at a time make the tables."""
TRANSIENT_SQLSTATES = frozenset({"40001", "40P01"})
"""serialization_failure and deadlock_detected: the transaction has had no effect and may simply be tried again."""


class NoAnswerError(psycopg2.OperationalError):
    """The database took a statement and stayed silent."""


def bounded_wait(connection: Any) -> None:
    """Let psycopg2 wait for the server no longer than ``ANSWER_TIMEOUT_S``.

    libpq itself waits for ever for a server that took the query and then stopped: neither keepalives nor statement_timeout see that.

    Raises:
        NoAnswerError: the time is up; the connection is in the middle of something and must not be used again.
    """
    deadline_s = time.monotonic() + ANSWER_TIMEOUT_S
    while (state := connection.poll()) != psycopg2.extensions.POLL_OK:
        poller = select.poll()
        poller.register(connection.fileno(), select.POLLIN if state == psycopg2.extensions.POLL_READ else select.POLLOUT)
        left_s = deadline_s - time.monotonic()
        if left_s <= 0 or not poller.poll(left_s * 1000):
            raise NoAnswerError(f"the database did not answer within {ANSWER_TIMEOUT_S} s")


def _give_up_unanswered(context: ExceptionContext) -> None:
    if isinstance(context.original_exception, NoAnswerError):
        context.is_disconnect = True


class Database:
    """One database and the pool of connections to it; every method raises UnavailableError where the database is away."""

    def __init__(self, url: SecretStr, *, pool_size: int, application_name: str) -> None:
        psycopg2.extensions.set_wait_callback(bounded_wait)
        self._engine = create_engine(
            url.get_secret_value(),
            pool_size=pool_size,
            max_overflow=0,
            pool_timeout=CHECKOUT_TIMEOUT_S,
            pool_use_lifo=True,
            connect_args={
                "application_name": application_name,
                "connect_timeout": CONNECT_TIMEOUT_S,
                "keepalives": 1,
                "keepalives_idle": 5,
                "keepalives_interval": 2,
                "keepalives_count": 3,
                "tcp_user_timeout": int(ANSWER_TIMEOUT_S * 1000),
                "options": f"-c statement_timeout={STATEMENT_TIMEOUT_MS}"
                f" -c idle_in_transaction_session_timeout={IDLE_IN_TRANSACTION_TIMEOUT_MS}",
            },
        )
        event.listen(self._engine, "handle_error", _give_up_unanswered)
        self._prepared = threading.Event()

    def read(self, work: Callable[[Session], T]) -> T:
        """What ``work`` reads, each statement a transaction of its own: no BEGIN and no COMMIT travel."""
        return self._attempt_twice(lambda: self._read(work))

    def write(self, work: Callable[[Session], T]) -> T:
        """What ``work`` gives, committed when this returns; ``work`` may run twice, the first time without any effect."""
        return self._attempt_twice(lambda: self._write(work))

    def write_idempotent(self, work: Callable[[Session], T]) -> T:
        """As :meth:`write`, for work that finds what an earlier run of it has stored: tried again also after losing a race to its twin."""
        try:
            return self.write(work)
        except IntegrityError:
            return self.write(work)

    def check(self) -> None:
        """Ask the database something small.

        Raises:
            UnavailableError: the tables are not made yet, or the database doesn't answer.
        """
        if not self._prepared.is_set():
            raise UnavailableError("the database has not answered yet")
        try:
            self._read(lambda session: session.exec(select_(1)).one())
        except PoolTimeoutError:
            log.info("every connection is in use: the database is busy, not away")
        except (OperationalError, InterfaceError) as error:
            raise UnavailableError("the database is away") from error

    def prepare(self, metadata: MetaData, stop: threading.Event) -> None:
        """Make the tables that don't exist, one replica at a time, and try until the database answers or ``stop`` is set."""
        while not self._prepared.is_set() and not stop.is_set():
            try:
                with self._engine.begin() as connection:
                    connection.execute(select_(func.pg_advisory_xact_lock(SCHEMA_LOCK)))
                    metadata.create_all(connection)
            except (OperationalError, InterfaceError) as error:
                log.info("waiting for the database", extra={"error": type(error.orig).__name__})
                stop.wait(PREPARE_RETRY_S)
            else:
                self._prepared.set()
                log.info("the database is ready")

    def close(self) -> None:
        """Close every connection."""
        self._engine.dispose()

    def _read(self, work: Callable[[Session], T]) -> T:
        with self._engine.connect() as connection, _autocommit(connection), Session(connection, expire_on_commit=False) as session:
            return work(session)

    def _write(self, work: Callable[[Session], T]) -> T:
        with Session(self._engine, expire_on_commit=False) as session:
            result = work(session)
            try:
                session.commit()
            except OperationalError as error:
                # Whether it was committed is not known: never repeated from here, the caller has an idempotency key for it.
                raise UnavailableError("the database went away while it stored the request") from error
            return result

    def _attempt_twice(self, attempt: Callable[[], T]) -> T:
        """The first attempt may meet a connection that a restart of the server has closed, or lose a deadlock; neither has an effect."""
        try:
            try:
                return attempt()
            except DBAPIError as error:
                stale = error.connection_invalidated and not isinstance(error.orig, NoAnswerError)
                if not stale and getattr(error.orig, "pgcode", None) not in TRANSIENT_SQLSTATES:
                    raise
                return attempt()
        except PoolTimeoutError as error:
            raise UnavailableError("every database connection is in use") from error
        except (OperationalError, InterfaceError) as error:
            log.warning("the database is away", extra={"error": type(error.orig).__name__})
            raise UnavailableError("the database is away") from error


@contextlib.contextmanager
def _autocommit(connection: Connection) -> Iterator[None]:
    """Autocommit without a word to the server; SQLAlchemy's own switch of the isolation level costs a statement each time."""
    raw: Any = connection.connection.dbapi_connection
    raw.autocommit = True
    try:
        yield
    finally:
        if not connection.invalidated:
            raw.autocommit = False


def violated_constraint(error: DBAPIError) -> str | None:
    """The name of the constraint that an IntegrityError is about."""
    diagnostics = getattr(error.orig, "diag", None)
    return getattr(diagnostics, "constraint_name", None)
