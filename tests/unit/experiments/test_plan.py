"""The plan of a run and its price."""

from __future__ import annotations

from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from experiments.definition import Treatment
from experiments.errors import DefinitionError
from experiments.plan import estimate, fit, on_free_ports, plan
from infra.topology import Topology
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


@given(seed=st.integers(0, 2**32))
def test_each_treatment_is_as_often_first_as_the_others(seed: int) -> None:
    """In as many blocks as there are treatments, each stands once in each place."""
    treatments = _treatments(3)
    planned = plan(tiny(seed=seed, trials=6, treatments=treatments))
    first = Counter(trial.treatment for trial in planned if trial.position % 3 == 0)
    assert first == {treatment.name: 2 for treatment in treatments}


def test_a_longer_load_takes_longer() -> None:
    """The estimate grows by exactly the load that is added."""
    short = estimate([tiny()])
    both = estimate([tiny(), tiny()])
    assert both.duration_s > short.duration_s
    assert both.memory_mib == short.memory_mib


def test_memory_is_that_of_the_largest_treatment() -> None:
    """A treatment with more replicas raises the estimate of memory and nodes."""
    large = Treatment(name="large", title="large", factors={"courses.replicas": 4})
    one, two = estimate([tiny()]), estimate([tiny(treatments=(large,))])
    assert two.memory_mib > one.memory_mib
    assert two.processes == one.processes + 3


def test_a_budget_lowers_the_trials_until_it_fits() -> None:
    """What fits into the budget costs no more than it, and one more trial would not fit."""
    experiment = tiny(trials=20)
    budget = estimate([experiment]).minutes / 2
    (fitted,) = fit([experiment], budget)
    assert estimate([fitted]).minutes <= budget
    assert estimate([tiny(trials=fitted.trials + 1)]).minutes > budget


def test_a_large_budget_adds_nothing() -> None:
    """An experiment keeps the trials that it asks for."""
    assert fit([tiny()], 1000)[0].trials == tiny().trials


def test_a_budget_that_is_too_small_names_one_that_is_not() -> None:
    """The error's own advice works."""
    with pytest.raises(DefinitionError, match=r"allow [0-9.]+ minutes") as caught:
        fit([tiny()], 0.05)
    advice = str(caught.value).split("allow ")[1].split(" ")[0]
    assert fit([tiny()], float(advice))[0].trials >= 1


def test_a_bench_leaves_the_default_ports_alone() -> None:
    """Ports at their defaults become free ones, and a port that was chosen stays."""
    assert on_free_ports(tiny()).topology.gateway.port == 0
    assert on_free_ports(tiny()).topology.broker.management_port == 0
    chosen = tiny(topology=Topology().override({"gateway.port": 8090}))
    assert on_free_ports(chosen).topology.gateway.port == 8090
