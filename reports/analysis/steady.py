"""The steady state of trials and treatments, where one is to be expected: under a constant load, with nothing broken on purpose.

Judged is the service time of answered requests of all operations. The load generator's lateness, which response times have in them, is
judged elsewhere; a failed request has no latency, and the share of failures is a measure of its own. Each operation's own median is taken
out first: a slow operation is then no outlier among fast ones, and a change that all have in common shows sooner.

Whether the measure phase is steady is asked of :mod:`reports.analysis.drift`. Where steady state begins is proposed by MSER-5 (White, "An
effective truncation heuristic for bias reduction in simulation output", Simulation 69(6), 1997; White, Cobb & Spratt, "A comparison of
five steady-state truncation heuristics for simulation", Winter Simulation Conference 2000): of all beginnings in the first half of the
load the one that makes the standard error of the mean of the rest smallest. It is a heuristic without a test and finds a cut in noise
too, so that its proposal counts only where the level changes by more than the floor.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from statistics import median

import numpy as np
from numpy.typing import NDArray

from experiments.definition import Experiment, Treatment
from reports.analysis.drift import BATCHES, FLOOR, MIN_REQUESTS, Drift, batch_medians, drift
from reports.loading import RunData, TrialData, Window

MSER_BATCH = 5
LEAST_NOTICEABLE = 0.5
"""Data in which a change by half may go unnoticed can't tell whether they are steady."""
CLOCK_MS = 0.001
"""The least that is taken for a latency: a microsecond, because zero has no logarithm."""
PERCENT = 100


class Answer(StrEnum):
    """Whether a trial or a treatment is steady."""

    STEADY = "steady"
    NOT_STEADY = "not steady"
    UNTOLD = "can't be told"
    """Too few requests, or too much noise."""


@dataclass(frozen=True, eq=False)
class Latencies:
    """The answered requests of a trial under a constant load, from its beginning to the end of its measure phase."""

    at_s: NDArray[np.float64]
    """When each was due, seconds since the trial's epoch, ascending."""
    log_ms: NDArray[np.float64]
    """Natural logarithm of the latency, up to a constant."""
    measure: Window

    @property
    def measured(self) -> NDArray[np.float64]:
        """Those of the measure phase."""
        return self.log_ms[np.searchsorted(self.at_s, self.measure.start_s) :]


@dataclass(frozen=True)
class SteadyState:
    """What one trial says."""

    answer: Answer
    from_s: float | None
    """When steady state was reached, seconds since the trial's epoch; within the measure phase only in a trial that is not steady
    because of its beginning; None: never, or it can't be told."""
    reason: str
    """Part of a sentence: ``the typical service time fell by 31 % after 1.4 s of the measure phase``."""
    change: float
    """The relative change over the measure phase that was estimated, found or not; 0 where there is too little data."""


@dataclass(frozen=True)
class Steadiness:
    """What the trials of a treatment say together."""

    answer: Answer
    trials: tuple[SteadyState, ...]
    from_s: float | None
    """Median over the trials that reached it; None where half of them or more did not."""
    reason: str
    """As of a trial."""
    change: float
    """The relative change that the trials have in common, found or not."""
    noticeable: float
    """The smallest relative change that these trials together would show with an even chance; infinite with too little data."""

    def count(self, answer: Answer) -> int:
        """Trials with that answer."""
        return sum(trial.answer is answer for trial in self.trials)


def run_steadiness(run: RunData) -> Mapping[str, Steadiness]:
    """Steadiness by name of the treatment; without treatments that have no valid trial or are not meant to be steady."""
    experiment = run.record.experiment
    judged = {}
    for treatment in experiment.treatments:
        trials = run.valid(treatment.name)
        if trials and _is_meant_to_be_steady(experiment, treatment, trials):
            judged[treatment.name] = steadiness([latencies(trial) for trial in trials])
    return judged


def no_steady_state(judged: Mapping[str, Steadiness]) -> Mapping[str, str]:
    """Why each treatment without a steady state has none, by name: what keeps claims on its typical values from a verdict."""
    return {name: f"no steady state: {found.reason}" for name, found in judged.items() if found.answer is Answer.NOT_STEADY}


def latencies(trial: TrialData) -> Latencies:
    """The logarithms of a trial's service times, each relative to the median of its operation."""
    requests = trial.requests
    answered = requests.loc[requests["ok"] & (requests["intended_s"] < trial.measure.end_s), ["intended_s", "operation", "service_ms"]]
    log_ms = np.log(answered["service_ms"].clip(lower=CLOCK_MS))
    typical = log_ms.groupby(answered["operation"], observed=True).transform("median")
    return Latencies(answered["intended_s"].to_numpy(dtype=np.float64), (log_ms - typical).to_numpy(dtype=np.float64), trial.measure)


