"""What the steady-state test says of trials, and of treatments of five, with planted shapes."""

from __future__ import annotations

from collections import Counter

import numpy as np

from reports.analysis.steady import Answer, steadiness
from tests.simulations.steady_shapes import STEADY, UNSTEADY, Shape, draw
from tests.simulations.tables import Table

TRIALS = 5
EXPERIMENTS_PER_TREATMENT = 10
"""A treatment is five trials of up to 3,000 requests each, which takes ten times as long as an experiment of the other simulations."""
SEED = 11


def simulate(experiments: int) -> Table:
    """Of each shape the share of trials, and of treatments, that is called steady or not steady, or can't be told."""
    treatments = max(1, experiments // EXPERIMENTS_PER_TREATMENT)
    return Table(
        title=f"Steady state, % of {treatments * TRIALS:,} trials and of {treatments:,} treatments of {TRIALS}",
        header=("planted", *(f"{what}: {answer}" for what in ("trials", "treatments") for answer in Answer)),
        rows=tuple(
            (name, *_shares(np.random.default_rng([SEED, number]), shape, treatments))
            for number, (name, shape) in enumerate({**STEADY, **UNSTEADY}.items())
        ),
        note=f"The first {len(STEADY)} shapes are steady. 500 to 3,000 requests in 5 to 10 s, whose logarithms vary by 0.5.",
    )


def _shares(rng: np.random.Generator, shape: Shape, treatments: int) -> tuple[str, ...]:
    found = [steadiness([draw(rng, shape) for _ in range(TRIALS)]) for _ in range(treatments)]
    of_trials = Counter(trial.answer for treatment in found for trial in treatment.trials)
    of_treatments = Counter(treatment.answer for treatment in found)
    return tuple(f"{100 * counts[answer] / counts.total():.1f}" for counts in (of_trials, of_treatments) for answer in Answer)
