"""What the replicas of one service ask of each other, over the database that they share (LISTEN and NOTIFY).

They don't know each other's addresses and need none: whoever listens does so on a connection with a known name, so that PostgreSQL
itself tells how many there are to answer. Nothing is kept: who doesn't listen just then is not asked.
"""

from __future__ import annotations

import logging
import secrets
import select
import threading
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from psycopg2.sql import SQL, Identifier
from sqlalchemy import text

from app.kit.background import BackgroundThread
from app.kit.database import Database, Query
from app.kit.errors import OverloadedError, UnavailableError

log = logging.getLogger(__name__)

ANSWER_TIMEOUT_S = 0.25
"""Waited only for a peer that is paused, cut off from the database, or starved: the others answer within milliseconds. Behind whoever
asks a client waits, whom the gateway gives up on after 1 s."""
TICK_S = 0.25
"""Between looks whether to stop."""
TICKS_TO_CHECK = 4
"""A connection on which nothing comes may have been cut: once a second it is asked something."""
RECONNECT_S = 0.25

_ASK = "ask"
_DONE = "done"
_REFUSED = "refused"
_NOTIFY = Query(text("SELECT pg_notify(:channel, :payload)"))
_NOTIFY_AND_COUNT = Query(
    text(
        "SELECT pg_notify(:channel, :payload), (SELECT count(*) FROM pg_stat_activity"
        " WHERE datname = current_database() AND application_name = :channel AND pid <> :own_pid)"
    )
)


@dataclass
class _Question:
    done: bool = False
    refusals: int = 0


class Peers:
    """The other replicas that listen on the same channel of the same database."""

    def __init__(self, database: Database, *, channel: str, answer: Callable[[str], bool]) -> None:
        """``answer`` does what another replica asks for, within milliseconds, and tells whether it could."""
        self._database = database
        self._channel = channel
        self._answer = answer
        self._me = secrets.token_hex(8)
        self._questions: dict[str, _Question] = {}
        self._answered = threading.Condition()
        self._own_pid: int | None = None
        self._listener = BackgroundThread("peers", self._listen_until_stopped)

    @property
    def listening(self) -> bool:
        """Whether what they ask is heard."""
        return self._own_pid is not None

    def ask(self, request: str) -> bool:
        """Whether one of them has done it; false as soon as all have refused, when their time is up, or where none can be heard."""
        number, question, own_pid = self._me + secrets.token_hex(8), _Question(), self._own_pid
        self._questions[number] = question
        try:
            payload = f"{_ASK} {number} {request}"
            ((_, others),) = self._database.fetch(_NOTIFY_AND_COUNT, channel=self._channel, payload=payload, own_pid=own_pid)
            if own_pid is not None:
                with self._answered:
                    self._answered.wait_for(lambda: question.done or question.refusals >= others, ANSWER_TIMEOUT_S)
        except (UnavailableError, OverloadedError):
            return False
        finally:
            del self._questions[number]
        return question.done

    def start(self) -> None:
        """Begin to listen, as soon as the database answers."""
        self._listener.start()

    def stop(self) -> None:
        """End it."""
        self._listener.stop()

    def _listen_until_stopped(self, stop: threading.Event) -> None:
        while not stop.is_set():
            try:
                with self._database.own_connection() as connection:
                    self._listen(connection, stop)
            except UnavailableError:
                log.info("peers are not heard: waiting for the database")
                stop.wait(RECONNECT_S)
            finally:
                self._own_pid = None

    def _listen(self, connection: Any, stop: threading.Event) -> None:
        with connection.cursor() as cursor:
            cursor.execute("SET application_name = %s", (self._channel,))
            listen = SQL("LISTEN {}").format(Identifier(self._channel))
            cursor.execute(listen)
            self._own_pid = connection.info.backend_pid
            poller = select.poll()
            poller.register(connection.fileno(), select.POLLIN)
            quiet = 0
            while not stop.is_set():
                if poller.poll(TICK_S * 1000):
                    connection.poll()
                    quiet = 0
                elif (quiet := quiet + 1) % TICKS_TO_CHECK == 0:
                    cursor.execute(listen)
                while connection.notifies:
                    self._heard(cursor, connection.notifies.pop(0).payload)

    def _heard(self, cursor: Any, payload: str) -> None:
        word, number, *request = payload.split(" ", 2)
        question = self._questions.get(number)
        if word == _ASK and not number.startswith(self._me):
            answer = _DONE if self._answer(*request) else _REFUSED
            cursor.execute(_NOTIFY.sql, {"channel": self._channel, "payload": f"{answer} {number}"})
        elif word != _ASK and question is not None:
            with self._answered:
                question.done |= word == _DONE
                question.refusals += word == _REFUSED
                self._answered.notify_all()
