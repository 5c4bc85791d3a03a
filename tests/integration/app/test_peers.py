"""Replicas that ask each other over their database; against PostgreSQL."""

from __future__ import annotations

import threading
import uuid
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack

import psycopg2.extensions
import pytest
from pydantic import SecretStr
from sqlalchemy import text

from app.kit.database import Database, Query
from app.kit.peers import Peers
from infra import operations
from infra.deployment import Deployment
from tests.contract.client import eventually

QUESTIONS = 50
LISTENERS = Query(text("SELECT pid FROM pg_stat_activity WHERE application_name = :channel AND wait_event = 'ClientRead'"))
CUT = Query(text("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = :channel"))

Answer = Callable[[str], bool]
Join = Callable[[Answer], Peers]


class Group:
    """Peers of the test's own in the database of a service."""

    def __init__(self, url: SecretStr, stack: ExitStack) -> None:
        self._channel = f"test-{uuid.uuid4().hex}"
        self._stack = stack
        self._joined = 0
        self.asked_itself: list[str] = []
        self._database = Database(url, pool_size=4, application_name="test", background=True)
        stack.callback(self._database.close)

    def join(self, answer: Answer) -> Peers:
        """Another one, that listens when this returns."""
        peers = Peers(self._database, channel=self._channel, answer=answer)
        self._stack.callback(peers.stop)
        peers.start()
        self._joined += 1
        self.await_all()
        return peers

    def never(self, request: str) -> bool:
        """The answer of the only one who asks: it must not be asked what it asks itself."""
        self.asked_itself.append(request)
        return False

    def await_all(self) -> None:
        """Return when every one listens."""
        eventually(lambda: len(self._listeners()), lambda count: count == self._joined)

    def cut(self) -> None:
        """End the connections on which they listen."""
        before = self._listeners()
        self._database.fetch(CUT, channel=self._channel)
        eventually(lambda: self._listeners() & before, lambda left: not left)

    def _listeners(self) -> set[int]:
        return {pid for (pid,) in self._database.fetch(LISTENERS, channel=self._channel)}


@pytest.fixture
def group(lab: Deployment) -> Iterator[Group]:
    """Nobody yet."""
    main, *_ = operations.processes(lab, "courses-1")
    with ExitStack() as stack:
        stack.callback(psycopg2.extensions.set_wait_callback, None)  # the probes' connections in this process don't know it
        made = Group(SecretStr(main.environ()["SPIRE_DATABASE_URL"]), stack)
        yield made
        assert made.asked_itself == []


def test_another_one_does_what_is_asked(group: Group) -> None:
    """One is enough, what it does comes before the answer, and nobody is asked what it asks itself."""
    done: list[str] = []

    def do(request: str) -> bool:
        done.append(request)
        return True

    asking = group.join(group.never)
    group.join(lambda _: False)
    group.join(do)
    for number in range(QUESTIONS):
        assert asking.ask(f"{number} of a kind")
        assert done[-1] == f"{number} of a kind"
    assert len(done) == QUESTIONS


def test_all_may_refuse(group: Group) -> None:
    """Each has been asked then."""
    asked = threading.Semaphore(0)

    def refuse(_: str) -> bool:
        asked.release()
        return False

    asking = group.join(group.never)
    group.join(refuse)
    group.join(refuse)
    assert not asking.ask("it")
    assert asked.acquire(timeout=10)
    assert asked.acquire(timeout=10)


def test_nobody_else_does_nothing(group: Group) -> None:
    """Nor does who is alone answer itself."""
    alone = group.join(group.never)
    assert [alone.ask("it") for _ in range(QUESTIONS)] == [False] * QUESTIONS
    group.join(lambda _: True)
    assert eventually(lambda: alone.ask("it"), bool)  # by then it has heard its own questions from before


def test_questions_don_t_get_each_other_s_answers(group: Group) -> None:
    """Several threads of one process ask at once, and so does the other process."""
    here = group.join(lambda request: request.endswith("0"))
    there = group.join(lambda request: request.endswith("1"))

    def ask(number: int) -> bool:
        # A busy machine may be late with an answer, and then there is none; a wrong one there must never be.
        right = eventually(lambda: here.ask(f"{number} 1"), bool) and eventually(lambda: there.ask(f"{number} 0"), bool)
        return right and not here.ask(f"{number} 0") and not there.ask(f"{number} 1")

    with ThreadPoolExecutor(4) as pool:
        assert list(pool.map(ask, range(QUESTIONS))) == [True] * QUESTIONS


def test_who_was_cut_off_listens_again(group: Group) -> None:
    """By itself, once the database answers."""
    asking = group.join(group.never)
    group.join(lambda _: True)
    assert eventually(lambda: asking.ask("it"), bool)
    group.cut()
    group.await_all()
    assert eventually(lambda: asking.ask("it"), bool)
