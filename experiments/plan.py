"""The order in which the trials of an open-loop experiment are run, and how long each takes.

Pure. The same experiment and seed give the same plan, on any machine.
"""

from __future__ import annotations

import random
from collections.abc import Sequence
from itertools import pairwise

from experiments.definition import Experiment
from experiments.records.schema import PlannedTrial

SEED_BITS = 53
"""Trial seeds stay exact as JSON numbers in every language."""

BRING_UP_S = 20.0
"""From nothing to a seeded deployment (measured on two cores): all is ready in 13-18 s, 1,200 rows take 3-4 s."""
TEAR_DOWN_S = 2.0
"""Removing a deployment (measured)."""
SWITCH_S = 3.0
"""Changing the deployment from one treatment into another: replicas start or stop (measured)."""
TRIAL_OVERHEAD_S = 3.5
"""A trial beyond its load: start of the load generator, settling and the final read (measured)."""
FILL_S = 1.5
"""Reading some 900 entries through the gateway, so that a trial begins with a cache in its steady state (measured)."""


def plan(experiment: Experiment) -> tuple[PlannedTrial, ...]:
    """Every trial in the order in which it is run.

    Each block holds every treatment once, in random order, so that drift of the machine falls on all treatments alike; all
    treatments of a block share a seed and so get the same load. The orders are rows of random Latin squares: chance alone would
    often put one treatment first in nearly every block, and then what comes first would be measured too.
    """
    rng = random.Random(f"{experiment.name}/{experiment.seed}")  # noqa: S311 - reproducible on purpose, nothing secret
    names = [treatment.name for treatment in experiment.treatments]
    trials: list[PlannedTrial] = []
    square: list[list[str]] = []
    for block in range(experiment.trials):
        square = square or _latin_square(names, rng)
        seed = rng.getrandbits(SEED_BITS)
        trials += [PlannedTrial(position=len(trials) + at, block=block, treatment=name, seed=seed) for at, name in enumerate(square.pop())]
    return tuple(trials)


def _latin_square(names: Sequence[str], rng: random.Random) -> list[list[str]]:
    """As many orders as names, in which each name stands once in each place."""
    first = list(names)
    rng.shuffle(first)
    rows = [first[at:] + first[:at] for at in range(len(first))]
    rng.shuffle(rows)
    return rows


def trial_durations_s(experiment: Experiment) -> tuple[float, ...]:
    """How long each trial of the plan takes on a deployment that is up, s."""
    topologies = [experiment.topology_of(experiment.treatment(trial.treatment)) for trial in plan(experiment)]
    changes = [False, *(before != after for before, after in pairwise(topologies))]
    each_s = experiment.phases.total_s + TRIAL_OVERHEAD_S + FILL_S * (experiment.cache_start == "steady")
    return tuple(each_s + SWITCH_S * change for change in changes)
