"""Single flight among real threads."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor

import pytest

from app.kit.flight import SingleFlight


def test_who_asks_during_a_load_gets_its_result() -> None:
    """Followers wait for the one load that is under way and share its result."""
    flights: SingleFlight[object] = SingleFlight()
    loading, release = threading.Event(), threading.Event()
    loads = []

    def load() -> object:
        loads.append(object())
        loading.set()
        release.wait()
        return loads[-1]

    with ThreadPoolExecutor(8) as pool:
        leader = pool.submit(flights.run, "key", load)
        loading.wait()
        followers = [pool.submit(flights.run, "key", load) for _ in range(7)]
        release.set()
        results = {leader.result(), *(follower.result() for follower in followers)}
    assert leader.result() is loads[0]
    assert results == set(loads)


def test_another_key_does_not_wait() -> None:
    """While one key is loading another one is loaded by who asks for it."""
    flights: SingleFlight[str] = SingleFlight()
    assert flights.run("outer", lambda: flights.run("inner", lambda: "answer")) == "answer"


def test_a_failed_load_fails_its_waiters_and_leaves_nothing_behind() -> None:
    """The exception is everybody's; the next one who asks loads again."""
    flights: SingleFlight[str] = SingleFlight()

    def fail() -> str:
        raise LookupError("gone")

    with pytest.raises(LookupError, match="gone"):
        flights.run("key", fail)
    assert flights.run("key", lambda: "back") == "back"
