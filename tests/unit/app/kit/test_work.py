"""The threads for work on the database, and their limits."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable

import pytest

from app.kit.errors import OverloadedError
from app.kit.logging import request_id
from app.kit.metrics import Metrics
from app.kit.work import Work


def _work(*, threads: int = 1, queue_limit: int = 10, wait_limit_s: float = 60.0) -> tuple[Work, Metrics]:
    metrics = Metrics()
    return Work(threads=threads, queue_limit=queue_limit, wait_limit_s=wait_limit_s, metrics=metrics), metrics


async def _occupied(work: Work, release: threading.Event) -> asyncio.Task[bool]:
    """A job that holds the one thread until released."""
    begun = threading.Event()

    def hold() -> bool:
        begun.set()
        return release.wait(30)

    task = asyncio.create_task(work.run(hold))
    await asyncio.to_thread(begun.wait, 30)
    return task


def test_work_runs_in_a_thread_with_the_caller_s_context() -> None:
    """Results and exceptions come back, and the request id goes along."""

    def fail() -> None:
        raise LookupError("gone")

    async def scenario() -> None:
        work, _ = _work(threads=2)
        work.start()
        request_id.set("of-the-request")
        assert await work.run(lambda: (request_id.get(), threading.current_thread().name.rpartition("-")[0])) == ("of-the-request", "work")
        with pytest.raises(LookupError, match="gone"):
            await work.run(fail)
        work.stop()

    asyncio.run(scenario())


def test_a_full_queue_refuses_at_once() -> None:
    """Beyond the limit a request is refused without waiting and without an effect, and is counted."""

    async def scenario() -> None:
        work, metrics = _work(queue_limit=2)
        work.start()
        release, done = threading.Event(), []
        add: Callable[[int], Callable[[], None]] = lambda number: lambda: done.append(number)  # noqa: E731 -- as short as its use
        holding = await _occupied(work, release)
        queued = [asyncio.create_task(work.run(add(number))) for number in range(2)]
        await asyncio.sleep(0)
        with pytest.raises(OverloadedError):
            await work.run(add(2))
        assert b'spire_work_refused_total{reason="queue_full"} 1.0' in metrics.text()
        release.set()
        assert await holding
        await asyncio.gather(*queued)
        assert done == [0, 1]
        work.stop()

    asyncio.run(scenario())


def test_who_waited_too_long_is_refused() -> None:
    """A job whose time is up when its turn comes is not run: nobody listens for its answer any more."""

    async def scenario() -> None:
        work, metrics = _work(wait_limit_s=0.0)
        work.start()
        release, done = threading.Event(), []
        with pytest.raises(OverloadedError):
            await work.run(lambda: done.append(1))
        assert done == []
        assert b'spire_work_refused_total{reason="waited_too_long"} 1.0' in metrics.text()
        release.set()
        work.stop()

    asyncio.run(scenario())


def test_a_stop_ends_the_threads_after_what_was_queued() -> None:
    """What was accepted is done before the threads end."""

    async def scenario() -> None:
        work, _ = _work(threads=3)
        work.start()
        jobs = [asyncio.create_task(work.run(threading.get_ident)) for _ in range(9)]
        await asyncio.sleep(0)
        work.stop()
        idents = set(await asyncio.gather(*jobs))
        assert idents
        assert not idents & {thread.ident for thread in threading.enumerate()}

    asyncio.run(scenario())
