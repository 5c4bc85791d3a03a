"""A service's own PostgreSQL: sessions that live inside one function, bounded waits, and one kind of error when it is away."""

from __future__ import annotations

import contextlib
import logging
import select
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from typing import Any, TypeVar, cast

import psycopg2
import psycopg2.extensions
from pydantic import SecretStr
from sqlalchemy import ClauseElement, Connection, ExceptionContext, Executable, MetaData, QueuePool, create_engine, event, func
from sqlalchemy.dialects.postgresql import psycopg2 as psycopg2_dialect
from sqlalchemy.exc import DBAPIError, IntegrityError, InterfaceError, OperationalError, ProgrammingError
from sqlalchemy.exc import TimeoutError as PoolTimeoutError
from sqlmodel import Session
from sqlmodel import select as select_

from app.kit.breaker import HalfOpenBreaker
from app.kit.errors import OverloadedError, UnavailableError
from app.kit.metrics import Metrics

log = logging.getLogger(__name__)
T = TypeVar("T")

CONNECT_TIMEOUT_S = 2
REQUEST_ANSWER_TIMEOUT_S = 0.8
"""What a client waits for must fail before the gateway gives up on the replica, after 1 s."""
BACKGROUND_ANSWER_TIMEOUT_S = 4.0
"""What nobody waits for may take longer before the server counts as paused or behind a silent partition."""
STATEMENT_SHARE = 0.9
"""The server's own statement timeout comes a little sooner: it leaves the connection usable."""
RETRY_INTERVAL_S = 0.25
IDLE_IN_TRANSACTION_TIMEOUT_MS = 3_000
"""Frees the row locks of a replica that is paused in the middle of a transaction."""
CHECKOUT_TIMEOUT_S = 0.5
PREPARE_RETRY_S = 0.25
SCHEMA_LOCK = 7_311_913
"""Any number: the advisory lock that lets one replica at a time make the tables."""
QUERY_CANCELED = "57014"
"""By the statement timeout: the server is slow, not away."""
UNDEFINED_TABLE = "42P01"
"""A request came before :meth:`Database.prepare` had made the tables."""
TRANSIENT_SQLSTATES = frozenset({"40001", "40P01"})
"""serialization_failure and deadlock_detected: the transaction has had no effect and may simply be tried again."""


class NoAnswerError(psycopg2.OperationalError):
    """The database took a statement and stayed silent."""


class _Connection(psycopg2.extensions.connection):
    """A connection that knows how long it may be waited for; psycopg2 has one wait callback for all."""

    answer_timeout_s = BACKGROUND_ANSWER_TIMEOUT_S


class _RequestConnection(_Connection):
    answer_timeout_s = REQUEST_ANSWER_TIMEOUT_S


def bounded_wait(connection: _Connection) -> None:
    """Let psycopg2 wait for the server no longer than the connection's ``answer_timeout_s``.

    libpq itself waits for ever for a server that took the query and then stopped: neither keepalives nor statement_timeout see that.

    Raises:
        NoAnswerError: the time is up; the connection is in the middle of something and must not be used again.
    """
    deadline_s = time.monotonic() + connection.answer_timeout_s
    while (state := connection.poll()) != psycopg2.extensions.POLL_OK:
        poller = select.poll()
        poller.register(connection.fileno(), select.POLLIN if state == psycopg2.extensions.POLL_READ else select.POLLOUT)
        left_s = deadline_s - time.monotonic()
        if left_s <= 0 or not poller.poll(left_s * 1000):
            raise NoAnswerError(f"the database did not answer within {connection.answer_timeout_s} s")


def _give_up_unanswered(context: ExceptionContext) -> None:
    if isinstance(context.original_exception, NoAnswerError):
        context.is_disconnect = True


class Query:
    """A statement of a hot path, compiled once: SQLAlchemy's execution costs more than the rest of such a read."""

    def __init__(self, statement: Executable) -> None:
        compiled = cast("ClauseElement", statement).compile(dialect=_DIALECT, compile_kwargs={"render_postcompile": True})
        self.sql = str(compiled)


_DIALECT = psycopg2_dialect.dialect()  # type: ignore[no-untyped-call]  # SQLAlchemy's constructor has no annotations


