"""False and true verdicts on "at least 99.9 % of requests succeed" where failures come in clusters, today and with the median before."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from reports.analysis.estimates import Observation, Unmeasured, estimate
from reports.analysis.pooled import Counts, pooled_share
from reports.analysis.power import LEVEL
from reports.verdicts.pooled import tested_share
from tests.simulations.tables import Table, percent

TRIALS = (5, 10, 20, 36, 40, 50)
REQUESTS = 5000
"""Of a trial."""
MOST_LOST = 0.001
SEED = 1

Draw = Callable[[np.random.Generator, int], NDArray[np.float64]]
"""The probability with which a request of each trial is lost."""


@dataclass(frozen=True)
class Scenario:
    """How trials lose requests; ``is_fine`` says whether the claim is true of it."""

    title: str
    draw: Draw
    is_fine: bool


def _rarely(probability: float, lost: float, otherwise: float = 0.0) -> Draw:
    return lambda rng, trials: np.where(rng.random(trials) < probability, lost, otherwise)


def _always(lost: float) -> Draw:
    return lambda _rng, trials: np.full(trials, lost)


SCENARIOS = (
    Scenario("2 % with probability 0.2", _rarely(0.2, 0.02), is_fine=False),
    Scenario("2 % with probability 0.1", _rarely(0.1, 0.02), is_fine=False),
    Scenario("2 % with probability 0.2, else 0.01 %", _rarely(0.2, 0.02, 0.0001), is_fine=False),
    Scenario("1 % with probability 0.11", _rarely(0.11, 0.01), is_fine=False),
    Scenario("2 % with probability 0.06: worse than assumed", _rarely(0.06, 0.02), is_fine=False),
    Scenario("0.15 % in every trial", _always(0.0015), is_fine=False),
    Scenario("0.3 % in every trial", _always(0.003), is_fine=False),
    Scenario("0.09 %: 0.15 % with probability 0.6", _rarely(0.6, 0.0015), is_fine=True),
    Scenario("0.01 % in every trial", _always(0.0001), is_fine=True),
    Scenario("none", _always(0.0), is_fine=True),
)


def simulate(experiments: int) -> Table:
    """Confirmed and refuted, % of the experiments, by scenario, method and number of trials."""
    return Table(
        title=f"“At least 99.9 % succeed”: confirmed / refuted, % of {experiments:,} experiments with {REQUESTS:,} requests a trial",
        header=("a trial loses", "the claim", "judged by", *(f"n={trials}" for trials in TRIALS)),
        rows=tuple(
            (
                scenario.title,
                "is true" if scenario.is_fine else "is false",
                method,
                *(_shares(scenario.draw, judge, experiments, trials) for trials in TRIALS),
            )
            for scenario in SCENARIOS
            for method, judge in (("median", _by_median), ("share", _by_share))
        ),
        note="A false claim that is confirmed, or a true one that is refuted, is wrong; the level is 5 %. The share assumes that no trial "
        "loses more than 1 %, ten times what is claimed, or more than the worst trial that was seen.",
    )


def _shares(draw: Draw, judge: Callable[[list[Counts]], tuple[bool, bool]], experiments: int, trials: int) -> str:
    rng = np.random.default_rng((SEED, trials))
    verdicts = [judge([Counts(int(lost), REQUESTS) for lost in rng.binomial(REQUESTS, draw(rng, trials))]) for _ in range(experiments)]
    return " / ".join(percent([verdict[place] for verdict in verdicts]) for place in (0, 1))


def _by_median(trials: list[Counts]) -> tuple[bool, bool]:
    """By the interval of the median over trials, as claims on shares were judged before."""
    found = estimate([Observation.exact(1 - trial.share) for trial in trials])
    if isinstance(found, Unmeasured):
        return False, False
    return found.low >= 1 - MOST_LOST, found.high < 1 - MOST_LOST


def _by_share(trials: list[Counts]) -> tuple[bool, bool]:
    share = pooled_share(trials, MOST_LOST)
    if share is None:
        return False, False
    tested = tested_share(share, None, MOST_LOST)
    return tested.confirms <= LEVEL, tested.refutes <= LEVEL
