"""The wall clock against the monotonic one: when a moment of the one was on the other."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Final

READINGS: Final = 5
"""A reading is wrong by as long as the program was interrupted in it; the tightest of a few was not."""


def unix_time_of(
    moment_s: float, *, wall: Callable[[], float] = time.time, monotonic: Callable[[], float] = time.monotonic, readings: int = READINGS
) -> float:
    """The Unix time at which the monotonic clock shows ``moment_s``, s, as far as the wall clock is right now.

    Of some readings of the wall clock between two of the monotonic one, the one with the shortest time between these counts (Cristian,
    "Probabilistic clock synchronization", Distributed Computing 3, 1989).
    """
    return min(_reading(moment_s, wall, monotonic) for _ in range(readings))[1]


def _reading(moment_s: float, wall: Callable[[], float], monotonic: Callable[[], float]) -> tuple[float, float]:
    """The time that it took, and what it gives."""
    before_s = monotonic()
    wall_s = wall()
    after_s = monotonic()
    return after_s - before_s, wall_s + moment_s - (before_s + after_s) / 2
