"""What running experiments is said to take."""

from __future__ import annotations

import pytest

from experiments.catalog.hotpath import EXPERIMENT as CAPACITY
from experiments.definition import Experiment, Operation, Treatment
from experiments.errors import DefinitionError
from experiments.estimate import estimate, fit, on_free_ports, step_durations_s
from experiments.plan import BRING_UP_S, RESTART_S, SWITCH_S, TEAR_DOWN_S, plan
from infra.topology import Topology
from tests.fakes.bench import CALM, CRASHING, tiny


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


def test_a_capacity_experiment_needs_both_deployments_at_the_same_time() -> None:
    """Its nodes and memory are those of product and tutorial together, and it brings both up whatever ran before."""
    both, one = estimate([CAPACITY]), estimate([tiny(topology=CAPACITY.topology)])
    assert both.processes == 2 * one.processes
    assert both.memory_mib > one.memory_mib
    after = estimate([tiny(), CAPACITY]).duration_s - estimate([tiny()]).duration_s
    assert after == pytest.approx(estimate([CAPACITY]).duration_s)
    assert sum(step_durations_s(CAPACITY)) < estimate([CAPACITY]).duration_s


def test_a_budget_lowers_the_trials_until_it_fits() -> None:
    """What fits into the budget costs no more than it, and one more trial would not fit."""
    experiment = tiny(trials=20)
    budget = estimate([experiment]).minutes / 2
    (fitted,) = fit([experiment], budget)
    assert estimate([fitted]).minutes <= budget
    assert estimate([tiny(trials=fitted.trials + 1)]).minutes > budget


def test_every_bring_up_costs_its_time() -> None:
    """Each further one as much as the first; nothing is switched where a deployment is brought up as what is measured on it."""
    once, thrice = (estimate([tiny(trials=6, bring_ups=count)]).duration_s for count in (1, 3))
    assert thrice - once == pytest.approx(2 * (BRING_UP_S + TEAR_DOWN_S))
    assert sum(step_durations_s(tiny(trials=6, bring_ups=3))) == pytest.approx(thrice - BRING_UP_S - TEAR_DOWN_S)


def test_fresh_deployments_are_fresh_from_the_first_on() -> None:
    """An experiment with several bring-ups begins with one of its own, whatever an earlier one has left."""
    readers = {"mix": {Operation.READ_COURSE: 1}, "trials": 2}
    shared, own = (estimate([tiny(**readers), tiny(**readers, bring_ups=count)]).duration_s for count in (1, 2))
    assert own - shared == pytest.approx(2 * (BRING_UP_S + TEAR_DOWN_S))


def test_restarts_of_replicas_are_in_the_estimate() -> None:
    """Where topologies differ the first trial restarts what was seeded through, and each other one what its switch has not started."""
    scaled = Treatment(name="scaled", title="scaled", factors={"courses.replicas": 2})
    one, two = (tiny(treatments=(CALM, other), trials=1) for other in (CRASHING, scaled))
    replicas = 4 if plan(two)[0].treatment == "calm" else 5
    more = [after - before for before, after in zip(step_durations_s(one), step_durations_s(two), strict=True)]
    assert more == pytest.approx([replicas * RESTART_S, SWITCH_S + 4 * RESTART_S])


def test_a_budget_lowers_bring_ups_with_the_trials() -> None:
    """There are no more of them than blocks."""
    experiment = tiny(trials=6, bring_ups=6)
    (fitted,) = fit([experiment], estimate([tiny(trials=2, bring_ups=2)]).minutes)
    assert isinstance(fitted, Experiment)
    assert (fitted.trials, fitted.bring_ups) == (2, 2)


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