def steady_state(trial: Latencies) -> SteadyState:
    """Whether the measure phase of one trial is steady, and since when."""
    if len(trial.measured) < MIN_REQUESTS:
        return SteadyState(Answer.UNTOLD, None, _too_few(len(trial.measured)), 0.0)
    found = drift(batch_medians(trial.measured)[np.newaxis])
    answer, reason = _judged(found, trial.measure.length_s)
    return SteadyState(answer, _reached_s(trial, answer), reason, found.change)


def steadiness(trials: Sequence[Latencies]) -> Steadiness:
    """Whether a treatment is steady.

    It is not where its trials have a change in common, or where more than half of them change, each in its own way.
    """
    states = tuple(steady_state(trial) for trial in trials)
    levels = [batch_medians(trial.measured) for trial in trials if len(trial.measured) >= MIN_REQUESTS]
    if not levels:
        return Steadiness(Answer.UNTOLD, states, None, _too_few(max((len(trial.measured) for trial in trials), default=0)), 0.0, math.inf)
    found = drift(np.array(levels))
    answer, reason = _judged(found, median(trial.measure.length_s for trial in trials))
    changing = [state for state in states if state.answer is Answer.NOT_STEADY]
    if answer is not Answer.NOT_STEADY and 2 * len(changing) > len(states):
        answer = Answer.NOT_STEADY
        reason = f"{len(changing)} of {len(states)} trials change, each in its own way: in the first of them {changing[0].reason}"
    reached = [state.from_s for state in states if state.from_s is not None]
    return Steadiness(
        answer=answer,
        trials=states,
        from_s=median(reached) if 2 * len(reached) > len(states) else None,
        reason=reason,
        change=found.change,
        noticeable=found.noticeable,
    )


def mser(values: NDArray[np.float64]) -> int:
    """How many values from the beginning MSER-5 cuts off, at most half of them."""
    count = len(values) // MSER_BATCH
    means = values[: count * MSER_BATCH].reshape(count, MSER_BATCH).mean(axis=1)
    centred = means - means.mean()
    left = np.arange(count, 0, -1)
    sums, squares = np.cumsum(centred[::-1])[::-1], np.cumsum(centred[::-1] ** 2)[::-1]
    errors = (squares - sums**2 / left) / left**2
    return int(np.argmin(errors[: count // 2 + 1])) * MSER_BATCH


def _is_meant_to_be_steady(experiment: Experiment, treatment: Treatment, trials: Sequence[TrialData]) -> bool:
    is_constant = experiment.arrivals.ramp is None and experiment.arrivals.spike is None
    return is_constant and not treatment.breaks and not any(trial.record.faults for trial in trials)


def _judged(found: Drift, measure_s: float) -> tuple[Answer, str]:
    if found.is_found:
        when = "over the measure phase" if found.split is None else f"after {found.split / BATCHES * measure_s:.1f} s of the measure phase"
        return Answer.NOT_STEADY, f"the typical service time {_said(found.change)} {when}"
    if found.noticeable > LEAST_NOTICEABLE:
        return Answer.UNTOLD, f"it varies so much that a change by {found.noticeable * PERCENT:.0f} % may go unnoticed"
    return Answer.STEADY, f"no change of the typical service time by more than {math.expm1(FLOOR) * PERCENT:.0f} % over the measure phase"


def _said(change: float) -> str:
    if change > 1:
        return f"rose to {1 + change:.3g} times its level"
    return f"{'rose' if change > 0 else 'fell'} by {abs(change) * PERCENT:.0f} %"


def _too_few(count: int) -> str:
    return f"{count} answered requests in the measure phase are fewer than {MIN_REQUESTS}"


def _reached_s(trial: Latencies, answer: Answer) -> float | None:
    """When steady state began: no later than the measure phase if that is steady, else at a cut after which the rest of it is."""
    if answer is Answer.UNTOLD:
        return None
    cut = _counted_cut(trial.log_ms)
    cut_s = float(trial.at_s[cut])
    if answer is Answer.STEADY:
        return min(cut_s, trial.measure.start_s)
    rest = trial.log_ms[cut:]
    if cut_s < trial.measure.start_s or len(rest) < MIN_REQUESTS:
        return None
    remaining, _ = _judged(drift(batch_medians(rest)[np.newaxis]), trial.measure.end_s - cut_s)
    return cut_s if remaining is Answer.STEADY else None


def _counted_cut(values: NDArray[np.float64]) -> int:
    cut = mser(values)
    if cut and abs(float(np.median(values[cut:]) - np.median(values[:cut]))) > FLOOR:
        return cut
    return 0
