"""A thread beside the requests that is told to stop and waited for."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable

log = logging.getLogger(__name__)

STOP_TIMEOUT_S = 3.0
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