class Database:
    """One database and the pool of connections to it; every method raises UnavailableError where the database is away."""

    def __init__(self, url: SecretStr, *, pool_size: int, application_name: str, background: bool = False) -> None:
        """``background``: no client waits for what is asked here, so the database is waited for longer."""
        psycopg2.extensions.set_wait_callback(bounded_wait)
        kind = _Connection if background else _RequestConnection
        statement_timeout_ms = int(kind.answer_timeout_s * STATEMENT_SHARE * 1000)
        self._engine = create_engine(
            url.get_secret_value(),
            pool_size=pool_size,
            max_overflow=0,
            pool_timeout=CHECKOUT_TIMEOUT_S,
            pool_use_lifo=True,
            connect_args={
                "application_name": application_name,
                "connection_factory": kind,
                "connect_timeout": CONNECT_TIMEOUT_S,
                "keepalives": 1,
                "keepalives_idle": 5,
                "keepalives_interval": 2,
                "keepalives_count": 3,
                "tcp_user_timeout": int(kind.answer_timeout_s * 1000),
                "options": f"-c statement_timeout={statement_timeout_ms}"
                f" -c idle_in_transaction_session_timeout={IDLE_IN_TRANSACTION_TIMEOUT_MS}",
            },
        )
        event.listen(self._engine, "handle_error", _give_up_unanswered)
        self._breaker = HalfOpenBreaker(retry_interval_s=RETRY_INTERVAL_S, clock=time.monotonic)
        self._prepared = threading.Event()

    def watch(self, metrics: Metrics) -> None:
        """Have the state of the pool and of the circuit breaker told."""

        def pool() -> QueuePool:
            return cast("QueuePool", self._engine.pool)

        metrics.watch("database_pool_size", "connections that the pool may hold", lambda: float(pool().size()))
        metrics.watch("database_pool_in_use", "connections of the pool that are in use", lambda: float(pool().checkedout()))
        metrics.watch(
            "database_available", "1 while the database is asked, 0 while its circuit breaker is open", lambda: float(self._breaker.closed)
        )

    def fetch(self, query: Query, **parameters: object) -> list[tuple[Any, ...]]:
        """The rows of one statement that is a transaction of its own."""
        return self._attempt_twice(lambda: self._fetch(query, parameters))

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

    @contextlib.contextmanager
    def own_connection(self) -> Iterator[Any]:
        """A connection of psycopg2 beside the pool, each of its statements a transaction of its own; closed in the end.

        Raises:
            UnavailableError: also in place of what psycopg2 raises while the connection is used.
        """
        try:
            pooled = self._engine.raw_connection()
            pooled.detach()
            raw: Any = pooled.dbapi_connection
            with contextlib.closing(raw):
                raw.autocommit = True
                yield raw
        except (DBAPIError, PoolTimeoutError, psycopg2.Error) as error:
            raise UnavailableError("the database is away") from error

    def check(self) -> None:
        """Ask the database something small.

        Raises:
            UnavailableError: the tables are not made yet, or the database doesn't answer.
        """
        if not self._prepared.is_set():
            raise UnavailableError("the database has not answered yet")
        try:
            self._attempt_twice(lambda: self._read(lambda session: session.exec(select_(1)).one()))
        except OverloadedError:
            log.info("every connection is in use: the database is busy, not away")

    def prepare(self, metadata: MetaData, stop: threading.Event) -> None:
        """Make the tables that don't exist, one replica at a time, and try until the database answers or ``stop`` is set."""
        while not self._prepared.is_set() and not stop.is_set():
            try:
                with self._engine.begin() as connection:
                    connection.execute(select_(func.pg_advisory_xact_lock(SCHEMA_LOCK)))
                    metadata.create_all(connection)
            except (OperationalError, InterfaceError, PoolTimeoutError) as error:
                log.info("waiting for the database", extra={"error": type(error).__name__})
                stop.wait(PREPARE_RETRY_S)
            else:
                self._prepared.set()
                log.info("the database is ready")

    def close(self) -> None:
        """Close every connection."""
        self._engine.dispose()

    def _fetch(self, query: Query, parameters: Mapping[str, object]) -> list[tuple[Any, ...]]:
        pooled = self._engine.raw_connection()
        try:
            raw: Any = pooled.dbapi_connection
            raw.autocommit = True
            with raw.cursor() as cursor:
                cursor.execute(query.sql, parameters)
                rows: list[tuple[Any, ...]] = cursor.fetchall()
            raw.autocommit = False
        except BaseException as error:
            pooled.invalidate(error)  # also where it would still be usable: rare, and nothing half-done goes back into the pool
            if raw.closed:
                self._engine.dispose()  # as SQLAlchemy does: where the server has closed one connection it has closed them all
            raise
        else:
            return rows
        finally:
            pooled.close()

    def _read(self, work: Callable[[Session], T]) -> T:
        with self._engine.connect() as connection, _autocommit(connection), Session(connection, expire_on_commit=False) as session:
            return work(session)

    def _write(self, work: Callable[[Session], T]) -> T:
        with Session(self._engine, expire_on_commit=False) as session:
            result = work(session)
            try:
                session.commit()
            except OperationalError as error:
                self._breaker.failed()
                # Whether it was committed is not known: never repeated from here, the caller has an idempotency key for it.
                raise UnavailableError("the database went away while it stored the request") from error
            return result

    def _attempt_twice(self, attempt: Callable[[], T]) -> T:
        """The first attempt may meet a connection that a restart of the server has closed, or lose a deadlock; neither has an effect."""
        if not self._breaker.admits():
            raise UnavailableError("the database is away")
        try:
            try:
                result = attempt()
            except (DBAPIError, psycopg2.Error) as error:
                if not _worth_repeating(error):
                    raise
                result = attempt()
        except PoolTimeoutError as error:
            raise OverloadedError from error
        except (OperationalError, InterfaceError, psycopg2.OperationalError, psycopg2.InterfaceError) as error:
            cause = getattr(error, "orig", error)
            if getattr(cause, "pgcode", None) != QUERY_CANCELED:
                self._breaker.failed()
            log.warning("the database is away", extra={"error": type(cause).__name__})
            raise UnavailableError("the database is away") from error
        except (ProgrammingError, psycopg2.ProgrammingError) as error:
            if getattr(getattr(error, "orig", error), "pgcode", None) != UNDEFINED_TABLE:
                raise
            raise UnavailableError("the database has no tables yet") from error
        self._breaker.succeeded()
        return result


def _worth_repeating(error: DBAPIError | psycopg2.Error) -> bool:
    if isinstance(error, psycopg2.Error):  # of a single read
        return not isinstance(error, NoAnswerError) and error.pgcode != QUERY_CANCELED
    stale = error.connection_invalidated and not isinstance(error.orig, NoAnswerError)
    return stale or getattr(error.orig, "pgcode", None) in TRANSIENT_SQLSTATES


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
