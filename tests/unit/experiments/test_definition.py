"""What an experiment may say, and how a contradiction is refused."""

from __future__ import annotations

import math
from typing import Any

import pytest
from pydantic import ValidationError

from experiments.definition import (
    Arrivals,
    BoundClaim,
    Chance,
    Experiment,
    Fault,
    Metric,
    Operation,
    Phases,
    Ramp,
    RatioClaim,
    Spike,
    Treatment,
    changed,
    explain,
    node_names,
)
from experiments.errors import DefinitionError
from infra.errors import FactorError
from infra.topology import Topology

ON = Treatment(name="on", title="cache on")
OFF = Treatment(name="off", title="cache off", factors={"cache": "off"})


def _experiment(**changes: Any) -> Experiment:
    values: dict[str, Any] = {
        "name": "sample",
        "title": "A sample",
        "question": "Does it hold?",
        "treatments": (ON, OFF),
        "mix": {Operation.READ_COURSE: 1.0},
        "phases": Phases(warm_up_s=1, measure_s=4),
    }
    return Experiment.model_validate(values | changes)


def test_a_treatment_is_measured_on_its_own_topology() -> None:
    """A treatment's factors change the experiment's topology and nothing else."""
    experiment = _experiment()
    assert experiment.topology_of(ON) == Topology()
    assert experiment.topology_of(OFF) == Topology().override({"cache.enabled": False})


def test_a_definition_survives_json() -> None:
    """The resolved JSON of a run directory reads back as the same experiment."""
    claim = RatioClaim(statement="fewer SQL", metric=Metric.SQL_PER_10K_READS, numerator="off", denominator="on", at_least=40)
    experiment = _experiment(
        claims=(claim,), treatments=(ON, OFF.model_copy(update={"faults": (Fault(node="courses-1", at_s=1, duration_s=1),)}))
    )
    assert Experiment.model_validate_json(experiment.model_dump_json()) == experiment


AVAILABLE = {"statement": "s", "metric": "availability", "treatment": "off"}
RATIO = {"statement": "s", "metric": "response_p50_ms"}


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"treatments": ()}, "treatments"),
        ({"treatments": (ON, ON)}, "treatments need names of their own"),
        ({"treatments": (Treatment(name="odd", title="odd", factors={"cache.tll_s": 3}),)}, "did you mean cache.ttl_s?"),
        ({"treatments": (Treatment(name="odd", title="odd", factors={"courses.replicas": 0}),)}, "courses.replicas=0"),
        ({"treatments": (ON.model_copy(update={"faults": (Fault(node="courses-2", at_s=1, duration_s=1),)}),)}, "no node 'courses-2'"),
        ({"treatments": (OFF.model_copy(update={"faults": (Fault(node="cache", at_s=1, duration_s=1),)}),)}, "no node 'cache'"),
        ({"treatments": (ON.model_copy(update={"faults": (Fault(node="broker", at_s=1, duration_s=9),)}),)}, "the load ends at"),
        (
            {
                "treatments": (
                    ON.model_copy(
                        update={"faults": (Fault(node="broker", at_s=1, duration_s=2), Fault(node="broker", at_s=2, duration_s=1))}
                    ),
                )
            },
            "two faults overlap on broker",
        ),
        ({"claims": (BoundClaim(statement="s", metric=Metric.AVAILABILITY, treatment="of", at_least=1),)}, "names the treatment 'of'"),
        ({"claims": ({"kind": "bound", **AVAILABLE},)}, "needs at_least or at_most"),
        ({"claims": ({"kind": "bound", **AVAILABLE, "at_least": math.inf},)}, "finite number"),
        ({"claims": ({"kind": "bound", **AVAILABLE, "at_least": math.nan},)}, "finite number"),
        ({"claims": ({"kind": "bound", **AVAILABLE, "at_least": 5, "at_most": 1},)}, "nothing could confirm it"),
        ({"claims": ({"kind": "bound", **AVAILABLE, "metric": "response_p50_ms", "over": "pooled", "at_most": 1},)}, "can't be pooled"),
        ({"claims": ({"kind": "ratio", **RATIO, "numerator": "off", "denominator": "off", "at_least": 1},)}, "compares off with itself"),
        ({"claims": ({"kind": "curve", **RATIO, "numerator": "off", "points": ("off", "on"), "at_least": 1},)}, "compares off with itself"),
        ({"treatments": (OFF.model_copy(update={"delay_us": 100.0}),)}, "set links=on"),
        ({"mix": {Operation.READ_COURSE: 0.0}}, "mix"),
        ({"arrivals": {"ramp": {"from_per_s": 1, "duration_s": 6}}}, "the ramp lasts 6 s and the load 5 s"),
        ({"arrivals": {"spike": {"at_s": 2, "duration_s": 4, "rate_per_s": 9}}}, "the spike ends at 6 s and the load at 5 s"),
        (
            {"arrivals": {"ramp": {"from_per_s": 1, "duration_s": 3}, "spike": {"at_s": 2, "duration_s": 1, "rate_per_s": 9}}},
            "let it begin at 3 s or later",
        ),
        ({"arrivals": {"spike": {"at_s": 2, "duration_s": 1, "rate_per_s": 9, "mix": {}}}}, "arrivals.spike.mix"),
        ({"cache_start": "steady", "arrivals": {"ramp": {"from_per_s": 1, "duration_s": 3}}}, "has no steady state"),
        ({"hot_courses": 201}, "hot_courses are 201 of 200"),
        ({"treatments": ({"name": "odd", "title": "odd", "chance": {"per_minute": 1, "shortest_s": 9}},)}, "longest_s is 8"),
        (
            {
                "treatments": (
                    {"name": "odd", "title": "odd", "chance": {"per_minute": 1}, "faults": [{"node": "broker", "duration_s": 1}]},
                )
            },
            "both faults and a chance of faults",
        ),
        ({"mix": {Operation.READ_COURSE: float("nan")}}, "mix"),
        ({"mix": {"read_minds": 1.0}}, "mix"),
        ({"trials": 0}, "trials"),
        ({"seed": -1}, "seed"),
        ({"name": "Bad Name"}, "name"),
        ({"tempo": 3}, "tempo"),
    ],
)
def test_a_contradiction_is_refused_by_key(changes: dict[str, Any], says: str) -> None:
    """What can't be run is refused when it is written, in a sentence that names the key."""
    with pytest.raises(ValidationError) as caught:
        _experiment(**changes)
    assert says in explain(caught.value)
    assert "\n" not in explain(caught.value)


