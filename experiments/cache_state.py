"""The steady state of the cache, drawn from the seed: what is cached at a trial's beginning, and how long it still lives.

A cache that is filled by this needs no time to settle: :mod:`experiments.definition.cache_theory` gives the probability that a key is
cached, and the life that is left to an entry seen at any moment follows from the distribution of whole lives.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

import numpy as np

from experiments.definition import Experiment, Operation, Treatment
from experiments.definition.cache_theory import LIFETIME_JITTER, cached_share, mean_lifetime_s, read_rates
from experiments.definition.popularity import PAGE_SIZE
from experiments.randomness import generator
from experiments.read_paths import read_path
from experiments.seeding import SeededPopulation

_MS_PER_S: Final = 1000


def cached_paths(experiment: Experiment, treatment: Treatment, seeded: SeededPopulation, *, seed: int) -> tuple[str, ...]:
    """The paths of everything that is cached at a moment of the steady state, each drawn with its probability.

    Treatments without a cache are given what they would have cached, so that their processes are as warm as those of the others.
    """
    lifetime_s = mean_lifetime_s(experiment.topology_of(treatment).cache.ttl_s)
    keys = {
        Operation.READ_COURSE: seeded.course_ids,
        Operation.LIST_COURSES: range(0, len(seeded.course_ids), PAGE_SIZE),
        Operation.READ_STUDENT: seeded.student_ids,
    }
    rng = generator(seed, "cache")
    paths: list[str] = []
    for operation, rates in read_rates(experiment, treatment).items():
        is_cached = rng.random(len(rates)) < cached_share(rates, lifetime_s)
        paths += [read_path(operation, key) for key, cached in zip(keys[operation], is_cached, strict=True) if cached]
    return tuple(paths)


def aged_ms(left_ms: Mapping[bytes, int], ttl_s: float, *, seed: int, lead_ms: int) -> dict[bytes, int]:
    """The lives that entries have left in steady state, counted from ``lead_ms`` from now, by key, ms; none is longer than before.

    ``left_ms`` is what is left of everything in the cache, negative for what lives for ever: tokens by which the services know what is
    valid, which are no entries.
    """
    entries = sorted(key for key, left in left_ms.items() if left > 0)
    lives_ms = remaining_lives_ms(len(entries), ttl_s, seed=seed)
    return {key: min(left_ms[key], life_ms + lead_ms) for key, life_ms in zip(entries, lives_ms, strict=True)}


def remaining_lives_ms(count: int, ttl_s: float, *, seed: int) -> list[int]:
    """How long each of ``count`` entries still lives, seen at a moment of the steady state, at least 1 ms.

    A moment falls into a long life more often than into a short one, in proportion to its length, and anywhere in it alike (Cox, Renewal
    Theory, 1962, chapter 5). Whole lives are uniform between 1 - LIFETIME_JITTER and 1 times to live, so those that a moment falls into
    are the square root of what is uniform between the squares of both.
    """
    rng = generator(seed, "cache ages")
    shortest = (1 - LIFETIME_JITTER) ** 2
    lives_s = ttl_s * np.sqrt(shortest + (1 - shortest) * rng.random(count))
    left_ms = np.ceil(lives_s * rng.random(count) * _MS_PER_S)
    return [max(1, int(left)) for left in left_ms]
