"""Faults by chance follow from the seed, and can always be carried out."""

from __future__ import annotations

from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st

from experiments.catalog import load
from experiments.definition import Chance, Experiment, FaultKind, LinkFault, LinkFaultKind, Treatment, check_faults, targets
from experiments.definition.faults import SETTLES_LATE
from experiments.plan import plan
from experiments.random_faults import faults_of, random_faults, servers_of
from experiments.runner.attempt import Attempt
from infra.topology import Topology

REFERENCE = Topology().override({"courses.replicas": 3, "students.replicas": 2, "enrollment.replicas": 2, "worker.replicas": 2})
WITH_LINKS = REFERENCE.override({"links": "on"})
KINDS = [*FaultKind, *LinkFaultKind]

topologies = st.sampled_from([Topology(), Topology().override({"cache": "off"}), REFERENCE, WITH_LINKS])
seeds = st.integers(0, 2**63 - 1)
durations = st.floats(5, 200)
chances = st.builds(
    Chance,
    per_minute=st.floats(0, 30),
    kinds=st.lists(st.sampled_from(KINDS), unique=True).map(tuple),
    from_s=st.floats(0, 5),
    recovery_s=st.floats(0, 10),
)


@given(topologies, seeds, durations, chances)
def test_every_schedule_can_be_carried_out(topology: Topology, seed: int, duration_s: float, chance: Chance) -> None:
    """It passes the checks of a written plan, has only the kinds that were asked for, and leaves time to recover."""
    faults = random_faults(topology, seed, duration_s, chance)
    check_faults(faults, topology, duration_s)
    assert {fault.kind for fault in faults} <= set(chance.kinds)
    assert all(fault.at_s >= round(chance.from_s, 2) for fault in faults)
    assert all(fault.heal_at_s + chance.recovery_s <= duration_s for fault in faults)
    assert all(chance.shortest_s <= fault.duration_s <= chance.longest_s for fault in faults if fault.duration_s)


@given(topologies, seeds, chances)
def test_a_target_recovers_between_two_faults(topology: Topology, seed: int, chance: Chance) -> None:
    """No target is struck again before the time to recover is over."""
    free_at_s: dict[str, float] = {}
    for fault in random_faults(topology, seed, 200, chance):
        for target in targets(fault, topology):
            assert fault.at_s >= free_at_s.get(target, 0)
            free_at_s[target] = fault.heal_at_s + chance.recovery_s


@given(st.just(WITH_LINKS), seeds, chances)
def test_a_server_answers_while_a_link_to_it_is_struck(topology: Topology, seed: int, chance: Chance) -> None:
    """Without its answer nothing would prove the link's fault, and the trial would not count."""
    faults = random_faults(topology, seed, 200, chance)
    links = [(fault, servers_of(targets(fault, topology))) for fault in faults if isinstance(fault, LinkFault)]
    for link, servers in links:
        for other in faults:
            if servers & set(targets(other, topology)):
                assert other.at_s >= link.heal_at_s or other.heal_at_s + chance.recovery_s <= link.at_s


@given(topologies, seeds, chances)
def test_the_same_seed_gives_the_same_faults(topology: Topology, seed: int, chance: Chance) -> None:
    """A trial that was broken by chance can be run again."""
    assert random_faults(topology, seed, 120, chance) == random_faults(topology, seed, 120, chance)


def test_other_seeds_give_other_faults() -> None:
    """Chance is not always the same."""
    chance = Chance(per_minute=6)
    assert len({random_faults(REFERENCE, seed, 120, chance) for seed in range(20)}) == 20


def test_every_kind_happens_and_as_often_as_asked() -> None:
    """Over many seeds each kind is drawn, links included, but the one that trials are too short for; the mean number is near the rate."""
    chance = Chance(per_minute=3, longest_s=2)
    schedules = [random_faults(WITH_LINKS, seed, 300, chance) for seed in range(100)]
    drawn = {fault.kind for faults in schedules for fault in faults}
    assert drawn == {*KINDS} - SETTLES_LATE
    mean = sum(map(len, schedules)) / len(schedules)
    assert 13.5 < mean <= 15.5  # Poisson with mean 15: the standard error over 100 schedules is 0.4; a few find no place


def test_without_links_no_link_is_struck() -> None:
    """The default is every kind, which a topology without links narrows."""
    assert not [
        fault for seed in range(20) for fault in random_faults(REFERENCE, seed, 120, Chance(per_minute=10)) if isinstance(fault, LinkFault)
    ]


def test_a_trial_has_the_plan_of_its_treatment_or_what_its_own_seed_draws() -> None:
    """Trials of one treatment have other faults each, the same whenever they are asked for, and the attempt at one carries out these."""
    asked = load("chaos")
    assert isinstance(asked, Experiment)
    attempts = [Attempt(asked, planned, Path("unused")) for planned in plan(asked)]
    drawn = [attempt.planned_faults for attempt in attempts]
    assert len(set(drawn)) == len(drawn) == asked.trials
    topology, chance = asked.topology, asked.treatments[0].chance
    assert chance is not None
    assert drawn[0] == random_faults(topology, plan(asked)[0].seed, asked.phases.total_s, chance)
    planned = Treatment(name="planned", title="planned", faults=drawn[0])
    assert faults_of(asked, planned, 1) == drawn[0]
