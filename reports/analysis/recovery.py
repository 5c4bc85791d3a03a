"""Time to recover: how long after a fault clients were not served as before.

After Brown & Patterson, "Towards Availability Benchmarks: A Case Study of Software RAID Systems", USENIX Annual Technical Conference
2000: quality of service over time, against what is normal without the fault. Here:

- Time is cut into seconds from the moment the fault was carried out (so the resolution is 1 s); a request belongs to the second in
  which it was due.
- Normal is what the control trial did in the same seconds: the trial of the same block and factors without a fault, which has the same
  schedule. Where the block has no valid one, it is what the trial itself did in the measure phase before the fault.
- Response times are as before where the median and p95 of all requests due until the load ends are shown to be within the
  experiment's band (``recovery_band``) of the normal ones, and those of the next HOLD_S seconds are likely to be
  (``reports.analysis.equivalence``). The first keeps a slowdown that stays from passing for noise; the second finds when trouble ends.
- Failures are as before where no later second, nor all later ones together, have more of them than the background explains. The
  background are the failures of the control trial and of the seconds before the fault. Given all failures of a second and of the
  background, those of the second are binomial if both fail at one rate: the conditional test of Przyborowski & Wilenski, "Homogeneity
  of results in testing samples from Poisson series", Biometrika 31, 1940. A single failure is never more than the background.
- Service is recovered at the first second from which both hold until the load ends; at least MIN_HOLD_S of it must be left.

A trial tells the time within bounds. The lower one is the first second from which nothing shows that service was worse than before,
the upper one the first from which its response times are shown to be within the band; mostly both are the same. Without an upper
one the time is right-censored, as where service was beyond the band until the load ended, or the sample is too small to tell.

With several faults the time runs from the first one. The same is counted from the last heal, and from the moment at which everything
was in good health again, for an outage that lasts as long as its fault does says nothing of the system.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.stats import binom

from reports.analysis.equivalence import Rows, compare, rows
from reports.analysis.estimates import Observation, Unmeasured
from reports.analysis.faults import Struck, struck
from reports.analysis.seconds import BIN_S, Traffic, second_of, whole_seconds
from reports.loading import TrialData, Window

HOLD_S = 3
"""Seconds in a row that are judged together: one quiet second amid trouble is no recovery."""
MIN_HOLD_S = 2
"""The least that may be left of the load for service to count as recovered."""
MIN_BASELINE_S = 2.0
"""A shorter stretch before the fault tells nothing of what is normal."""
MORE_FAILURES = 0.01
"""Probability, for all seconds of a trial together, up to which failures are more than the background explains."""
SUSPECT_FAILURES = 0.02
"""The same, for what is left of the load, up to which it can't be said that failures are as before: few requests hide a lasting share."""
FEWEST_FAILURES = 2


@dataclass(frozen=True, eq=False)
class Course:
    """What a trial's clients saw from a moment on, and what says how it would have been without the fault."""

    window: Window
    """From the moment that time is counted from until the load ends."""
    own: Traffic
    before: Traffic
    """The trial's requests that were due before the fault."""
    control: Traffic | None
    """The control trial's requests; None: there is no such trial."""
    band: float

    @property
    def background(self) -> Traffic:
        """Requests that no fault touched: their failures are to be expected."""
        parts = [self.before] if self.control is None else [self.before, self.control]
        return Traffic(np.concatenate([part.due_s for part in parts]), np.concatenate([part.response_ms for part in parts]))


def time_to_recover(trial: TrialData, control: TrialData | None) -> Observation | Unmeasured:
    """Seconds from the first fault until clients are served as before."""
    return _recovery_from(trial, control, lambda found: found.injected_s)


def recovery_after_heal(trial: TrialData, control: TrialData | None) -> Observation | Unmeasured:
    """Seconds from the beginning of the last heal until clients are served as before."""
    return _recovery_from(trial, control, lambda found: found.healed_s)


def recovery_after_ready(trial: TrialData, control: TrialData | None) -> Observation | Unmeasured:
    """Seconds from when everything was in good health again until clients are served as before."""
    return _recovery_from(trial, control, lambda found: found.ready_s)


