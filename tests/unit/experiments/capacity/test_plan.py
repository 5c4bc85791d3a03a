"""The order of measurements."""

from __future__ import annotations

from itertools import groupby

from hypothesis import given
from hypothesis import strategies as st

from experiments.capacity.plan import measurement_durations_s, plan, rounds
from experiments.catalog.hotpath import EXPERIMENT
from experiments.definition import changed

EVERYTHING = {(path.name, side) for path in EXPERIMENT.paths for side in path.implementations}


@given(seed=st.integers(0, 2**32), trials=st.integers(1, 8))
def test_each_round_measures_everything_once(seed: int, trials: int) -> None:
    """Rounds are whole, follow each other, and positions count through all of them."""
    planned = plan(changed(EXPERIMENT, seed=seed, trials=trials))
    assert [item.position for item in planned] == list(range(len(planned)))
    assert len(rounds(planned)) == trials
    for number, members in enumerate(rounds(planned)):
        assert {item.round for item in members} == {number}
        assert len(members) == len(EVERYTHING)
        assert {(item.path, item.implementation) for item in members} == EVERYTHING


@given(seed=st.integers(0, 2**32))
def test_what_is_compared_is_measured_one_after_the_other(seed: int) -> None:
    """All implementations of a path stand together, so that drift falls on each alike."""
    for members in rounds(plan(changed(EXPERIMENT, seed=seed))):
        runs = [path for path, _ in groupby(members, key=lambda item: item.path)]
        assert len(runs) == len(EXPERIMENT.paths)


@given(seed=st.integers(0, 2**32), trials=st.integers(1, 8))
def test_the_cache_is_switched_once_a_round(seed: int, trials: int) -> None:
    """A round begins as the one before it ended."""
    planned = plan(changed(EXPERIMENT, seed=seed, trials=trials))
    stretches = [cache for cache, _ in groupby(planned, key=lambda item: EXPERIMENT.path(item.path).cache)]
    assert len(stretches) == trials + 1


def test_the_order_is_random_and_follows_the_seed() -> None:
    """Each implementation comes first in some rounds, and the same seed gives the same order."""
    planned = plan(changed(EXPERIMENT, trials=20))
    assert planned == plan(changed(EXPERIMENT, trials=20))
    assert planned != plan(changed(EXPERIMENT, trials=20, seed=2))
    first = {next(item.implementation for item in members if item.path == "cached_course") for members in rounds(planned)}
    assert len(first) == 2
    assert len({members[0].path for members in rounds(planned)}) > 2


def test_every_measurement_has_a_duration_and_switches_cost() -> None:
    """One for each of the plan; longer loads take longer."""
    longer = EXPERIMENT.model_copy(update={"measure_s": EXPERIMENT.measure_s + 1})
    durations, longer_s = measurement_durations_s(EXPERIMENT), measurement_durations_s(longer)
    assert len(durations) == len(plan(EXPERIMENT))
    assert all(after >= before > 0 for before, after in zip(durations, longer_s, strict=True))
    assert sum(longer_s) > sum(durations)
    cached = EXPERIMENT.model_copy(update={"paths": tuple(path.model_copy(update={"cache": True}) for path in EXPERIMENT.paths)})
    assert sum(measurement_durations_s(cached)) < sum(durations)
