"""The order in which trials are run, and what a run will cost: minutes, ports, memory.

Pure. The same experiment and seed give the same plan, on any machine.
"""

from __future__ import annotations

import math
import random
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

from experiments.definition import Experiment, Operation, changed
from experiments.errors import DefinitionError
from experiments.records.schema import PlannedTrial
from infra.topology import ANY_FREE_PORT, Topology

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

SERVER_MEMORY_MIB = 270
"""Three databases, broker, gateway and supervisor, idle (measured)."""
CACHE_MEMORY_MIB = 10
"""Redis, idle (measured)."""
REPLICA_MEMORY_MIB = 75
"""One service replica or worker under load (measured)."""
GENERATOR_MEMORY_MIB = 280
"""Load generator and the lab itself (measured)."""


@dataclass(frozen=True)
class Estimate:
    """What it will take to run experiments, before anything is started."""

    duration_s: float
    memory_mib: int
    """Of the largest treatment, with the load generator."""
    processes: int
    """Nodes of the largest treatment."""

    @property
    def minutes(self) -> float:
        """The duration in minutes."""
        return self.duration_s / 60


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


def estimate(experiments: Sequence[Experiment]) -> Estimate:
    """What running ``experiments`` one after the other will take."""
    topologies = [experiment.topology_of(treatment) for experiment in experiments for treatment in experiment.treatments]
    from_nothing = 1 + sum(_starts_from_nothing(before, after) for before, after in pairwise(experiments))
    return Estimate(
        duration_s=from_nothing * (BRING_UP_S + TEAR_DOWN_S) + sum(map(_run_s, experiments)),
        memory_mib=max(map(_memory_mib, topologies)),
        processes=max(map(_processes, topologies)),
    )


def fit(experiments: Sequence[Experiment], budget_minutes: float) -> tuple[Experiment, ...]:
    """The experiments with as many trials as the budget allows, at most those they ask for.

    Raises:
        DefinitionError: not even one trial of each treatment fits.
    """
    for most in range(max(experiment.trials for experiment in experiments), 0, -1):
        capped = tuple(changed(experiment, trials=min(most, experiment.trials)) for experiment in experiments)
        minutes = estimate(capped).minutes
        if minutes <= budget_minutes:
            return capped
    raise DefinitionError(
        f"--budget {budget_minutes:g} is too short for one trial of each treatment; "
        f"allow {math.ceil(minutes * 10) / 10:g} minutes or name fewer experiments"
    )


def on_free_ports(experiment: Experiment) -> Experiment:
    """The experiment with gateway and management page on free ports instead of their defaults, which a user's own lab may hold."""
    reference, asked = Topology(), experiment.topology
    free = {
        path: ANY_FREE_PORT
        for path, port, default in (
            ("gateway.port", asked.gateway.port, reference.gateway.port),
            ("broker.management_port", asked.broker.management_port, reference.broker.management_port),
        )
        if port == default
    }
    return experiment.model_copy(update={"topology": asked.override(free)})


def _run_s(experiment: Experiment) -> float:
    order = [experiment.topology_of(experiment.treatment(trial.treatment)) for trial in plan(experiment)]
    switches = sum(before != after for before, after in pairwise(order))
    return len(order) * (experiment.phases.total_s + TRIAL_OVERHEAD_S) + switches * SWITCH_S


def _starts_from_nothing(before: Experiment, after: Experiment) -> bool:
    """The one before left enrolments behind, or other data than the one after needs."""
    return bool(before.mix.get(Operation.ENROLL)) or (before.dataset, before.seed) != (after.dataset, after.seed)


def _replicas(topology: Topology) -> int:
    return topology.worker.replicas + sum(service.replicas for service in topology.services().values())


def _memory_mib(topology: Topology) -> int:
    cache = CACHE_MEMORY_MIB + topology.cache.memory_mib if topology.cache.enabled else 0
    return SERVER_MEMORY_MIB + cache + REPLICA_MEMORY_MIB * _replicas(topology) + GENERATOR_MEMORY_MIB


def _processes(topology: Topology) -> int:
    databases_broker_gateway = len(topology.services()) + 2
    return databases_broker_gateway + int(topology.cache.enabled) + _replicas(topology)
