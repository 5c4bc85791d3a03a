"""A share of requests over all trials together: a ratio of sums, with an interval that takes each trial as one draw.

Failures come in clusters: a trial that goes wrong loses many requests at once, so a thousand requests of one trial say little about the
next trial. The unit is therefore the trial, as everywhere. Each trial's events are divided by the mean number of requests of a trial;
the mean of these shares over trials is the ratio of the sums.

Method. Where no trial can have a share above a ceiling, the upper bound of the mean is the quantile of D_1 x_1 + ... + D_n x_n + D_(n+1)
ceiling, where the weights D are distributed uniformly over all that add up to 1: the sample is taken with one more trial that is as bad
as can be. The lower bound takes one more trial with a share of 0. Gaffke, "Three test statistics for a nonparametric one-sided hypothesis
on the mean of a nonnegative variable", Mathematical Methods of Statistics 14(4), 2005; Learned-Miller & Thomas, "A New Confidence
Interval for the Mean of a Bounded Random Variable", arXiv:1905.06208, 2019. Nothing but the ceiling is assumed of the distribution. Where
each trial has either none or the most, it is the exact binomial interval of Clopper & Pearson (1934): n clean trials leave a share of
bad trials of up to 1 - 0.025**(1/n), and an interval that has no width at zero events doesn't exist. ``python -m tests.simulations
availability`` has false verdicts and power.

The ceiling is the one assumption, and no number of clean trials can replace it: a tenth of all trials, unseen, can lose everything.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy import optimize

UNSEEN_TIMES = 10
"""The ceiling of the share of one trial, as a multiple of the share that is claimed: a trial may be ten times as bad as all trials may be
together. With it 36 clean trials confirm a claim."""


@dataclass(frozen=True)
class Counts:
    """Requests of one trial that something happened to, of how many."""

    events: int
    of: int

    @property
    def share(self) -> float:
        """Events as a share of the requests, of which there must be one."""
        return self.events / self.of


@dataclass(frozen=True)
class PooledShare:
    """The events of all trials as a share of their requests."""

    shares: tuple[float, ...]
    """Each trial's events, divided by the mean number of requests of a trial."""
    ceiling: float
    """The largest share that any trial is taken to have, seen or unseen."""
    events: int
    of: int

    @property
    def trials(self) -> int:
        """Trials that it rests on."""
        return len(self.shares)

    @property
    def value(self) -> float:
        """The ratio of the sums."""
        return self.events / self.of

    def low(self, tail: float) -> float:
        """The lower bound, which the true share falls short of with at most this probability."""
        return _quantile((0.0, *self.shares), tail)

    def high(self, tail: float) -> float:
        """The upper bound, which the true share exceeds with at most this probability."""
        return _quantile((*self.shares, self.ceiling), 1 - tail)

    def p_at_most(self, bound: float) -> float:
        """The smallest tail with which the upper bound is at most this: a small one speaks for a share of at most the bound."""
        return above_probability((*self.shares, self.ceiling), bound)

    def p_at_least(self, bound: float) -> float:
        """The smallest tail with which the lower bound is at least this."""
        return 1 - above_probability((0.0, *self.shares), bound)


def pooled_share(trials: Sequence[Counts], claimed: float) -> PooledShare | None:
    """The share over trials, with the ceiling that goes with a claimed share; None without trials, or where one of them had no requests.

    With a claimed share of 0 the ceiling is 1: any lower one would assume a part of what is claimed.
    """
    if not trials or not all(trial.of for trial in trials):
        return None
    mean = sum(trial.of for trial in trials) / len(trials)
    shares = tuple(trial.events / mean for trial in trials)
    ceiling = min(1.0, UNSEEN_TIMES * claimed) if claimed > 0 else 1.0
    return PooledShare(shares, max(ceiling, *shares), sum(trial.events for trial in trials), sum(trial.of for trial in trials))


def above_probability(values: Sequence[float], bound: float) -> float:
    """Probability that a mean of the values exceeds the bound, where its weights are distributed uniformly over all that add up to 1.

    The density of such a mean is a B-spline whose knots are the values (Curry & Schoenberg, "On Pólya frequency functions IV", Journal
    d'Analyse Mathématique 17, 1966), and this is de Boor's recursion for its integral. Each step mixes two probabilities, so that
    repeated values do no harm; scipy's ``BSpline.antiderivative`` divides by zero at them.
    """
    knots = np.sort(np.asarray(values, dtype=np.float64))
    found = (knots > bound).astype(np.float64)
    for width in range(1, len(knots)):
        first, last = knots[:-width], knots[width:]
        straddles = (first <= bound) & (bound < last)
        length = np.where(straddles, last - first, 1.0)
        mixed = ((last - bound) * found[1:] + (bound - first) * found[:-1]) / length
        found = np.where(straddles, mixed, (first > bound).astype(np.float64))
    return float(found[0])


def _quantile(values: Sequence[float], probability: float) -> float:
    least, most = min(values), max(values)
    if least == most:
        return least
    return float(optimize.brentq(lambda bound: 1 - above_probability(values, bound) - probability, least, most, xtol=1e-12))
