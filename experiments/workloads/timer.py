"""Waking at a moment of the monotonic clock, to the tens of microseconds that the kernel allows.

gevent's own timers wake on whole milliseconds, since libev hands epoll its timeout in them: requests would leave 0.6 ms late at the
median, and at 1,000/s in bursts of a millisecond's arrivals. A timerfd that the event loop watches wakes 0.1 ms late (measured).
"""

from __future__ import annotations

import ctypes
import os
from types import TracebackType
from typing import Final, Self

from gevent.hub import get_hub

_CLOCK_MONOTONIC: Final = 1
_ABSOLUTE: Final = 1
_READABLE: Final = 1
_EXPIRATIONS_BYTES: Final = 8
_libc = ctypes.CDLL(None, use_errno=True)


class _TimeSpec(ctypes.Structure):
    _fields_ = (("seconds", ctypes.c_long), ("nanoseconds", ctypes.c_long))


class _TimerSpec(ctypes.Structure):
    _fields_ = (("interval", _TimeSpec), ("value", _TimeSpec))


class Timer:
    """Puts one greenlet at a time to sleep, see timerfd_create(2); Python itself offers it from 3.13 on."""

    def __init__(self) -> None:
        # Linux gives a timerfd's non-blocking and close-on-exec flags the values of the files' own.
        self._descriptor: int = _checked(_libc.timerfd_create(_CLOCK_MONOTONIC, os.O_NONBLOCK | os.O_CLOEXEC))
        self._hub = get_hub()
        self._watcher = self._hub.loop.io(self._descriptor, _READABLE)
        self._spec = _TimerSpec()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self._watcher.close()
        os.close(self._descriptor)

    def sleep_until(self, moment_s: float) -> None:
        """Let other greenlets run until ``time.monotonic()`` is ``moment_s``, which must be above 0."""
        seconds = int(moment_s)
        self._spec.value.seconds = seconds
        # All zeros would disarm the timer.
        self._spec.value.nanoseconds = max(1, int((moment_s - seconds) * 1e9))
        _checked(_libc.timerfd_settime(self._descriptor, _ABSOLUTE, ctypes.byref(self._spec), None))
        self._hub.wait(self._watcher)
        os.read(self._descriptor, _EXPIRATIONS_BYTES)


def _checked(result: int) -> int:
    if result < 0:
        code = ctypes.get_errno()
        raise OSError(code, os.strerror(code))
    return result
