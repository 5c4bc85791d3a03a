"""The load generator's own lateness."""

from __future__ import annotations

import pyarrow as pa
import pytest

from experiments.load import slip_p99_ms
from experiments.schedule import Schedule


def _schedule(intended_s: list[float]) -> Schedule:
    return Schedule(pa.table({"intended_s": intended_s}))


def _requests(intended_s: list[float], late_s: float) -> pa.Table:
    return pa.table({"intended_s": intended_s, "sent_s": [at + late_s for at in intended_s], "ended_s": [at + 1 for at in intended_s]})


def test_slip_is_sent_minus_intended() -> None:
    """Requests that all leave 2 ms late have a slip of 2 ms."""
    times = [number / 10 for number in range(100)]
    assert slip_p99_ms(_schedule(times), _requests(times, 0.002)) == pytest.approx(2)


def test_what_was_never_sent_is_as_late_as_the_end_of_the_load() -> None:
    """A generator that leaves out every tenth request can't look punctual."""
    times = [number / 10 for number in range(100)]
    sent = [at for number, at in enumerate(times) if number % 10]
    assert slip_p99_ms(_schedule(times), _requests(sent, 0.002)) > 8000


def test_nothing_sent_at_all_is_late() -> None:
    """Without any request the load ends with its last intended one."""
    times = [number / 10 for number in range(100)]
    assert slip_p99_ms(_schedule(times), _requests([], 0.0)) > 9000


def test_an_empty_schedule_is_never_late() -> None:
    """Nothing intended, nothing late."""
    assert slip_p99_ms(_schedule([]), _requests([], 0.0)) == 0
