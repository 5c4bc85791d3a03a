"""Work beside the requests, in a thread or on the event loop, that is told to stop and waited for."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import threading
from collections.abc import Awaitable, Callable

log = logging.getLogger(__name__)

STOP_TIMEOUT_S = 3.0
"""With draining requests before it, a process that is asked to stop has to be gone within 10 s."""
RESTART_DELAY_S = 1.0


class BackgroundThread:
    """Runs ``work(stop)`` until it returns or ``stop`` is set; a mistake of ours in it is logged, and it starts again."""

    def __init__(self, name: str, work: Callable[[threading.Event], None], close: Callable[[], None] | None = None) -> None:
        """``close`` lets go of what ``work`` used; it is called when the thread has ended."""
        self._stop = threading.Event()
        self._work = work
        self._close = close
        self._thread = threading.Thread(target=self._run, name=name, daemon=True)

    def start(self) -> None:
        """Begin."""
        self._thread.start()

    def stop(self) -> None:
        """Tell it to stop and wait a little."""
        self._stop.set()
        self._thread.join(STOP_TIMEOUT_S)
        if self._close is not None:
            self._close()

    def _run(self) -> None:
        while not self._stop.is_set():
            try:
                self._work(self._stop)
            except Exception:  # the border of the thread: without it a mistake would end the work silently
                log.exception("background work failed and starts again", extra={"work": self._thread.name})
                self._stop.wait(RESTART_DELAY_S)
            else:
                return


class BackgroundTask:
    """As :class:`BackgroundThread`, for a coroutine on the event loop; one that does not end in time is cancelled."""

    def __init__(
        self,
        name: str,
        work: Callable[[asyncio.Event], Awaitable[None]],
        *,
        wake: Callable[[], None],
        close: Callable[[], None] | None = None,
    ) -> None:
        """``wake`` ends what ``work`` waits for, so that it sees ``stop``; ``close`` is called when it has ended."""
        self._name = name
        self._stop = asyncio.Event()
        self._work = work
        self._wake = wake
        self._close = close
        self._task: asyncio.Task[None] | None = None

    def start(self) -> None:
        """Begin; called on the event loop."""
        self._task = asyncio.get_running_loop().create_task(self._run(), name=self._name)

    async def stop(self) -> None:
        """Tell it to stop and wait a little."""
        self._stop.set()
        self._wake()
        if self._task is not None:
            with contextlib.suppress(TimeoutError):  # it has been cancelled then
                await asyncio.wait_for(self._task, STOP_TIMEOUT_S)
        if self._close is not None:
            self._close()

    async def _run(self) -> None:
        while not self._stop.is_set():
            try:
                await self._work(self._stop)
            except Exception:  # the border of the task: without it a mistake would end the work silently
                log.exception("background work failed and starts again", extra={"work": self._name})
                await pause(self._stop, RESTART_DELAY_S)
            else:
                return


async def pause(stop: asyncio.Event, time_s: float) -> None:
    """Return after that time, or as soon as ``stop`` is set."""
    with contextlib.suppress(TimeoutError):
        await asyncio.wait_for(stop.wait(), time_s)
