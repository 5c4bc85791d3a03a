"""Which trial comes next."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from experiments.plan import plan
from experiments.records.schema import PlannedTrial
from experiments.runner.agenda import Agenda
from tests.fakes.bench import CALM, CRASHING, tiny

PLAN = plan(tiny(treatments=(CALM, CRASHING), trials=4))
"""Eight trials in four blocks."""


def _run(is_invalid: Callable[[PlannedTrial], bool], *, repeats: int = 2, most: int = 9) -> list[PlannedTrial]:
    """The trials in the order in which they came up."""
    agenda = Agenda(PLAN, repeats=repeats, most=most)
    done = []
    for planned in agenda:
        done.append(planned)
        if is_invalid(planned):
            agenda.was_invalid(planned)
    return done


def test_what_is_valid_is_run_once() -> None:
    """Then the agenda is the plan."""
    assert tuple(_run(lambda _: False)) == PLAN


@pytest.mark.parametrize(
    ("failures", "repeats", "attempts"),
    [(1, 2, [1, 2]), (2, 2, [1, 2, 3]), (9, 2, [1, 2, 3]), (9, 1, [1, 2]), (9, 0, [1])],
    ids=["once", "twice", "always", "always, one repeat allowed", "always, none allowed"],
)
def test_an_invalid_trial_is_repeated_until_it_is_valid_or_its_repeats_are_spent(failures: int, repeats: int, attempts: list[int]) -> None:
    """The same treatment and seed in the same block, before the next block begins."""
    bad = PLAN[2]
    done = _run(
        lambda planned: planned.block == bad.block and planned.treatment == bad.treatment and planned.attempt <= failures, repeats=repeats
    )
    again = [planned for planned in done if (planned.block, planned.treatment) == (bad.block, bad.treatment)]
    assert [planned.attempt for planned in again] == attempts
    assert {planned.seed for planned in again} == {bad.seed}
    assert [planned.block for planned in done] == sorted(planned.block for planned in done)
    assert len(done) == len(PLAN) + len(attempts) - 1


def test_repeats_have_positions_and_names_of_their_own() -> None:
    """Positions go on from the plan's."""
    done = _run(lambda planned: planned.attempt == 1 and planned.treatment == "calm")
    positions = [planned.position for planned in done]
    assert sorted(positions) == list(range(12))
    assert len({planned.trial_id for planned in done}) == 12
    assert [planned.position for planned in done if planned.attempt > 1] == [8, 9, 10, 11]
    assert all(planned.trial_id.endswith("-b0-calm-again1") for planned in done if planned.position == 8)


def test_all_repeats_of_a_run_together_are_bounded() -> None:
    """Where everything is invalid the run ends all the same, and its first blocks get what there is."""
    done = _run(lambda _: True, most=3)
    assert len(done) == len(PLAN) + 3
    assert [planned.block for planned in done if planned.attempt > 1] == [0, 0, 0]
