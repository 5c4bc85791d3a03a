"""The wall clock against the monotonic one."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from experiments.clock import unix_time_of


class Clocks:
    """Two clocks that show what was scripted; the wall clock is read after each interruption."""

    def __init__(self, interruptions_s: Iterator[float], offset_s: float) -> None:
        self._interruptions_s = interruptions_s
        self._offset_s = offset_s
        self._now_s = 100.0

    def monotonic(self) -> float:
        """Now."""
        return self._now_s

    def wall(self) -> float:
        """The interruption comes after the reading, so the middle of the two monotonic readings is half of it late."""
        shown = self._now_s + self._offset_s
        self._now_s += next(self._interruptions_s)
        return shown


def test_the_tightest_reading_counts() -> None:
    """Four readings that were interrupted for up to a second don't displace the one that was not."""
    clocks = Clocks(iter([1.0, 0.2, 0.0, 0.5, 0.3]), offset_s=1_000_000)
    assert unix_time_of(250.0, wall=clocks.wall, monotonic=clocks.monotonic) == pytest.approx(1_000_250, abs=1e-9)


def test_a_single_reading_is_wrong_by_half_of_its_interruption() -> None:
    """Why there is more than one."""
    clocks = Clocks(iter([1.0]), offset_s=1_000_000)
    assert unix_time_of(250.0, wall=clocks.wall, monotonic=clocks.monotonic, readings=1) == pytest.approx(1_000_249.5)
