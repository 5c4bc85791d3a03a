"""The theory of a cache with a time to live against a simulation of one, and the state that a trial begins with."""

from __future__ import annotations

import math

import numpy as np
import pytest
from numpy.typing import NDArray

from experiments.cache_state import aged_ms, cached_paths, remaining_lives_ms
from experiments.definition import Arrivals, Dataset, Experiment, Operation, Spike, Treatment
from experiments.definition.cache_theory import (
    LIFETIME_JITTER,
    cached_share,
    expected_reads_per_miss,
    mean_lifetime_s,
    read_rates,
    reads_per_miss,
)
from experiments.definition.popularity import pages, zipf_weights
from experiments.seeding import SeededPopulation

ON = Treatment(name="on", title="cache on")
OFF = Treatment(name="off", title="cache off", factors={"cache": False})
MIX = {Operation.READ_COURSE: 75.0, Operation.LIST_COURSES: 5.0, Operation.READ_STUDENT: 20.0}
SEEDED = SeededPopulation(course_ids=tuple(range(501, 701)), student_ids=tuple(range(3001, 4001)))


def _experiment(**changes: object) -> Experiment:
    values: dict[str, object] = {
        "name": "sample",
        "title": "A sample",
        "question": "What is cached?",
        "treatments": (ON, OFF),
        "mix": MIX,
        "arrivals": Arrivals(rate_per_s=1000),
    }
    return Experiment.model_validate(values | changes)


def _misses(read_at_s: NDArray[np.float64], ttl_s: float, rng: np.random.Generator, *, expires_s: float = -math.inf) -> list[float]:
    """When reads of one key find nothing, by playing them one after the other against an entry that lives a random time."""
    misses = []
    for at_s in read_at_s.tolist():
        if at_s >= expires_s:
            misses.append(at_s)
            expires_s = at_s + ttl_s * rng.uniform(1 - LIFETIME_JITTER, 1)
    return misses


def _simulated_misses(
    rates: NDArray[np.float64], duration_s: float, ttl_s: float, rng: np.random.Generator, expires_s: NDArray[np.float64]
) -> list[float]:
    """The misses of all keys under Poisson reads."""
    found = []
    for rate, expires in zip(rates.tolist(), expires_s.tolist(), strict=True):
        reads = np.sort(rng.random(rng.poisson(rate * duration_s)) * duration_s)
        found += _misses(reads, ttl_s, rng, expires_s=expires)
    return found


@pytest.mark.parametrize(
    ("rates", "lifetime_s", "expected"),
    [
        ([1.0], 9.0, 10.0),  # a miss, then nine seconds of hits and one of waiting
        ([0.5, 0.5], 2.0, 2.0),
        ([2.0, 2.0, 2.0], 0.0, 1.0),  # entries that live no time save nothing
        ([4.0, 0.0], 1.0, 5.0),  # what is never read doesn't count
    ],
)
def test_reads_per_miss_of_simple_caches(rates: list[float], lifetime_s: float, expected: float) -> None:
    """The formula gives what can be worked out by hand."""
    assert reads_per_miss(np.array(rates), lifetime_s) == pytest.approx(expected)


@pytest.mark.parametrize(("exponent", "rate_per_s", "ttl_s"), [(0.0, 50.0, 10.0), (1.1, 100.0, 20.0), (1.4, 200.0, 5.0)])
def test_theory_agrees_with_a_simulated_cache(exponent: float, rate_per_s: float, ttl_s: float) -> None:
    """Entries that live for random times, reads that come by chance: reads per miss are within 2 % once the cold start is over."""
    rng = np.random.default_rng(7)
    weights = zipf_weights(200, exponent)
    rates = rate_per_s * weights / weights.sum()
    settled_s, end_s = 5 * ttl_s, 55 * ttl_s
    misses = np.array(_simulated_misses(rates, end_s, ttl_s, rng, np.full(200, -math.inf)))
    reads = rate_per_s * (end_s - settled_s)
    assert reads / np.count_nonzero(misses >= settled_s) == pytest.approx(reads_per_miss(rates, mean_lifetime_s(ttl_s)), rel=0.02)


def test_the_factor_of_the_catalogs_population() -> None:
    """1,200 records that live 60 s: about 14 reads per miss at 120/s, 62 at 1,000/s, and the same at half of it for 120 s."""
    slow, fast, long = (
        expected_reads_per_miss(_experiment(), ON.model_copy(update=changes))
        for changes in ({"rate_per_s": 120.0}, {"rate_per_s": 1000.0}, {"rate_per_s": 500.0, "factors": {"cache.ttl_s": 120}})
    )
    assert slow == pytest.approx(14.4, abs=0.05)
    assert fast == pytest.approx(62.2, abs=0.05)
    assert long == pytest.approx(fast)