def _recovery_from(trial: TrialData, control: TrialData | None, origin: Callable[[Struck], float | None]) -> Observation | Unmeasured:
    found = struck(trial)
    if isinstance(found, Unmeasured):
        return found
    before = Window(trial.measure.start_s, found.injected_s)
    if control is None and before.length_s < MIN_BASELINE_S:
        return Unmeasured(
            f"the block has no valid control trial, and less than {MIN_BASELINE_S:g} s of the measure phase lie before the fault, so "
            "nothing says what is normal"
        )
    origin_s = origin(found)
    if origin_s is None:
        return Unmeasured("not everything that was broken was healed and seen in good health again")
    own = Traffic.of(trial.requests)
    measured = Window(trial.measure.start_s, trial.load_end_s)
    return recovery(
        Course(
            window=Window(origin_s, trial.load_end_s),
            own=own,
            before=own.within(before),
            control=None if control is None else Traffic.of(control.requests).within(measured),
            band=trial.recovery_band,
        )
    )


def recovery(course: Course) -> Observation:
    """Time to recover within the bounds that a trial tells, seconds from the beginning of the course."""
    seconds = whole_seconds(course.window)
    if seconds == 0:
        return Observation.above(0)
    own, normal = _rows(course.own, course.window), _normal_rows(course, seconds)
    rest, next_ones = (compare(_sums(own, length), normal(length)) for length in (seconds, HOLD_S))
    is_failing, is_suspect = _fail_from(course)
    worse = is_failing | rest.is_beyond | next_ones.is_beyond
    as_before = ~is_failing & ~is_suspect & rest.is_within & next_ones.is_likely_within
    as_before[max(0, seconds - MIN_HOLD_S + 1) :] = False
    return Observation(BIN_S * _first(~worse, seconds), BIN_S * _first(as_before, math.inf))


def _rows(traffic: Traffic, window: Window, times: float = 1.0) -> Rows:
    inside = traffic.within(window)
    return rows(second_of(inside, window), times * inside.response_ms, whole_seconds(window))


def _normal_rows(course: Course, seconds: int) -> Callable[[int], Rows]:
    """What the seconds of the course, from each on and as many as asked for, are compared with."""
    if course.control is not None:
        by_second = _rows(course.control, course.window, course.band)
        return lambda length: _sums(by_second, length)
    pooled = rows(np.zeros(course.before.due_s.size, dtype=np.intp), course.band * course.before.response_ms, 1)
    return lambda _length: np.broadcast_to(pooled, (seconds, pooled.shape[1]))


def _fail_from(course: Course) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
    """Whether more fail than the background explains in a second or later, and whether all from it on together look like it."""
    due, failed = _counts(course.own, course.window)
    normally = np.zeros_like(failed) if course.control is None else _counts(course.control, course.window)[1]
    background = course.background.failed

    def chance(due: NDArray[np.int64], failed: NDArray[np.int64], normally: NDArray[np.int64]) -> NDArray[np.float64]:
        """Probability of as many failures, were there no more than in the background; 1 where there is nothing to explain."""
        found = binom.sf(failed - 1, failed + background.sum(), due / np.maximum(due + background.size, 1))
        return np.where((failed >= FEWEST_FAILURES) & (failed > normally), found, 1.0)

    of_second = chance(due, failed, normally)
    of_rest = chance(*(_sums(counts, len(due)) for counts in (due, failed, normally)))
    lowest_later = np.minimum.accumulate(of_second[::-1])[::-1]
    return np.minimum(lowest_later, of_rest) <= MORE_FAILURES / len(due), of_rest <= SUSPECT_FAILURES


def _counts(traffic: Traffic, window: Window) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Requests, and failed ones among them, by second."""
    inside, seconds = traffic.within(window), whole_seconds(window)
    second = second_of(inside, window)
    return np.bincount(second, minlength=seconds), np.bincount(second[inside.failed], minlength=seconds)


def _sums(each: NDArray[np.int64], length: int) -> NDArray[np.int64]:
    """From each second on the sum of as many, fewer where the load ends first."""
    sums = each[::-1].cumsum(axis=0)[::-1]
    if length < len(each):
        sums[:-length] = sums[:-length] - sums[length:]
    return sums


def _first(is_so: NDArray[np.bool_], otherwise: float) -> float:
    return float(np.argmax(is_so)) if is_so.any() else otherwise
