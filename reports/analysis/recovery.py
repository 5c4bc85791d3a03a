"""Time to recover: how long after a fault clients were served worse than before it.

After Brown & Patterson, "Towards Availability Benchmarks: A Case Study of Software RAID Systems", USENIX Annual Technical Conference
2000: quality of service over time, against the range that is normal without the fault. Here:

- Time is cut into seconds from the moment the fault was carried out (so the resolution is 1 s); a request belongs to the second in
  which it was due.
- Normal is the range over the whole seconds of the measure phase before the fault: the highest share of failures, and the highest
  tail response time or twice its median, whichever is higher. The tail is the highest of p99, p95 and p90 that has enough requests.
- Failures are unambiguous: service is not recovered before the last second with more failures than normal.
- Response times are noisy: service is recovered at the first second from which HOLD_S seconds in a row have a normal tail (or all
  that are left of the load, if at least MIN_HOLD_S are).
- The time to recover is the later of the two; 0 where clients never noticed, right-censored at the end of the load where the
  requirement was not reached. With several faults it runs from the first one.
- The same is counted from the last heal, and from the moment at which everything was in good health again, for an outage that lasts as
  long as its fault does says nothing of the system.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from reports.analysis.estimates import Observation, Unmeasured
from reports.analysis.faults import Struck, struck
from reports.analysis.percentiles import SAMPLES_BEYOND_IN_SERIES, is_supported, percentile
from reports.loading import TrialData

BIN_S = 1.0
HOLD_S = 3
"""Seconds in a row that response times must stay normal: one quiet second amid trouble is no recovery."""
MIN_HOLD_S = 2
"""The least that may be left of the load for service to count as recovered."""
MIN_BASELINE_BINS = 2
"""Fewer seconds before the fault tell nothing of what is normal."""
NORMAL_TAIL_FACTOR = 2.0
TAILS_PER_MILLE = (990, 950, 900)


@dataclass(frozen=True)
class Bins:
    """One trial's requests by second, relative to the fault."""

    failure_rate: NDArray[np.float64]
    tail_ms: NDArray[np.float64]
    """NaN where a second has no answered request."""


def time_to_recover(trial: TrialData) -> Observation | Unmeasured:
    """Seconds from the first fault until clients are served as before."""
    return _recovery_from(trial, lambda found: found.injected_s)


def recovery_after_heal(trial: TrialData) -> Observation | Unmeasured:
    """Seconds from the beginning of the last heal until clients are served as before."""
    return _recovery_from(trial, lambda found: found.healed_s)


def recovery_after_ready(trial: TrialData) -> Observation | Unmeasured:
    """Seconds from when everything was in good health again until clients are served as before."""
    return _recovery_from(trial, lambda found: found.ready_s)


def _recovery_from(trial: TrialData, origin: Callable[[Struck], float | None]) -> Observation | Unmeasured:
    found = struck(trial)
    if isinstance(found, Unmeasured):
        return found
    before = bins(trial.requests, found.injected_s, trial.measure.start_s, found.injected_s)
    if len(before.failure_rate) < MIN_BASELINE_BINS:
        return Unmeasured(f"less than {MIN_BASELINE_BINS:g} s of the measure phase lie before the fault, so nothing says what is normal")
    origin_s = origin(found)
    if origin_s is None:
        return Unmeasured("not everything that was broken was healed and seen in good health again")
    return recovery(before, bins(trial.requests, origin_s, origin_s, trial.load_end_s))


def recovery(before: Bins, after: Bins) -> Observation:
    """Time to recover, from the seconds before and after the fault."""
    seconds = len(after.failure_rate)
    failing = np.flatnonzero(after.failure_rate > before.failure_rate.max())
    failures_end = int(failing[-1]) + 1 if failing.size else 0
    tails = before.tail_ms[~np.isnan(before.tail_ms)]
    limit_ms = max(tails.max(), NORMAL_TAIL_FACTOR * float(np.median(tails))) if tails.size else np.inf
    normal = ~(after.tail_ms > limit_ms)
    recovered = max(failures_end, _first_held(normal))
    if seconds - recovered < MIN_HOLD_S:
        return Observation.above(seconds * BIN_S)
    return Observation.exact(recovered * BIN_S)


def _first_held(normal: NDArray[np.bool_]) -> int:
    for second in range(len(normal)):
        if normal[second : second + HOLD_S].all():
            return second
    return len(normal)


def bins(requests: pd.DataFrame, fault_s: float, start_s: float, end_s: float) -> Bins:
    """The whole seconds, counted from the fault, that lie between two times; seconds without any request count as normal."""
    number = np.floor((requests["intended_s"].to_numpy(dtype=np.float64) - fault_s) / BIN_S)
    first, last = int(np.ceil((start_s - fault_s) / BIN_S)), int(np.floor((end_s - fault_s) / BIN_S))
    ok = requests["ok"].to_numpy(dtype=bool)
    response_ms = requests["response_ms"].to_numpy(dtype=np.float64)
    counts = [int((number == second).sum()) for second in range(first, last)]
    tail = tail_per_mille(float(np.median(counts))) if counts else TAILS_PER_MILLE[-1]
    failure_rate, tail_ms = [], []
    for second in range(first, last):
        inside = number == second
        answered = response_ms[inside & ok]
        failure_rate.append(1 - ok[inside].mean() if inside.any() else 0.0)
        tail_ms.append(percentile(answered, tail) if answered.size else np.nan)
    return Bins(np.array(failure_rate), np.array(tail_ms))


def tail_per_mille(per_second: float) -> int:
    """The highest percentile that a second with this many requests supports; p90 where none does."""
    return next(
        (tail for tail in TAILS_PER_MILLE if is_supported(int(per_second), tail, SAMPLES_BEYOND_IN_SERIES)),
        TAILS_PER_MILLE[-1],
    )
