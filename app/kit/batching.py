"""Group commit for requests: what arrives while one batch is being stored forms the next one.

A durable commit waits for the disk, and each statement for a journey to the database and back; a batch pays for both once. Nobody waits
for a batch to fill: whatever is there starts as soon as the store is free, so that a single request is as fast as without batches.
"""

from __future__ import annotations

import asyncio
import contextvars
import time
from collections import deque
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import Generic, TypeVar

from app.kit.errors import OverloadedError, ProblemError

Item = TypeVar("Item")
Result = TypeVar("Result")


@dataclass(frozen=True, slots=True)
class _Waiting(Generic[Item, Result]):
    item: Item
    since_s: float
    answer: asyncio.Future[Result]


class Batcher(Generic[Item, Result]):
    """Stores items in batches, in the order of their arrival; used from the event loop alone."""

    def __init__(
        self,
        store: Callable[[Sequence[Item]], Awaitable[Sequence[Result | ProblemError]]],
        *,
        largest: int,
        queue_limit: int,
        wait_limit_s: float,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """``store`` gives what became of each item, in their order; an exception of it is everybody's in that batch.

        At most ``queue_limit`` items wait, and none for longer than ``wait_limit_s`` and the batch before it.
        """
        self._store = store
        self._largest = largest
        self._queue_limit = queue_limit
        self._wait_limit_s = wait_limit_s
        self._clock = clock
        self._waiting: deque[_Waiting[Item, Result]] = deque()
        self._storing = False
        self._tasks: set[asyncio.Task[None]] = set()

    async def submit(self, item: Item) -> Result:
        """What became of the item, once its batch is stored.

        Raises:
            OverloadedError: too much waits already, or it has waited too long; the item has had no effect.
            ProblemError: what became of this item, or of its batch.
        """
        if len(self._waiting) >= self._queue_limit:
            raise OverloadedError
        loop = asyncio.get_running_loop()
        answer: asyncio.Future[Result] = loop.create_future()
        self._waiting.append(_Waiting(item, self._clock(), answer))
        if not self._storing:
            self._storing = True
            loop.call_soon(self._start_batch)  # after the other requests that this turn of the loop has read
        return await answer

    def _start_batch(self) -> None:
        oldest_s = self._clock() - self._wait_limit_s
        while self._waiting and self._waiting[0].since_s < oldest_s:
            _settle(self._waiting.popleft().answer, OverloadedError())
        if not self._waiting:
            self._storing = False
            return
        batch = [self._waiting.popleft() for _ in range(min(self._largest, len(self._waiting)))]
        # a context of its own: a batch belongs to no single request
        task = asyncio.get_running_loop().create_task(self._run(batch), context=contextvars.Context())
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _run(self, batch: Sequence[_Waiting[Item, Result]]) -> None:
        try:
            results = await self._store([waiting.item for waiting in batch])
        except Exception as error:  # noqa: BLE001 -- whatever it is, everybody in the batch must learn of it
            for waiting in batch:
                _settle(waiting.answer, error)
        else:
            for waiting, result in zip(batch, results, strict=True):
                _settle(waiting.answer, result)
        finally:
            self._start_batch()


def _settle(answer: asyncio.Future[Result], result: Result | Exception) -> None:
    if answer.done():  # whoever asked has given up
        return
    if isinstance(result, Exception):
        answer.set_exception(result)
    else:
        answer.set_result(result)
