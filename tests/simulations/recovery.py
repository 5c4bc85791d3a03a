"""Claims that clients are served as before within 2 s of a fault, on trials whose recovery is known.

Each experiment has a trial with a fault and its control in every block. A response time is lognormal; its scale differs from trial to
trial and from second to second. ``QUIET`` and ``BUSY`` are how far control trials of the quick suite differed on a machine of two
cores, with nothing else on it and with other work.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from reports.analysis.estimates import Unmeasured, estimate
from reports.analysis.recovery import Course, recovery
from reports.analysis.seconds import Traffic
from reports.loading import Window
from reports.verdicts.finding import Outcome
from tests.simulations.tables import Table

CLAIMED_S = 2.0
BAND = 1.5
MEASURE_S, FAULT_S, FAULT_LASTS_S = 2.0, 5.2, 3.0
TYPICAL_MS = 3.0
SEED = 20_261_129


@dataclass(frozen=True)
class Noise:
    """Standard deviations of the logarithm of a response time."""

    name: str
    request: float
    trial: float
    second: float


@dataclass(frozen=True)
class Truth:
    """What happens to clients from the fault on."""

    name: str
    times_slower: float = 1.0
    lasts_s: float = np.inf
    failing: float = 0.0
    """Share of the requests that fail in every trial, without regard to the fault."""


@dataclass(frozen=True)
class Shape:
    """An experiment's size."""

    end_s: float
    rate_per_s: int
    trials: int


QUIET, BUSY = Noise("quiet", request=0.38, trial=0.05, second=0.06), Noise("busy", request=0.6, trial=0.1, second=0.1)
NOISES = (QUIET, BUSY)
TRUTHS = (
    Truth("no effect"),
    Truth("0.1 % fail", failing=0.001),
    *(Truth(f"{times:g}x for ever", times) for times in (1.3, 1.6, 1.9, 2.2)),
    Truth("5x for 1 s", 5.0, 1.0),
    Truth("5x for 4 s", 5.0, 4.0),
)
SHAPES = (
    *(Shape(end_s, rate_per_s, 5) for end_s in (11.0, 17.2) for rate_per_s in (100, 250)),
    Shape(11.0, 100, 8),
)
"""The load ends 2.8 s after the heal, or 9 s."""


def simulate(experiments: int) -> Table:
    """What is said of the claim, in percent of the experiments."""
    return Table(
        title=f"Served as before within {CLAIMED_S:g} s: confirmed / refuted / inconclusive, % of {experiments:,} experiments each",
        header=("noise", "load", "requests/s", "trials", *(truth.name for truth in TRUTHS)),
        rows=tuple(
            (
                noise.name,
                f"{shape.end_s:g} s",
                str(shape.rate_per_s),
                str(shape.trials),
                *(_shares(outcomes(experiments, noise, shape, truth)) for truth in TRUTHS),
            )
            for noise in NOISES
            for shape in SHAPES
        ),
        note=f"The fault begins at {FAULT_S:g} s and lasts {FAULT_LASTS_S:g} s; as before is within {BAND:g}x of the control trial.",
    )


def outcomes(experiments: int, noise: Noise, shape: Shape, truth: Truth) -> Counter[Outcome]:
    """What is said of the claim; the same traffic for each truth, so that they differ in nothing else."""
    rng = np.random.default_rng([SEED, shape.rate_per_s, round(shape.end_s), shape.trials])
    return Counter(_claim(rng, noise, shape, truth) for _ in range(experiments))


def _claim(rng: np.random.Generator, noise: Noise, shape: Shape, truth: Truth) -> Outcome:
    """As of a claim that is the only one of its run, which is judged by its interval."""
    found = estimate([recovery(_course(rng, noise, shape, truth)) for _ in range(shape.trials)])
    if isinstance(found, Unmeasured) or found.low <= CLAIMED_S < found.high:
        return Outcome.INCONCLUSIVE
    return Outcome.CONFIRMED if found.high <= CLAIMED_S else Outcome.REFUTED


def _course(rng: np.random.Generator, noise: Noise, shape: Shape, truth: Truth) -> Course:
    due_s = np.sort(rng.uniform(0, shape.end_s, rng.poisson(shape.rate_per_s * shape.end_s)))
    own_ms, control_ms = (_response_ms(rng, due_s, noise, truth.failing) for _ in range(2))
    own = Traffic(due_s, np.where((due_s >= FAULT_S) & (due_s < FAULT_S + truth.lasts_s), truth.times_slower * own_ms, own_ms))
    measured = Window(MEASURE_S, shape.end_s)
    return Course(
        window=Window(FAULT_S, shape.end_s),
        own=own,
        before=own.within(Window(MEASURE_S, FAULT_S)),
        control=Traffic(due_s, control_ms).within(measured),
        band=BAND,
    )


def _response_ms(rng: np.random.Generator, due_s: NDArray[np.float64], noise: Noise, failing: float) -> NDArray[np.float64]:
    by_second = rng.normal(0, noise.second, int(due_s[-1]) + 1)
    scale = rng.normal(0, noise.trial) + by_second[due_s.astype(np.intp)]
    response_ms = TYPICAL_MS * np.exp(scale + rng.normal(0, noise.request, due_s.size))
    return np.where(rng.random(due_s.size) < failing, np.inf, response_ms)


def _shares(found: Counter[Outcome]) -> str:
    return " / ".join(
        f"{100 * found[outcome] / found.total():.3g}" for outcome in (Outcome.CONFIRMED, Outcome.REFUTED, Outcome.INCONCLUSIVE)
    )