@pytest.mark.parametrize(
    ("changes", "treatment"),
    [
        ({}, OFF),
        ({"mix": {Operation.ENROLL: 1.0}}, ON),
        ({"mix": MIX | {Operation.UPDATE_CAPACITY: 1.0}}, ON),
        ({"arrivals": Arrivals(spike=Spike(at_s=1, duration_s=1, rate_per_s=9))}, ON),
    ],
)
def test_where_the_model_does_not_apply_it_expects_nothing(changes: dict[str, object], treatment: Treatment) -> None:
    """Without a cache, without reads, with writes that outdate entries, and where the rate changes."""
    assert expected_reads_per_miss(_experiment(**changes), treatment) is None


def test_rates_of_keys_add_up_to_the_offered_reads() -> None:
    """Every operation has its share of the rate; the last page of a catalogue that doesn't divide evenly is a key too."""
    experiment = _experiment(dataset=Dataset(courses=41, students=7), mix=MIX | {Operation.ENROLL: 100.0})
    rates = read_rates(experiment, ON)
    assert {operation: len(found) for operation, found in rates.items()} == {
        Operation.READ_COURSE: 41,
        Operation.LIST_COURSES: 3,
        Operation.READ_STUDENT: 7,
    }
    assert {operation: found.sum() for operation, found in rates.items()} == pytest.approx(
        {Operation.READ_COURSE: 375, Operation.LIST_COURSES: 25, Operation.READ_STUDENT: 100}
    )
    assert pages(41) == 3


def test_what_is_cached_is_drawn_with_its_probability() -> None:
    """Over many seeds as many keys are cached as are expected to be, popular ones nearly always."""
    experiment = _experiment()
    drawn = [cached_paths(experiment, ON, SEEDED, seed=seed) for seed in range(40)]
    shares = {operation: cached_share(rates, mean_lifetime_s(60)) for operation, rates in read_rates(experiment, ON).items()}
    expected = sum(share.sum() for share in shares.values())
    spread = math.sqrt(sum((share * (1 - share)).sum() for share in shares.values()))
    assert np.mean([len(paths) for paths in drawn]) == pytest.approx(expected, abs=4 * spread / math.sqrt(len(drawn)))
    for popular in ("/courses/501", "/courses?limit=20&offset=0", "/students/3001"):
        assert all(popular in paths for paths in drawn)
    assert len(set(drawn)) == len(drawn)


def test_a_treatment_without_the_cache_is_read_like_one_with_it() -> None:
    """Of the same seed and load, so that both are equally warm; a lower rate reads less of the same."""
    experiment = _experiment()
    on = cached_paths(experiment, ON, SEEDED, seed=3)
    assert cached_paths(experiment, OFF, SEEDED, seed=3) == on
    assert set(cached_paths(experiment, OFF.model_copy(update={"rate_per_s": 50.0}), SEEDED, seed=3)) < set(on)


def test_lives_seen_at_a_moment_are_those_of_a_renewal_process() -> None:
    """Their mean is that of the square of whole lives over twice their mean; none is longer than the time to live."""
    left_s = np.array(remaining_lives_ms(200_000, 60, seed=1)) / 1000
    shortest = 60 * (1 - LIFETIME_JITTER)
    mean_square = (60**3 - shortest**3) / (3 * (60 - shortest))
    assert left_s.mean() == pytest.approx(mean_square / (2 * mean_lifetime_s(60)), rel=0.005)
    assert 0 < left_s.min() < left_s.max() <= 60


def test_a_cache_that_begins_in_its_steady_state_misses_alike_from_the_first_second_on() -> None:
    """Over 40 simulated beginnings each tenth of the first time to live has the misses that theory expects."""
    ttl_s, count = 20.0, 300
    weights = zipf_weights(count, 1.1)
    rates = 150 * weights / weights.sum()
    expected_per_s = float((rates / (1 + rates * mean_lifetime_s(ttl_s))).sum())
    misses: list[float] = []
    for seed in range(40):
        rng = np.random.default_rng(seed)
        is_cached = rng.random(count) < cached_share(rates, mean_lifetime_s(ttl_s))
        left_s = np.array(remaining_lives_ms(count, ttl_s, seed=seed)) / 1000
        misses += _simulated_misses(rates, ttl_s, ttl_s, rng, np.where(is_cached, left_s, -math.inf))
    found, _ = np.histogram(misses, bins=10, range=(0, ttl_s))
    expected = expected_per_s * ttl_s / 10 * 40
    assert found == pytest.approx(np.full(10, expected), abs=4 * math.sqrt(expected))


def test_aging_shortens_entries_and_leaves_tokens_alone() -> None:
    """What lives for ever stays so, nothing lives longer than before, and the lead is added to what is left."""
    fresh = {f"courses:item:{number}".encode(): 58_000 for number in range(100)}
    left = {**fresh, b"courses:epoch": -1, b"courses:item:1:lock": 900, b"gone": -2}
    aged = aged_ms(left, 60, seed=1, lead_ms=0)
    assert aged.keys() == {*fresh, b"courses:item:1:lock"}
    assert all(0 < aged[key] <= left[key] for key in aged)
    assert aged == aged_ms(dict(reversed(left.items())), 60, seed=1, lead_ms=0)
    later = aged_ms(left, 60, seed=1, lead_ms=500)
    assert all(later[key] == min(left[key], aged[key] + 500) for key in fresh if aged[key] < 58_000)
