"""The order in which the trials of an open-loop experiment are run, and how long each takes.

Pure. The same experiment and seed give the same plan, on any machine.
"""

from __future__ import annotations

import random
from itertools import pairwise

from experiments.definition import Experiment
from experiments.orders import balanced_orders
from experiments.records.schema import PlannedTrial
from experiments.resets import restarts_replicas
from infra.topology import Topology

SEED_BITS = 53
"""Trial seeds stay exact as JSON numbers in every language."""

BRING_UP_S = 20.0
"""From nothing to a seeded deployment (measured on two cores): all is ready in 13-18 s, 1,200 rows take 3-4 s."""
TEAR_DOWN_S = 2.0
"""Removing a deployment (measured)."""
SWITCH_S = 2.0
"""Changing the deployment from one treatment into another: replicas start or stop (measured)."""
RESTART_S = 0.5
"""Restarting one service replica or worker, while the others are restarted too: 1.7 s for four, 4.4 s for eight (measured on two cores)."""
TRIAL_OVERHEAD_S = 3.5
"""A trial beyond its load: start of the load generator, settling and the final read (measured)."""
FILL_S = 0.5
"""Reading some 900 entries through the gateway, so that a trial begins with a cache in its steady state (measured); the load generator gets
ready meanwhile."""

LEAST_REPEATS = 2
"""Trials that any run may repeat."""
PLANNED_PER_REPEAT = 4
"""A run that would have to repeat more than one trial in so many has another problem than chance."""


def plan(experiment: Experiment) -> tuple[PlannedTrial, ...]:
    """Every trial in the order in which it is run.

    Each block holds every treatment once, so that drift of the machine falls on all treatments alike; all treatments of a block
    share a seed and so get the same load. The orders within the blocks are balanced for place and predecessor. The blocks of a
    bring-up follow each other, and no bring-up has more than one block more than another.
    """
    rng = random.Random(f"{experiment.name}/{experiment.seed}")  # noqa: S311 - reproducible on purpose, nothing secret
    orders = balanced_orders([treatment.name for treatment in experiment.treatments], rng)
    trials: list[PlannedTrial] = []
    for block, order in zip(range(experiment.trials), orders, strict=False):
        seed, bring_up = rng.getrandbits(SEED_BITS), block * experiment.bring_ups // experiment.trials
        trials += [
            PlannedTrial(position=len(trials) + at, block=block, treatment=name, seed=seed, bring_up=bring_up)
            for at, name in enumerate(order)
        ]
    return tuple(trials)


def most_repeats(experiment: Experiment) -> int:
    """How many trials a run of the experiment may repeat because they were invalid."""
    return max(LEAST_REPEATS, experiment.trials * len(experiment.treatments) // PLANNED_PER_REPEAT)


def portion_of(experiment: Experiment, trial: PlannedTrial) -> int:
    """Which portion of the students a trial has: its place in the plan; for a repeat that of the trial that it repeats."""
    return next(planned.position for planned in plan(experiment) if (planned.block, planned.treatment) == (trial.block, trial.treatment))


def trial_durations_s(experiment: Experiment) -> tuple[float, ...]:
    """How long each trial of the plan takes, s, with the further bring-ups; the deployment of the first trial is up."""
    topologies = {treatment.name: experiment.topology_of(treatment) for treatment in experiment.treatments}
    restart_s = RESTART_S * restarts_replicas(experiment)

    def before_s(last: PlannedTrial | None, trial: PlannedTrial) -> float:
        after = topologies[trial.treatment]
        if last is None or trial.bring_up != last.bring_up:
            fresh_s = 0.0 if last is None else TEAR_DOWN_S + BRING_UP_S
            return fresh_s + restart_s * replicas(after)  # which have served the seeding
        before = topologies[last.treatment]
        kept = min(replicas(before), replicas(after))  # by a switch, which has just started any others
        return SWITCH_S * (before != after) + restart_s * kept

    trial_s = _once_s(experiment)
    return tuple(before_s(last, trial) + trial_s for last, trial in pairwise((None, *plan(experiment))) if trial is not None)


def repeat_duration_s(experiment: Experiment) -> float:
    """How long it takes at most to run a trial once more in its bring-up, s."""
    once_s = _once_s(experiment)
    if not restarts_replicas(experiment):
        return once_s
    return once_s + SWITCH_S + RESTART_S * max(replicas(experiment.topology_of(treatment)) for treatment in experiment.treatments)


def _once_s(experiment: Experiment) -> float:
    return experiment.phases.total_s + TRIAL_OVERHEAD_S + FILL_S * (experiment.cache_start == "steady")


def replicas(topology: Topology) -> int:
    """Service replicas and workers of a topology."""
    return topology.worker.replicas + sum(service.replicas for service in topology.services().values())
