"""The order of a capacity experiment's measurements, and how long each takes.

Pure. The same experiment and seed give the same order, on any machine.
"""

from __future__ import annotations

import random
from itertools import groupby, pairwise
from typing import Final

from experiments.definition import AnyPath, CapacityExperiment, Implementation, ReadPath, RegistrationPath, ZipfPath
from experiments.definition.capacity import DEPLOYED
from experiments.records.capacity import PlannedMeasurement

CACHE_SWITCH_S: Final = 4.0
"""Changing one deployment from cache on to off or back: replicas start anew (measured)."""
OVERHEAD_S: Final = 0.7
"""A measurement beyond its load: a child starts and ends, processes are looked through (measured)."""
REVIVAL_S: Final = 3.0
"""Starting a replica anew that is still busy with an overload (measured)."""
COLD_KEYS_S: Final = 0.5
"""All keys of a cold-key path (measured)."""
REGISTRATION_S: Final = 4.0
"""Making the courses before, and reading what was decided after the load (measured)."""
READS_PER_S: Final = {Implementation.PRODUCT: 2500, Implementation.TUTORIAL: 800}
"""What one asyncio client is answered, reads with a cache (measured)."""
DECISIONS_PER_ACCEPTED_S: Final = {Implementation.PRODUCT: 2.0, Implementation.TUTORIAL: 4.0}
"""How much longer than accepting requests it takes to decide them (measured)."""


def plan(experiment: CapacityExperiment) -> tuple[PlannedMeasurement, ...]:
    """Every measurement in the order in which it is made.

    Each round holds all of them. The implementations of a path follow each other at once, in random order, so that drift of the machine
    falls on both sides of a ratio alike; paths come in random order too. Only whether the cache is on is not left to chance after the
    first round: a change costs seconds, so a round goes on with what the one before it ended with.
    """
    rng = random.Random(f"{experiment.name}/{experiment.seed}")  # noqa: S311 - reproducible on purpose, nothing secret
    cached = rng.random() < 1 / 2
    both = len({path.cache for path in experiment.paths}) > 1
    found: list[PlannedMeasurement] = []
    for number in range(experiment.trials):
        for cache in (cached, not cached):
            paths = [path for path in experiment.paths if path.cache is cache]
            rng.shuffle(paths)
            for path in paths:
                sides = list(path.implementations)
                rng.shuffle(sides)
                for side in sides:
                    found.append(PlannedMeasurement(position=len(found), round=number, path=path.name, implementation=side))
        cached = cached if not both else not cached
    return tuple(found)


def rounds(planned: tuple[PlannedMeasurement, ...]) -> tuple[tuple[PlannedMeasurement, ...], ...]:
    """The plan, round by round."""
    return tuple(tuple(group) for _, group in groupby(planned, key=lambda item: item.round))


def measurement_durations_s(experiment: CapacityExperiment) -> tuple[float, ...]:
    """How long each measurement of the plan takes on deployments that are up, s."""
    planned = plan(experiment)
    caches = [experiment.path(item.path).cache for item in planned]
    changes = [False, *(before != after for before, after in pairwise(caches))]
    return tuple(
        _duration_s(experiment, experiment.path(item.path), item.implementation) + CACHE_SWITCH_S * len(DEPLOYED) * change
        for item, change in zip(planned, changes, strict=True)
    )


def _duration_s(experiment: CapacityExperiment, path: AnyPath, implementation: Implementation) -> float:
    if isinstance(path, ReadPath):
        revival_s = REVIVAL_S if path.overload and implementation is Implementation.TUTORIAL else 0.0
        return experiment.warm_up_s + experiment.measure_s + OVERHEAD_S + revival_s
    if isinstance(path, ZipfPath):
        return path.reads / READS_PER_S[implementation] + OVERHEAD_S
    if isinstance(path, RegistrationPath):
        return experiment.measure_s * (1 + DECISIONS_PER_ACCEPTED_S[implementation]) + REGISTRATION_S
    return COLD_KEYS_S + OVERHEAD_S
