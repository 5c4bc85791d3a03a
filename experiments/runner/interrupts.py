"""Ctrl-C and termination, taken at safe points only, so that what was begun is always undone."""

from __future__ import annotations

import ctypes
import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType, TracebackType
from typing import Final, Self

SIGNALS: Final = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
"""Ctrl-C, ``kill``, and a terminal that is closed."""

_PR_SET_PDEATHSIG: Final = 1
"""prctl(2), from linux/prctl.h."""


def signal_with_parent(number: signal.Signals) -> None:
    """Have the kernel send this process a signal when the one that started it is gone, even by SIGKILL; it survives an exec."""
    ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, int(number))


class Interrupted(KeyboardInterrupt):
    """The user wants the run to end."""


class Interrupts:
    """Turns signals into a request that the run looks at between its steps.

    A signal that arrives in the middle of a heal or a teardown, and a second and third one, change nothing but the request: no step
    is left half done, so there is nothing that impatience could leave behind. What can undo itself runs within :meth:`at_once`.
    """

    def __init__(self, on_request: Callable[[str], None] = lambda _: None) -> None:
        self._on_request = on_request
        self._requested = threading.Event()
        self._raising = False
        self._previous: dict[int, Callable[[int, FrameType | None], object] | int | None] = {}
        self.received: signal.Signals | None = None
        """The first signal, once there was one."""

    def __enter__(self) -> Self:
        for number in SIGNALS:
            self._previous[number] = signal.signal(number, self._handle)
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        for number, handler in self._previous.items():
            signal.signal(number, handler)

    def check(self) -> None:
        """Raise if a signal came.

        Raises:
            Interrupted: one came.
        """
        if self._requested.is_set():
            raise Interrupted

    def sleep(self, seconds: float) -> None:
        """Sleep, at most until a signal comes.

        Raises:
            Interrupted: one came.
        """
        self._requested.wait(seconds)
        self.check()

    @contextmanager
    def at_once(self) -> Iterator[None]:
        """Let a signal raise wherever the code inside is, instead of at its next look.

        Raises:
            Interrupted: one came.
        """
        self.check()
        self._raising = True
        try:
            yield
        finally:
            self._raising = False

    def _handle(self, number: int, _frame: FrameType | None) -> None:
        if self.received is None:
            self.received = signal.Signals(number)
            self._on_request(f"{self.received.name}: stopping the load and removing the deployment; finished trials are kept")
        else:
            self._on_request("already stopping; a few seconds more")
        self._requested.set()
        if self._raising:
            self._raising = False
            raise Interrupted