def test_trials_seed_and_factors_are_changed_from_outside() -> None:
    """The command line changes what the treatments leave alone."""
    experiment = changed(_experiment(), factors={"courses.replicas": "3"}, trials=2, seed=9)
    assert (experiment.topology.courses.replicas, experiment.trials, experiment.seed) == (3, 2, 9)


@pytest.mark.parametrize("name", ["cache", "cache.enabled"])
def test_a_factor_that_the_treatments_vary_cannot_be_set_from_outside(name: str) -> None:
    """Setting what is varied would make the treatments the same."""
    with pytest.raises(DefinitionError, match=r"cache\.enabled is what sample varies"):
        changed(_experiment(), factors={name: "on"})


def test_an_unknown_factor_from_outside_is_refused() -> None:
    """A misspelt factor is never ignored."""
    with pytest.raises(FactorError, match=r"did you mean courses\.replicas\?"):
        changed(_experiment(), factors={"course.replicas": "3"})


def test_a_change_that_contradicts_the_definition_is_refused() -> None:
    """The changed experiment is checked like a new one."""
    experiment = _experiment(
        topology=Topology().override({"courses.replicas": 2}),
        treatments=(ON.model_copy(update={"faults": (Fault(node="courses-2", at_s=1, duration_s=1),)}),),
    )
    with pytest.raises(DefinitionError, match="no node 'courses-2'"):
        changed(experiment, factors={"courses.replicas": "1"})


def test_what_is_cached_may_be_as_old_as_the_experiment_says_or_else_as_the_cache_keeps_it() -> None:
    """Without a bound of its own an experiment has that of each treatment's cache."""
    short = Treatment(name="short", title="short", factors={"cache.ttl_s": 7})
    experiment = _experiment(treatments=(short,))
    assert experiment.staleness_bound_of(short) == 7
    assert _experiment(treatments=(short,), staleness_bound_s=1.5).staleness_bound_of(short) == 1.5


def test_nodes_follow_from_the_topology() -> None:
    """Every replica is a node of its own, and a cache that is off is none."""
    names = node_names(Topology().override({"courses.replicas": 3, "worker.replicas": 2, "cache": "off"}))
    assert {"courses-3", "worker-2", "students-1", "enrollment-1", "courses-db", "gateway", "broker"} <= names
    assert "cache" not in names
    assert "courses-4" not in names


BY_CHANCE = Treatment(name="by_chance", title="by chance", chance=Chance(per_minute=6))


def test_the_rate_of_faults_and_the_length_can_be_changed_from_outside() -> None:
    """Of those treatments that leave faults to chance, and of the measure phase alone."""
    experiment = changed(_experiment(treatments=(ON, BY_CHANCE)), measure_s=9, faults_per_minute=20)
    assert experiment.phases == Phases(warm_up_s=1, measure_s=9)
    assert [treatment.chance for treatment in experiment.treatments] == [None, Chance(per_minute=20)]


def test_a_rate_of_faults_needs_chance() -> None:
    """Planned faults have no rate."""
    with pytest.raises(DefinitionError, match="sample leaves no fault to chance"):
        changed(_experiment(), faults_per_minute=20)


def test_what_is_broken_is_said_in_words() -> None:
    """Of a plan as of chance."""
    planned = Treatment(name="planned", title="planned", faults=(Fault(node="courses-1", at_s=1, duration_s=2),))
    assert (ON.plan, planned.plan) == ("", "crash of courses-1 at 1 s for 2 s")
    assert BY_CHANCE.plan == "6 a minute by chance, of 18 kinds"


def test_a_load_is_said_in_words() -> None:
    """The process, the rate, and what becomes of it."""
    arrivals = Arrivals(rate_per_s=50, ramp=Ramp(from_per_s=5, duration_s=3), spike=Spike(at_s=4, duration_s=2, rate_per_s=120))
    assert arrivals.title == "poisson, 50 requests/s, ramp from 5/s in 3 s, spike of 120/s from 4 s to 6 s"
