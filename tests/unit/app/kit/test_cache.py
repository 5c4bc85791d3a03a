"""The cache where there is none: switched off, or an address at which nobody answers."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from functools import partial

import pytest
from pydantic import SecretStr

from app.kit.cache import FAILURES_TO_OPEN, Answer, Cache, CacheState, Entry, open_cache
from app.kit.metrics import Metrics


@pytest.fixture
def metrics() -> Metrics:
    """Metrics of a process of its own."""
    return Metrics()


@pytest.fixture(params=["switched off", "away"])
def cache(request: pytest.FixtureRequest, metrics: Metrics) -> Iterator[Cache]:
    """No cache, or one at a port that is held and refuses every connection."""
    with socket.socket() as holder:
        holder.bind(("127.0.0.1", 0))
        url = None if request.param == "switched off" else SecretStr(f"redis://127.0.0.1:{holder.getsockname()[1]}/0")
        cache = open_cache(url, namespace="test", ttl_s=60, metrics=metrics)
        cache.start()
        yield cache
        cache.stop()


def test_reads_are_answered_without_it(cache: Cache) -> None:
    """Every read is loaded, before and after the breaker opens, and says so."""
    bodies = [str(number).encode() for number in range(FAILURES_TO_OPEN + 2)]
    assert [cache.item("1", partial(Entry, 1, body)) for body in bodies] == [Answer(body, CacheState.OFF) for body in bodies]
    assert [cache.page("1", partial(bytes, body)) for body in bodies] == [Answer(body, CacheState.OFF) for body in bodies]


def test_writes_don_t_need_it(cache: Cache) -> None:
    """An invalidation that can't be delivered doesn't fail the write."""
    cache.changed("1", 2)
    assert cache.item("1", lambda: Entry(2, b"new")) == Answer(b"new", CacheState.OFF)


def test_a_lost_invalidation_shows_in_the_metrics(metrics: Metrics) -> None:
    """The breaker of a cache that is away is open."""
    with socket.socket() as holder:
        holder.bind(("127.0.0.1", 0))
        url = SecretStr(f"redis://127.0.0.1:{holder.getsockname()[1]}/0")
        cache = open_cache(url, namespace="test", ttl_s=60, metrics=metrics)
        assert b"spire_cache_available 1.0" in metrics.text()
        cache.changed(None, 1)
        assert b"spire_cache_available 0.0" in metrics.text()


def test_what_could_not_be_loaded_is_not_an_answer(cache: Cache) -> None:
    """The exception of a load is the reader's."""

    def fail() -> Entry:
        raise LookupError("gone")

    with pytest.raises(LookupError, match="gone"):
        cache.item("1", fail)
