"""Requests second by second."""

from __future__ import annotations

import numpy as np
import pytest

from reports.analysis.seconds import Traffic, by_bin, second_of, whole_seconds
from reports.loading import Window


def test_values_are_in_the_bin_of_their_time() -> None:
    """Lower edges belong to a bin, upper ones to the next; what lies outside of all belongs to none, and order does not matter."""
    times_s = np.array([3.5, 0.0, 1.0, -0.1, 0.999, 3.0, 4.0])
    found = by_bin(times_s, np.arange(7.0), np.arange(5.0))
    assert [values.tolist() for values in found] == [[1.0, 4.0], [2.0], [], [5.0, 0.0]]


def test_bins_agree_with_a_scan_of_each() -> None:
    """The one pass gives what picking the requests of every second does."""
    rng = np.random.default_rng(3)
    times_s, values = rng.uniform(0, 30, 5000), rng.random(5000)
    found = by_bin(times_s, values, np.arange(31.0))
    for second, inside in enumerate(found):
        assert sorted(inside) == sorted(values[np.floor(times_s) == second])


@pytest.mark.parametrize(("window", "expected"), [(Window(2, 5), 3), (Window(2.5, 5), 2), (Window(5, 5.9), 0), (Window(5, 4), 0)])
def test_windows_have_whole_seconds(window: Window, expected: int) -> None:
    """A part of one does not count, and a window that ends before it begins has none."""
    assert whole_seconds(window) == expected


def test_what_is_left_of_a_window_belongs_to_its_last_second() -> None:
    """Of 2.5 s the second one lasts 1.5 s; a window has its start and not its end."""
    window = Window(1.0, 3.5)
    traffic = Traffic(np.array([0.9, 1.0, 1.9, 2.0, 3.4, 3.5]), np.array([1.0, 2.0, np.inf, 4.0, 5.0, 6.0])).within(window)
    assert second_of(traffic, window).tolist() == [0, 0, 1, 1]
    assert traffic.failed.tolist() == [False, True, False, False]
