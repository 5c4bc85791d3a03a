"""Counters between two moments, across restarts and gaps."""

from __future__ import annotations

import numpy as np
import pytest

from reports.analysis.counters import cumulative, increase, rates
from reports.loading import Window


def test_growth_is_interpolated_at_the_bounds_of_the_window() -> None:
    """A counter of 10 a second grew by 80 within 8 s that begin and end between readings."""
    at_s = np.arange(0.2, 12, 0.5)
    assert increase(at_s, 100 + 10 * at_s, Window(2, 10)) == pytest.approx(80)


def test_a_restarted_counter_counts_on() -> None:
    """After 100 -> 110 the node restarted: 5 and 15 are growth, not a fall."""
    assert cumulative(np.array([100.0, 110.0, 5.0, 15.0])).tolist() == [0, 10, 15, 25]


def test_a_child_process_that_ended_is_no_restart() -> None:
    """A small fall adds nothing, least of all the whole counter."""
    assert cumulative(np.array([100.0, 110.0, 108.0, 112.0])).tolist() == [0, 10, 10, 14]


def test_a_window_that_was_not_watched_has_no_growth() -> None:
    """Readings over half of the window are not stretched to the whole."""
    at_s = np.arange(0, 5, 0.5)
    assert increase(at_s, at_s, Window(2, 10)) is None
    assert increase(np.array([]), np.array([]), Window(2, 10)) is None


def test_readings_that_miss_a_little_of_the_window_stand_for_it() -> None:
    """9.5 of 10 s at 10 a second make 100."""
    at_s = np.arange(0.5, 10.1, 0.5)
    assert increase(at_s, 10 * at_s, Window(0, 10)) == pytest.approx(100)


def test_rates_have_gaps_where_nobody_looked() -> None:
    """A second without readings on both sides has no rate; a probe that read a moment late has one."""
    at_s = np.array([0.003, 0.5, 1.0, 1.5, 2.0])
    found = rates(at_s, 20 * at_s, np.array([0.0, 1.0, 2.0, 3.0]))
    assert found[:2] == pytest.approx([20, 20])
    assert np.isnan(found[2])
    assert np.isnan(rates(np.array([]), np.array([]), np.array([0.0, 1.0]))).all()
