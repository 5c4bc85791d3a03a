"""The order of a capacity experiment's measurements. Pure: the same experiment and seed give the same order on any machine."""

from __future__ import annotations

import random
from itertools import groupby

from experiments.definition import CapacityExperiment
from experiments.records.capacity import PlannedMeasurement


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
