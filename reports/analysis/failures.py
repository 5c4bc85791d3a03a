"""What clients saw fail around a fault: how soon, for how long, how much of it, and in which way.

- *Time to first failure*: from the injection to the moment at which the first request that failed after it was due; 0 for one that was
  under way already. Infinite where none failed: that is a result, not a gap.
- *Time to mitigate*: from the injection until clients are served without new failures although the fault is still in force, because the
  system has routed around it or does without. It ends with the last failure's due time, 0 where there was none. Failures that go on until
  less than HOLD_S before the heal were not mitigated; then it is only known to be longer than the fault was in force.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from experiments.records.schema import Outcome
from reports.analysis.estimates import Observation, Unmeasured
from reports.analysis.faults import Struck, struck
from reports.analysis.percentiles import SAMPLES_BEYOND, TAILS_PER_MILLE, highest_tail, label, percentile
from reports.analysis.pooled import Counts
from reports.analysis.seconds import Traffic
from reports.loading import TrialData, Window

HOLD_S = 1.0
NO_CONTROL = Unmeasured("the block has no valid control trial")


class When(StrEnum):
    """Where a request was due, seen from the trial's faults."""

    BEFORE = "before"
    DURING = "during"
    """From the first injection until everything was ready again."""
    AFTER = "after"


@dataclass(frozen=True)
class ErrorClass:
    """Failed requests of one kind and time: the number in each trial."""

    when: When
    name: str
    """``timeout``, ``connection error``, or the answer's status: ``503``."""
    counts: tuple[int, ...]


def time_to_first_failure(trial: TrialData) -> Observation | Unmeasured:
    """Seconds from the first injection to the first request that failed; infinite where none did."""
    found = struck(trial)
    if isinstance(found, Unmeasured):
        return found
    failed = trial.requests[~trial.requests["ok"] & (trial.requests["ended_s"] >= found.injected_s)]
    return Observation.exact(max(0.0, failed["intended_s"].min() - found.injected_s) if len(failed) else math.inf)


def time_to_mitigate(trial: TrialData) -> Observation | Unmeasured:
    """Seconds from the first injection until no request failed any more, while the fault was still in force."""
    found = struck(trial)
    if isinstance(found, Unmeasured):
        return found
    window = found.on
    if window.length_s < HOLD_S:
        return Unmeasured(f"the fault was in force for less than {HOLD_S:g} s")
    intended_s = _due_s(trial.requests[~trial.requests["ok"]])
    failing = intended_s[(intended_s >= window.start_s) & (intended_s < window.end_s)]
    if not failing.size:
        return Observation.exact(0)
    last_s = float(failing.max())
    return Observation.above(window.length_s) if window.end_s - last_s < HOLD_S else Observation.exact(last_s - window.start_s)


def failures_during_fault(trial: TrialData) -> Counts | Unmeasured:
    """Requests due from the first injection until everything was ready again that failed, of all."""
    found = struck(trial)
    if isinstance(found, Unmeasured):
        return found
    inside = _inside(trial, found.until_ready)
    return Counts(int((~inside["ok"]).sum()), len(inside)) if len(inside) else Unmeasured("no request was due during the fault")


def failed_during_fault(trial: TrialData) -> Observation | Unmeasured:
    """The same as a share."""
    failed = failures_during_fault(trial)
    return failed if isinstance(failed, Unmeasured) else Observation.exact(failed.share)


def tail_ratio(trial: TrialData, control: TrialData | None) -> Observation | Unmeasured:
    """The tail of the response time during the fault against the same seconds of the control trial.

    The tail is the highest of p99, p95 and p90 that both have enough requests for; failures count as slower than every answer.
    """
    found = struck(trial)
    return found if isinstance(found, Unmeasured) else _tail_ratio(trial, control, found.until_ready, "during the fault")


def tail_after_ratio(trial: TrialData, control: TrialData | None) -> Observation | Unmeasured:
    """The same of the requests that were due after everything was in good health again."""
    found = struck(trial)
    if isinstance(found, Unmeasured):
        return found
    if found.ready_s is None:
        return Unmeasured("not everything that was broken was healed and seen in good health again")
    return _tail_ratio(trial, control, Window(found.ready_s, trial.load_end_s), "after it")


def _tail_ratio(trial: TrialData, control: TrialData | None, window: Window, when: str) -> Observation | Unmeasured:
    if control is None:
        return NO_CONTROL
    own, other = (Traffic.of(one.requests).within(window).response_ms for one in (trial, control))
    fewest = min(own.size, other.size)
    tail = highest_tail(fewest)
    if tail is None:
        return Unmeasured(f"{fewest} requests {when} leave fewer than {SAMPLES_BEYOND} beyond {label(TAILS_PER_MILLE[-1])}")
    above, below = percentile(own, tail), percentile(other, tail)
    if math.isinf(below):
        return Unmeasured("the control trial failed as much")
    return Observation.exact(above / below)


def slowest_response(trial: TrialData) -> Observation | Unmeasured:
    """Response time of the slowest request of the measure phase; infinite where one failed."""
    measured = trial.measured
    if not len(measured):
        return Unmeasured("no request was due in the measure phase")
    return Observation.exact(measured["response_ms"].max() if measured["ok"].all() else math.inf)


def error_classes(trials: Sequence[TrialData]) -> tuple[ErrorClass, ...]:
    """Failed requests by time and kind; those of a trial without a fault all came before one."""
    found = [_by_class(trial) for trial in trials]
    keys = sorted({key for counts in found for key in counts}, key=lambda key: (list(When).index(key[0]), key[1]))
    return tuple(ErrorClass(when, name, tuple(counts.get((when, name), 0) for counts in found)) for when, name in keys)


def _by_class(trial: TrialData) -> dict[tuple[When, str], int]:
    found = struck(trial)
    failed = trial.requests[~trial.requests["ok"]]
    counts: dict[tuple[When, str], int] = {}
    for intended_s, outcome, status in zip(failed["intended_s"], failed["outcome"].astype(str), failed["status"], strict=True):
        when = When.BEFORE if isinstance(found, Unmeasured) else _when(intended_s, found)
        name = str(int(status)) if outcome == Outcome.HTTP_ERROR and not pd.isna(status) else outcome.replace("_", " ")
        counts[when, name] = counts.get((when, name), 0) + 1
    return counts


def _when(intended_s: float, found: Struck) -> When:
    if intended_s < found.injected_s:
        return When.BEFORE
    return When.DURING if intended_s < found.until_ready.end_s else When.AFTER


def _inside(trial: TrialData, window: Window) -> pd.DataFrame:
    intended_s = _due_s(trial.requests)
    return trial.requests[(intended_s >= window.start_s) & (intended_s < window.end_s)]


def _due_s(requests: pd.DataFrame) -> NDArray[np.float64]:
    return requests["intended_s"].to_numpy(dtype=np.float64)
