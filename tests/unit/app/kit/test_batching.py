"""Batches of what is asked at the same time."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

import pytest

from app.kit.batching import Batcher
from app.kit.errors import ConflictError, OverloadedError, ProblemError, UnavailableError


class Store:
    """Keeps the batches that come; stores while it is open, odd numbers in conflict."""

    def __init__(self) -> None:
        self.batches: list[list[int]] = []
        self.open = asyncio.Event()
        self.error: Exception | None = None
        """Of the next batch alone."""

    async def __call__(self, batch: Sequence[int]) -> list[str | ProblemError]:
        """Store a batch."""
        self.batches.append(list(batch))
        await self.open.wait()
        error, self.error = self.error, None
        if error is not None:
            raise error
        return [ConflictError(str(item)) if item % 2 else f"stored {item}" for item in batch]


class Clock:
    """Stands still until it is set."""

    now_s = 0.0

    def __call__(self) -> float:
        """The time."""
        return self.now_s


def _batcher(store: Store, *, clock: Clock | None = None, largest: int = 3, queue_limit: int = 100) -> Batcher[int, str]:
    return Batcher(store, largest=largest, queue_limit=queue_limit, wait_limit_s=1.0, clock=clock or Clock())


async def _submit(batcher: Batcher[int, str], *items: int) -> list[asyncio.Task[str]]:
    """Tasks that wait for what becomes of the items, all of which the batcher has."""
    tasks = [asyncio.create_task(batcher.submit(item)) for item in items]
    for _ in range(3):
        await asyncio.sleep(0)
    return tasks


def test_what_comes_in_one_turn_of_the_loop_is_one_batch() -> None:
    """Nobody waits for a batch to fill, and everybody gets their own result."""

    async def scenario() -> None:
        store = Store()
        store.open.set()
        tasks = await _submit(_batcher(store), 0, 1, 2)
        results = await asyncio.gather(*tasks, return_exceptions=True)
        assert store.batches == [[0, 1, 2]]
        assert results[0::2] == ["stored 0", "stored 2"]
        assert isinstance(results[1], ConflictError)

    asyncio.run(scenario())


def test_what_comes_meanwhile_is_the_next_batch() -> None:
    """One batch is stored at a time, in the order of arrival, and none is larger than the limit."""

    async def scenario() -> None:
        store = Store()
        batcher = _batcher(store)
        tasks = await _submit(batcher, 0)
        tasks += await _submit(batcher, 2, 4, 6, 8)
        assert store.batches == [[0]]
        store.open.set()
        assert await asyncio.gather(*tasks) == [f"stored {item}" for item in (0, 2, 4, 6, 8)]
        assert store.batches == [[0], [2, 4, 6], [8]]

    asyncio.run(scenario())


def test_a_batch_that_fails_fails_for_everybody_in_it_alone() -> None:
    """The next batch is stored as if nothing had been."""

    async def scenario() -> None:
        store = Store()
        store.error = UnavailableError("the database is away")
        batcher = _batcher(store)
        failing = await _submit(batcher, 0, 2)
        following = await _submit(batcher, 4)
        store.open.set()
        results = await asyncio.gather(*failing, return_exceptions=True)
        assert [type(result) for result in results] == [UnavailableError, UnavailableError]
        assert await asyncio.gather(*following) == ["stored 4"]

    asyncio.run(scenario())


def test_more_than_may_wait_is_refused_at_once() -> None:
    """What is refused never reaches the store."""

    async def scenario() -> None:
        store = Store()
        batcher = _batcher(store, queue_limit=2)
        tasks = await _submit(batcher, 0)
        tasks += await _submit(batcher, 2, 4)
        with pytest.raises(OverloadedError):
            await batcher.submit(6)
        store.open.set()
        await asyncio.gather(*tasks)
        assert store.batches == [[0], [2, 4]]

    asyncio.run(scenario())


def test_what_has_waited_too_long_is_refused() -> None:
    """Behind a slow batch only those are stored who still listen."""

    async def scenario() -> None:
        store, clock = Store(), Clock()
        batcher = _batcher(store, clock=clock)
        first = await _submit(batcher, 0)
        early = await _submit(batcher, 2)
        clock.now_s = 1.5
        late = await _submit(batcher, 4)
        store.open.set()
        assert await asyncio.gather(*first, *late) == ["stored 0", "stored 4"]
        with pytest.raises(OverloadedError):
            await early[0]
        assert store.batches == [[0], [4]]

    asyncio.run(scenario())


def test_who_gives_up_takes_nobody_along() -> None:
    """A client that goes away while its batch is stored costs the others nothing."""

    async def scenario() -> None:
        store = Store()
        tasks = await _submit(_batcher(store), 0, 2)
        tasks[0].cancel()
        store.open.set()
        assert await tasks[1] == "stored 2"
        assert store.batches == [[0, 2]]

    asyncio.run(scenario())


def test_a_batcher_that_was_idle_starts_again() -> None:
    """The first item after a pause is stored as promptly as the very first."""

    async def scenario() -> None:
        store = Store()
        store.open.set()
        batcher = _batcher(store)
        assert await batcher.submit(0) == "stored 0"
        assert await batcher.submit(2) == "stored 2"
        assert store.batches == [[0], [2]]

    asyncio.run(scenario())
