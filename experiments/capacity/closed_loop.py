"""One closed loop against one server: warm-up, load, what it cost, and whether it counts."""

from __future__ import annotations

from dataclasses import replace
from typing import Final

from experiments.capacity.meter import Cost, Meter
from experiments.capacity.result import Result
from experiments.capacity.wrk import Loop, LoopResult, Wrk
from experiments.definition import Quantity
from experiments.errors import MeasurementError

SHORTEST_WARM_UP_S: Final = 0.1
"""Less is over before wrk sends anything."""


def read(wrk: Wrk, loop: Loop, meter: Meter, node: str, *, warm_up_s: float, overload: bool) -> Result:
    """Send GETs and measure; ``node`` is the one that answers them.

    Raises:
        MeasurementError: wrk failed, or nothing was answered.
    """
    if warm_up_s >= SHORTEST_WARM_UP_S:
        wrk.run(replace(loop, seconds=warm_up_s, count_refusals=False))
    with meter.measured() as cost:
        sent = wrk.run(loop)
    return Result(load_values(sent, cost, node, meter.memory_mib(node)), None if overload else problem(sent))


def load_values(sent: LoopResult, cost: Cost, node: str, memory_mib: float) -> dict[Quantity, float]:
    """The figures of a closed loop.

    Raises:
        MeasurementError: nothing was answered, so nothing can be said per answer.
    """
    if not sent.ok:
        raise MeasurementError(f"no request was answered with 2xx, {sent.refused} were refused and {sent.failed} failed")
    return {
        Quantity.DURATION_S: sent.duration_s,
        Quantity.REQUESTS: sent.ok,
        Quantity.FAILED_REQUESTS: sent.failed,
        Quantity.REFUSED_REQUESTS: sent.refused,
        Quantity.THROUGHPUT_PER_S: sent.ok_per_s,
        Quantity.LATENCY_P50_MS: sent.latency_p50_ms,
        Quantity.LATENCY_P99_MS: sent.latency_p99_ms,
        Quantity.SERVER_CPU_US_PER_REQUEST: cost.us_each(sent.ok, [node]),
        Quantity.SYSTEM_CPU_US_PER_REQUEST: cost.us_each(sent.ok),
        Quantity.REPLICA_MEMORY_MIB: memory_mib,
    }


def problem(sent: LoopResult) -> str | None:
    """Why a closed loop doesn't count: a server that refuses or fails is fast for the wrong reason."""
    if sent.failed or sent.refused:
        return f"{sent.failed} requests failed and {sent.refused} were refused, of {sent.ok + sent.failed + sent.refused}"
    if sent.exhausted:
        return "the prepared requests ran out before the time did; give the path more courses or students"
    return None
