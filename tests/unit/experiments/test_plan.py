"""The order of a run's trials."""

from __future__ import annotations

from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from experiments.definition import Treatment
from experiments.plan import most_repeats, plan
from tests.fakes.bench import tiny


def _treatments(count: int) -> tuple[Treatment, ...]:
    return tuple(Treatment(name=f"t{number}", title=f"level {number}") for number in range(count))


@given(seed=st.integers(0, 2**63 - 1), trials=st.integers(1, 12), treatments=st.integers(1, 5))
def test_the_same_seed_gives_the_same_plan(seed: int, trials: int, treatments: int) -> None:
    """Two experiments that are equal have equal plans."""
    first, second = (tiny(seed=seed, trials=trials, treatments=_treatments(treatments)) for _ in range(2))
    assert plan(first) == plan(second)


def test_another_seed_gives_another_plan() -> None:
    """Seeds and orders follow the experiment's seed."""
    assert plan(tiny(seed=1)) != plan(tiny(seed=2))


@given(seed=st.integers(0, 2**32), trials=st.integers(1, 12), treatments=st.integers(1, 5))
def test_every_block_holds_every_treatment_once(seed: int, trials: int, treatments: int) -> None:
    """Blocks are complete, follow each other, and share a load seed of their own."""
    experiment = tiny(seed=seed, trials=trials, treatments=_treatments(treatments))
    planned = plan(experiment)
    assert [trial.position for trial in planned] == list(range(trials * treatments))
    assert [trial.block for trial in planned] == sorted(trial.block for trial in planned)
    for block in range(trials):
        members = [trial for trial in planned if trial.block == block]
        assert {trial.treatment for trial in members} == {treatment.name for treatment in experiment.treatments}
        assert len({trial.seed for trial in members}) == 1
    assert len({trial.seed for trial in planned}) == trials


@pytest.mark.parametrize(
    ("trials", "bring_ups", "blocks"), [(5, 1, [5]), (5, 2, [3, 2]), (6, 3, [2, 2, 2]), (7, 3, [3, 2, 2]), (4, 4, [1] * 4)]
)
def test_the_blocks_are_spread_over_the_bring_ups(trials: int, bring_ups: int, blocks: list[int]) -> None:
    """Those of a bring-up follow each other, and are as many as those of any other, or one more."""
    planned = plan(tiny(trials=trials, bring_ups=bring_ups))
    assert [trial.bring_up for trial in planned] == sorted(trial.bring_up for trial in planned)
    by_block = {trial.block: trial.bring_up for trial in planned}
    assert sorted(Counter(by_block.values()).values()) == sorted(blocks)
    assert {(trial.block, trial.bring_up) for trial in planned} == set(by_block.items())


def test_more_bring_ups_change_neither_order_nor_load() -> None:
    """So the same seed can be run on one deployment and on several."""
    one, several = (plan(tiny(trials=6, bring_ups=count)) for count in (1, 3))
    assert [trial.model_copy(update={"bring_up": 0}) for trial in several] == list(one)


@pytest.mark.parametrize(("trials", "treatments", "most"), [(1, 1, 2), (2, 2, 2), (5, 3, 3), (5, 10, 12)])
def test_a_quarter_of_the_plan_may_be_repeated_and_two_trials_of_any(trials: int, treatments: int, most: int) -> None:
    """Rounded down."""
    assert most_repeats(tiny(trials=trials, treatments=_treatments(treatments))) == most


@given(seed=st.integers(0, 2**32))
def test_each_treatment_is_as_often_first_as_the_others(seed: int) -> None:
    """In as many blocks as there are treatments, each stands once in each place."""
    treatments = _treatments(3)
    planned = plan(tiny(seed=seed, trials=6, treatments=treatments))
    first = Counter(trial.treatment for trial in planned if trial.position % 3 == 0)
    assert first == {treatment.name: 2 for treatment in treatments}
