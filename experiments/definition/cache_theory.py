"""What a cache with a time to live keeps off the database, in closed form.

Model. Reads of key i are a Poisson process with rate l_i. A read that finds no entry loads it, and the entry then lives for a time with
mean T, which later reads don't renew. Loads of a key are a renewal process: an entry's life, then the wait for the next read, T + 1/l_i in
the mean. In steady state the key is therefore cached for a share l_i T / (1 + l_i T) of the time and missed l_i / (1 + l_i T) times a
second, whatever the distribution of the lifetime (Jung, Berger and Balakrishnan, Modeling TTL-based Internet caches, IEEE INFOCOM 2003).
Reads per miss are the sum of l_i over the sum of l_i / (1 + l_i T).

The run fills a cache by it, and the report draws it beside what was measured.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

import numpy as np
from numpy.typing import NDArray

from experiments.definition.arrivals import Operation
from experiments.definition.experiment import READS, Experiment, Treatment
from experiments.definition.popularity import pages, zipf_weights

LIFETIME_JITTER: Final = 0.1
"""An entry lives the time to live, or up to this share less, with equal probability: the system's contract (app.kit.redis_cache)."""
OUTDATING: Final = frozenset({Operation.UPDATE_CAPACITY, Operation.UPDATE_STUDENT})
"""Operations that end an entry's life early, which the model doesn't know."""

Rates = NDArray[np.float64]
"""Reads per second of each key."""


def mean_lifetime_s(ttl_s: float) -> float:
    """How long an entry lives in the mean, s."""
    return ttl_s * (1 - LIFETIME_JITTER / 2)


def read_share(experiment: Experiment) -> float:
    """The share of all requests that read on a cached path."""
    return sum(weight for operation, weight in experiment.mix.items() if operation in READS) / sum(experiment.mix.values())


def read_rates(experiment: Experiment, treatment: Treatment) -> Mapping[Operation, Rates]:
    """Reads per second of each course, page of the catalogue and student under a treatment, by popularity rank."""
    data, exponent = experiment.dataset, experiment.zipf_exponent_of(treatment)
    sizes = {Operation.READ_COURSE: data.courses, Operation.LIST_COURSES: pages(data.courses), Operation.READ_STUDENT: data.students}
    per_weight = experiment.arrivals_of(treatment).rate_per_s / sum(experiment.mix.values())
    found = {}
    for operation, size in sizes.items():
        weights = zipf_weights(size, exponent)
        found[operation] = experiment.mix.get(operation, 0.0) * per_weight * weights / weights.sum()
    return found


def cached_share(rates: Rates, lifetime_s: float) -> Rates:
    """The share of the time for which each key is cached, which is also the probability that it is at any moment."""
    expected = rates * lifetime_s
    return expected / (1 + expected)


def reads_per_miss(rates: Rates, lifetime_s: float) -> float:
    """How many reads there are for each one that has to be loaded; infinite where nothing is read.

    ``rates`` are of all keys that are read, ``lifetime_s`` the mean life of an entry.
    """
    misses = float((rates / (1 + rates * lifetime_s)).sum())
    return float(rates.sum()) / misses if misses else float("inf")


def expected_reads_per_miss(experiment: Experiment, treatment: Treatment) -> float | None:
    """What the model expects under a treatment in steady state.

    None where it doesn't apply: the cache is off, nothing is read, the rate changes with time, or writes outdate what is cached.
    """
    cache = experiment.topology_of(treatment).cache
    arrivals = experiment.arrivals_of(treatment)
    changes = arrivals.ramp is not None or arrivals.spike is not None or not OUTDATING.isdisjoint(experiment.operations)
    if changes or not cache.enabled or not read_share(experiment):
        return None
    rates = np.concatenate(list(read_rates(experiment, treatment).values()))
    return reads_per_miss(rates, mean_lifetime_s(cache.ttl_s))
