"""What a load costs."""

from __future__ import annotations

import os

import psutil
import pytest

from experiments.capacity.meter import Cost, Meter


def test_a_cost_is_shared_out_over_what_was_done() -> None:
    """Of some nodes or of all, in microseconds; a node that was not seen costs nothing."""
    cost = Cost({"courses-1": 0.5, "courses-db": 0.25})
    assert cost.us_each(1000, ["courses-1"]) == 500
    assert cost.us_each(1000, ["courses-1", "gone"]) == 500
    assert cost.us_each(1000) == 750


def test_the_processor_time_of_a_stretch_is_that_of_the_stretch() -> None:
    """Work inside shows, work before does not."""
    me = psutil.Process()
    meter = Meter(lambda: {"me": [me]})
    with meter.measured() as idle:
        pass
    with meter.measured() as busy:
        began_s = os.times().user
        while os.times().user < began_s + 0.1:
            pass
    assert idle.cpu_s["me"] < 0.1
    assert busy.cpu_s["me"] >= 0.09


def test_memory_is_proportional_to_what_is_shared() -> None:
    """It is that of the process and never more than its resident size; a node without a process has none."""
    me = psutil.Process()
    meter = Meter(lambda: {"me": [me]})
    assert 1 < meter.memory_mib("me") <= me.memory_info().rss / 1024**2 + 1
    assert meter.memory_mib("gone") == pytest.approx(0)
