"""The cache where there is none: switched off, or an address at which nobody answers."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Awaitable, Callable
from functools import partial

import psycopg2.extensions
import pytest

from app.kit.cache import Answer, Cache, CacheState, Entry
from app.kit.database import Database
from app.kit.metrics import Metrics
from app.kit.redis_cache import FAILURES_TO_OPEN, open_cache
from app.kit.settings import CachedServiceSettings
from app.kit.work import open_work

Run = Callable[[Callable[[Cache, Metrics], Awaitable[None]]], None]


@pytest.fixture(params=["switched off", "away"])
def run(request: pytest.FixtureRequest) -> Run:
    """Runs a scenario with no cache, or with one and a database at a port that is held and refuses every connection."""

    async def main(scenario: Callable[[Cache, Metrics], Awaitable[None]]) -> None:
        with socket.socket() as holder:
            holder.bind(("127.0.0.1", 0))
            address = f"127.0.0.1:{holder.getsockname()[1]}"
            url = None if request.param == "switched off" else f"redis://{address}/0"
            settings = CachedServiceSettings(
                replica="test",
                port=1,
                database_url=f"postgresql+psycopg2://test@{address}/test",
                cache_url=url,
                threads=2,
                _env_prefix="TEST_",
            )
            metrics = Metrics()
            work = open_work(settings, metrics)
            database = Database(settings.database_url, pool_size=2, application_name="test")
            cache = open_cache(settings, namespace="test", database=database, work=work, metrics=metrics)
            work.start()
            cache.start()
            try:
                await scenario(cache, metrics)
            finally:
                cache.stop()
                work.stop()
                database.close()
                psycopg2.extensions.set_wait_callback(None)  # other tests of this process don't know it

    return lambda scenario: asyncio.run(main(scenario))


def test_reads_are_answered_without_it(run: Run) -> None:
    """Every read is loaded, before and after the breaker opens, and says so."""
    bodies = [str(number).encode() for number in range(FAILURES_TO_OPEN + 2)]

    async def scenario(cache: Cache, _: Metrics) -> None:
        for body in bodies:
            assert await cache.item("1", partial(Entry, 1, body)) == Answer(body, CacheState.OFF)
            assert await cache.page("1", partial(bytes, body)) == Answer(body, CacheState.OFF)

    run(scenario)


def test_writes_don_t_need_it(run: Run) -> None:
    """An invalidation that can't be delivered doesn't fail the write."""

    async def scenario(cache: Cache, _: Metrics) -> None:
        cache.changed("1", 2)
        assert await cache.item("1", lambda: Entry(2, b"new")) == Answer(b"new", CacheState.OFF)

    run(scenario)


def test_what_could_not_be_loaded_is_not_an_answer(run: Run) -> None:
    """The exception of a load is the reader's."""

    def fail() -> Entry:
        raise LookupError("gone")

    async def scenario(cache: Cache, _: Metrics) -> None:
        with pytest.raises(LookupError, match="gone"):
            await cache.item("1", fail)

    run(scenario)


@pytest.mark.parametrize("run", ["away"], indirect=True)
def test_a_lost_invalidation_shows_in_the_metrics(run: Run) -> None:
    """The breaker of a cache that is away is open."""

    async def scenario(cache: Cache, metrics: Metrics) -> None:
        cache.changed("1", 1)
        assert b"spire_cache_available 0.0" in metrics.text()

    run(scenario)
