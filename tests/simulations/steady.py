"""What the steady-state test says of trials and treatments with planted shapes."""

from __future__ import annotations

from collections import Counter

import numpy as np

from reports.analysis.steady import Answer, steadiness
from tests.simulations.steady_shapes import STEADY, UNSTEADY, draw

TITLE = "Steady state: planted shapes"
TREATMENTS = 200
"""Of each shape, of five trials each."""
TRIALS = 5
SEED = 11


def run() -> str:
    """A table: of each shape the share of trials, and of treatments of five, that is called steady and not steady, or can't be told."""
    lines = [f"{'':40}{f'{TREATMENTS * TRIALS:,} trials':^42}{f'{TREATMENTS} treatments of {TRIALS}':^42}"]
    lines.append(f"{'planted':40}{''.join(f'{answer:>14}' for answer in [*Answer, *Answer])}")
    for number, (name, shape) in enumerate({**STEADY, **UNSTEADY}.items()):
        rng = np.random.default_rng([SEED, number])
        treatments = [steadiness([draw(rng, shape) for _ in range(TRIALS)]) for _ in range(TREATMENTS)]
        of_trials = Counter(trial.answer for treatment in treatments for trial in treatment.trials)
        of_treatments = Counter(treatment.answer for treatment in treatments)
        shares = [found[answer] / found.total() for found in (of_trials, of_treatments) for answer in Answer]
        lines.append(f"{name:40}{''.join(f'{share:14.1%}' for share in shares)}")
    return "\n".join(lines)
