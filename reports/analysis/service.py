"""Service as its objective has it: how much of it was given, second by second, and what was lost.

A request is *served* if its right answer was there within the objective's response time, counted from when it was due. The quality of
service Q(t) of a second is the served share of the requests that were due in it, so that a stall counts for as long as it lasted even
if every request was answered in the end. *Lost service seconds* are the integral of 1 - Q(t) over the measure phase: the area of the
resilience triangle of Bruneau et al., "A Framework to Quantitatively Assess and Enhance the Seismic Resilience of Communities",
Earthquake Spectra 19(4), 2003; 2 s without any service and 20 s with a tenth of it missing are the same loss.

The *error budget* is what an objective of less than all allows to fail (Beyer et al., "Site Reliability Engineering", chapter 3): 0.1 %
of the requests for 99.9 %. Requests that the load generator never recorded were not served.
"""

from __future__ import annotations

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from experiments.definition import Objective
from reports.analysis.estimates import Observation, Unmeasured
from reports.analysis.pooled import Counts
from reports.loading import TrialData, Window

BIN_S = 1.0
THRESHOLDS_PERCENT = tuple(range(0, 100, 10))
"""Shares of what is normal below which seconds are counted; at 0 those in which nothing at all was served."""
NOTHING_DUE = Unmeasured("no request was due in the measure phase")
PERCENT = 100
ROUNDING = 1e-9
"""Slack, so that nine of ten requests are not less than 90 %."""


def served(requests: pd.DataFrame, objective: Objective) -> NDArray[np.bool_]:
    """Whether each request was answered right and in time."""
    in_time = requests["response_ms"].to_numpy(dtype=np.float64) <= objective.response_ms
    return np.asarray(requests["ok"].to_numpy(dtype=bool) & in_time)


def due(trial: TrialData) -> int:
    """Arrivals that the measure phase should have had: recorded ones, and any that the load generator never recorded."""
    return len(trial.measured) + max(0, trial.record.offered - len(trial.requests))


def not_served(trial: TrialData) -> Counts | Unmeasured:
    """Arrivals of the measure phase that were not served, of all."""
    arrivals = due(trial)
    return Counts(arrivals - int(served(trial.measured, trial.objective).sum()), arrivals) if arrivals else NOTHING_DUE


def objective_met(trial: TrialData) -> Observation | Unmeasured:
    """Share of the measure phase's arrivals that were served."""
    missed = not_served(trial)
    return missed if isinstance(missed, Unmeasured) else Observation.exact(1 - missed.share)


def error_budget_spent(trial: TrialData) -> Observation | Unmeasured:
    """Share of the failures that the objective allows in the measure phase; above 1 it was missed."""
    met = objective_met(trial)
    return met if isinstance(met, Unmeasured) else Observation.exact((1 - met.low) / (1 - trial.objective.availability))


def quality(trial: TrialData, window: Window) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """The served share of each second of a window and the second's length, which is shorter at the end; NaN where none was due."""
    edges = np.append(np.arange(window.start_s, window.end_s, BIN_S), window.end_s)
    intended_s = trial.requests["intended_s"].to_numpy(dtype=np.float64)
    inside = (intended_s >= window.start_s) & (intended_s < window.end_s)
    arrivals = np.histogram(intended_s[inside], bins=edges)[0]
    given = np.histogram(intended_s[inside & served(trial.requests, trial.objective)], bins=edges)[0]
    return np.where(arrivals > 0, given / np.maximum(arrivals, 1), np.nan), np.diff(edges)


def lost_service_s(trial: TrialData) -> Observation | Unmeasured:
    """Seconds of service that the measure phase lost; where nobody asked, nothing was lost."""
    shares, lengths_s = quality(trial, trial.measure)
    return Observation.exact(np.nansum((1 - shares) * lengths_s)) if not np.isnan(shares).all() else NOTHING_DUE


def seconds_below(trial: TrialData, normal: float) -> dict[int, float]:
    """Seconds of the measure phase whose served share was below each threshold of ``normal``; at 0 those in which nothing was served."""
    shares, lengths_s = quality(trial, trial.measure)
    relative = shares / normal if normal else np.full_like(shares, np.nan)
    nothing = float(lengths_s[shares == 0].sum())
    return {
        percent: float(lengths_s[relative < percent / PERCENT - ROUNDING].sum()) if percent else nothing for percent in THRESHOLDS_PERCENT
    }
