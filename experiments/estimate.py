"""What running experiments will take, before anything is started: minutes, memory, nodes, ports."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import TypeVar

from experiments.capacity.plan import measurement_durations_s
from experiments.definition import WRITES, AnyExperiment, BaseExperiment, CapacityExperiment, Experiment, changed
from experiments.definition.capacity import DEPLOYED
from experiments.errors import DefinitionError
from experiments.plan import BRING_UP_S, TEAR_DOWN_S, replicas, trial_durations_s
from infra.topology import ANY_FREE_PORT, Topology

_Kind = TypeVar("_Kind", bound=BaseExperiment)

SERVER_MEMORY_MIB = 270
"""Three databases, broker, gateway and supervisor, idle (measured)."""
CACHE_MEMORY_MIB = 10
"""Redis, idle (measured)."""
REPLICA_MEMORY_MIB = 75
"""One service replica or worker under load (measured)."""
GENERATOR_MEMORY_MIB = 280
"""Load generator and the lab itself (measured)."""
CAPACITY_LAB_MEMORY_MIB = 180
"""wrk, the hello and the lab itself (measured)."""


@dataclass(frozen=True)
class Estimate:
    """What it will take to run experiments, before anything is started."""

    duration_s: float
    memory_mib: int
    """Of all that is up at the same time at most, with the load generator."""
    processes: int
    """Nodes that are up at the same time at most."""

    @property
    def minutes(self) -> float:
        """The duration in minutes."""
        return self.duration_s / 60


def step_durations_s(experiment: AnyExperiment) -> tuple[float, ...]:
    """How long each trial or measurement takes once all is up, in the order of the plan, with any further bring-ups, s."""
    return trial_durations_s(experiment) if isinstance(experiment, Experiment) else measurement_durations_s(experiment)


def estimate(experiments: Sequence[AnyExperiment]) -> Estimate:
    """What running ``experiments`` one after the other will take."""
    bring_ups = sum(_bring_ups(before, after) for before, after in pairwise([None, *experiments]) if after is not None)
    return Estimate(
        duration_s=bring_ups * (BRING_UP_S + TEAR_DOWN_S) + sum(sum(step_durations_s(item)) for item in experiments),
        memory_mib=max(map(_memory_mib, experiments)),
        processes=max(map(_processes, experiments)),
    )


def fit(experiments: Sequence[AnyExperiment], budget_minutes: float) -> tuple[AnyExperiment, ...]:
    """The experiments with as many trials as the budget allows, at most those they ask for.

    Raises:
        DefinitionError: not even one trial of each treatment fits.
    """
    for most in range(max(experiment.trials for experiment in experiments), 0, -1):
        capped = tuple(_capped(experiment, most) for experiment in experiments)
        minutes = estimate(capped).minutes
        if minutes <= budget_minutes:
            return capped
    raise DefinitionError(
        f"--budget {budget_minutes:g} is too short for one trial of each treatment; "
        f"allow {math.ceil(minutes * 10) / 10:g} minutes or name fewer experiments"
    )


def _capped(experiment: AnyExperiment, most: int) -> AnyExperiment:
    """The experiment with at most so many trials, and no more bring-ups than trials."""
    trials = min(most, experiment.trials)
    bring_ups = min(trials, experiment.bring_ups) if isinstance(experiment, Experiment) else None
    return changed(experiment, trials=trials, bring_ups=bring_ups)


def on_free_ports(experiment: _Kind) -> _Kind:
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


def _bring_ups(before: AnyExperiment | None, after: AnyExperiment) -> int:
    """Deployments that have to be made for an experiment before its first trial or measurement."""
    if isinstance(after, CapacityExperiment):
        return len(DEPLOYED)
    return int(not isinstance(before, Experiment) or _starts_from_nothing(before, after))


def _starts_from_nothing(before: Experiment, after: Experiment) -> bool:
    """The one before wrote, has other data than the one after needs, or the one after wants fresh deployments only."""
    return after.bring_ups > 1 or not WRITES.isdisjoint(before.operations) or (before.dataset, before.seed) != (after.dataset, after.seed)


def _memory_mib(experiment: AnyExperiment) -> int:
    if isinstance(experiment, CapacityExperiment):
        return sum(_deployment_memory_mib(experiment.topology_of(side, cache=True)) for side in DEPLOYED) + CAPACITY_LAB_MEMORY_MIB
    largest = max(_deployment_memory_mib(experiment.topology_of(treatment)) for treatment in experiment.treatments)
    return largest + GENERATOR_MEMORY_MIB


def _processes(experiment: AnyExperiment) -> int:
    if isinstance(experiment, CapacityExperiment):
        return sum(_nodes(experiment.topology_of(side, cache=True)) for side in DEPLOYED)
    return max(_nodes(experiment.topology_of(treatment)) for treatment in experiment.treatments)


def _deployment_memory_mib(topology: Topology) -> int:
    cache = CACHE_MEMORY_MIB + topology.cache.memory_mib if topology.cache.enabled else 0
    return SERVER_MEMORY_MIB + cache + REPLICA_MEMORY_MIB * replicas(topology)


def _nodes(topology: Topology) -> int:
    databases_broker_gateway = len(topology.services()) + 2
    return databases_broker_gateway + int(topology.cache.enabled) + replicas(topology)
