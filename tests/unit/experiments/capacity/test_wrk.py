"""What wrk is told, and what it says."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from experiments.capacity.closed_loop import load_values, problem
from experiments.capacity.meter import Cost
from experiments.capacity.wrk import Loop, LoopResult, command, parse
from experiments.definition import Quantity
from experiments.definition.capacity import LOAD_QUANTITIES
from experiments.errors import MeasurementError

PRINTED: dict[str, Any] = {
    "duration_us": 2_000_000,
    "answers": 1000,
    "bad_status": 30,
    "refused": 20,
    "connect": 1,
    "read": 2,
    "write": 3,
    "timeout": 4,
    "p50_us": 1500,
    "p99_us": 9000,
    "exhausted": 0,
}
TALK = "Running 5s test @ http://127.0.0.1:1/\n  1 threads and 2 connections\n"
CLEAN = LoopResult(duration_s=2.0, ok=1000, failed=0, refused=0, latency_p50_ms=1.5, latency_p99_ms=9.0, exhausted=False)


def test_the_result_is_found_behind_what_wrk_says_besides() -> None:
    """Answers other than 2xx are no throughput, and refusals are counted apart from failures."""
    result = parse(TALK + json.dumps(PRINTED) + "\n")
    assert result == LoopResult(duration_s=2.0, ok=970, failed=20, refused=20, latency_p50_ms=1.5, latency_p99_ms=9.0, exhausted=False)
    assert result.ok_per_s == 485


@pytest.mark.parametrize("output", ["", "unable to connect to 127.0.0.1:1 Connection refused\n", "{half", json.dumps({"answers": 1})])
def test_without_a_result_wrk_s_own_words_are_the_error(output: str) -> None:
    """In one line."""
    with pytest.raises(MeasurementError, match="wrk printed no result: ") as caught:
        parse(output)
    assert "\n" not in str(caught.value)


def test_wrk_ends_by_itself_soon_after_its_time() -> None:
    """Also if nobody is left to stop it; half seconds are rounded up, which it could not take."""
    told = command(Path("/usr/bin/wrk"), Loop("http://127.0.0.1:1/", connections=32, seconds=0.5))
    assert "--duration=4s" in told
    assert "--connections=32" in told
    assert told[-3:] == ["http://127.0.0.1:1/", "--", "plain"]
    posting = command(Path("/usr/bin/wrk"), Loop("http://127.0.0.1:1/", 1, 1.0, bodies=Path("/tmp/x"), count_refusals=True))  # noqa: S108 - nothing is read
    assert posting[-2:] == ["refusals", "/tmp/x"]  # noqa: S108 - the same


def test_every_quantity_of_a_load_is_given() -> None:
    """The server's processor time is its own, the system's that of all nodes, each per answer of 2xx."""
    values = load_values(CLEAN, Cost({"courses-1": 0.5, "courses-db": 0.25}), "courses-1", 70.0)
    assert set(values) == LOAD_QUANTITIES
    assert values[Quantity.SERVER_CPU_US_PER_REQUEST] == 500
    assert values[Quantity.SYSTEM_CPU_US_PER_REQUEST] == 750
    assert values[Quantity.THROUGHPUT_PER_S] == 500


def test_a_load_without_an_answer_has_no_figures() -> None:
    """Nothing can be said per answer."""
    silent = LoopResult(duration_s=2.0, ok=0, failed=3, refused=2, latency_p50_ms=0, latency_p99_ms=0, exhausted=False)
    with pytest.raises(MeasurementError, match="no request was answered with 2xx, 2 were refused and 3 failed"):
        load_values(silent, Cost(), "courses-1", 70.0)


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({}, None),
        ({"failed": 1}, "1 requests failed and 0 were refused, of 1001"),
        ({"refused": 2}, "0 requests failed and 2 were refused, of 1002"),
        ({"exhausted": True}, "the prepared requests ran out"),
    ],
)
def test_a_load_counts_only_if_everything_was_answered_well(changes: dict[str, Any], reason: str | None) -> None:
    """A server that fails is fast for the wrong reason."""
    found = problem(LoopResult(**{**CLEAN.__dict__, **changes}))
    assert found is None if reason is None else (found or "").startswith(reason)
