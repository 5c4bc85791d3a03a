"""The threads in which a replica works on its database, and what it does with more work than they can do.

Neither FastAPI's thread pool nor concurrent.futures bounds what waits: under overload every request then waits longer than anybody
listens, and the replica does nothing but answer people who have gone. Here the queue has a length and a patience; what exceeds
either is refused at once, which costs next to nothing, so that throughput stays what it was.
"""

from __future__ import annotations

import asyncio
import contextvars
import queue
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, TypeVar

from app.kit.errors import OverloadedError
from app.kit.metrics import Metrics
from app.kit.settings import ServiceSettings

T = TypeVar("T")

STOP_TIMEOUT_S = 2.0


@dataclass(frozen=True, slots=True)
class _Job:
    function: Callable[[], Any]
    context: contextvars.Context
    queued_s: float
    answer: asyncio.Future[Any]
    loop: asyncio.AbstractEventLoop


class Work:
    """A fixed number of threads and a bounded queue before them; used from the event loop alone."""

    def __init__(self, *, threads: int, queue_limit: int, wait_limit_s: float, metrics: Metrics) -> None:
        """At most ``queue_limit`` jobs wait, each for ``wait_limit_s``."""
        self._jobs: queue.SimpleQueue[_Job | None] = queue.SimpleQueue()
        self._queue_limit = queue_limit
        self._wait_limit_s = wait_limit_s
        self._busy = 0
        self._threads = [threading.Thread(target=self._serve, name=f"work-{number}", daemon=True) for number in range(threads)]
        self._refused = metrics.counter("work_refused", "requests answered 503 because the replica had too much to do", "reason")
        metrics.watch("work_threads", "threads for work on the database", lambda: float(threads))
        metrics.watch("work_threads_busy", "threads that work on something", lambda: float(self._busy))
        metrics.watch("work_queued", "jobs that wait for a thread", lambda: float(self._jobs.qsize()))

    async def run(self, function: Callable[[], T]) -> T:
        """What ``function`` gives, run in one of the threads with the caller's context variables.

        Raises:
            OverloadedError: too much waits already, or it has waited too long; ``function`` was not called.
        """
        if self._jobs.qsize() >= self._queue_limit:
            self._refused.labels("queue_full").inc()
            raise OverloadedError
        loop = asyncio.get_running_loop()
        answer: asyncio.Future[T] = loop.create_future()
        self._jobs.put(_Job(function, contextvars.copy_context(), time.monotonic(), answer, loop))
        return await answer

    def start(self) -> None:
        """Start the threads."""
        for thread in self._threads:
            thread.start()

    def stop(self) -> None:
        """End the threads when they have done what was queued."""
        for _ in self._threads:
            self._jobs.put(None)
        deadline_s = time.monotonic() + STOP_TIMEOUT_S
        for thread in self._threads:
            if thread.ident is not None:
                thread.join(max(0.0, deadline_s - time.monotonic()))

    def _serve(self) -> None:
        while (job := self._jobs.get()) is not None:
            if time.monotonic() - job.queued_s > self._wait_limit_s:
                self._refused.labels("waited_too_long").inc()
                _deliver(job, None, OverloadedError())
                continue
            self._busy += 1
            try:
                result = job.context.run(job.function)
            except BaseException as error:  # noqa: BLE001 -- whatever it is, the caller must learn of it
                _deliver(job, None, error)
            else:
                _deliver(job, result, None)
            finally:
                self._busy -= 1


def _deliver(job: _Job, result: Any, error: BaseException | None) -> None:
    def settle() -> None:
        if job.answer.done():  # whoever asked has given up
            return
        if error is None:
            job.answer.set_result(result)
        else:
            job.answer.set_exception(error)

    if not job.loop.is_closed():
        job.loop.call_soon_threadsafe(settle)


def open_work(settings: ServiceSettings, metrics: Metrics) -> Work:
    """The threads of a service as its settings want them."""
    return Work(threads=settings.threads, queue_limit=settings.queue_limit, wait_limit_s=settings.queue_wait_ms / 1000, metrics=metrics)
