"""What a run does about its trials' independence: fresh deployments, the same reset for all, repeats of what is invalid."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable, Iterator
from itertools import pairwise

import pytest

from experiments.definition import Operation, Treatment
from experiments.errors import TrialError
from experiments.load import LoadError
from experiments.plan import plan
from experiments.records.files import Trial, read_run
from experiments.records.schema import PlannedTrial
from experiments.runner.suite import SuiteOutcome
from infra.errors import InfraError
from tests.fakes.bench import CALM, FakeLoadResult, FakeOutside, FakeProgress, enrolments, tiny

Suite = Callable[..., SuiteOutcome]
CALM_ONLY = tiny(treatments=(CALM,), trials=3)
SCALED = Treatment(name="scaled", title="two replicas", factors={"courses.replicas": 2})
UNCACHED = Treatment(name="uncached", title="no cache", factors={"cache": False})


def _trials(outcome: SuiteOutcome) -> list[Trial]:
    """In the order in which they were run."""
    (path,) = outcome.paths
    return sorted(read_run(path).trials(), key=lambda trial: (trial.record.block, trial.record.position))


def _restarted(events: list[str]) -> Iterator[set[str]]:
    """For each trial the nodes that were stopped and started again between its deployment and its load."""
    text = "\n".join(events)
    for trial in text.split("\nup")[1:]:
        before_load = trial.partition("load start")[0].splitlines()
        stopped = {line.removeprefix("stop ") for line in before_load if line.startswith("stop ")}
        started = {line.removeprefix("start ") for line in before_load if line.startswith("start ")}
        assert stopped == started
        yield stopped


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_where_topologies_differ_every_replica_is_new_in_every_trial(fake: FakeOutside, suite: Suite, seed: int) -> None:
    """What served before, the seeding too, is restarted, also without a switch; what the switch has started is new already."""
    experiment = tiny(treatments=(CALM, SCALED), trials=4, seed=seed)
    suite(experiment)
    sets = {"calm": {"courses-1", "worker-1"}, "scaled": {"courses-1", "courses-2", "worker-1"}}
    order = [sets[trial.treatment] for trial in plan(experiment)]
    expected = [order[0], *(before & after for before, after in pairwise(order))]
    assert list(_restarted(fake.events)) == expected


def test_what_the_switch_has_restarted_is_not_restarted_again(fake: FakeOutside, suite: Suite) -> None:
    """Cache on and off are in the environment of every replica, so a switch starts them all; between equal treatments the stage does."""
    experiment = tiny(treatments=(CALM, UNCACHED), trials=2)
    suite(experiment)
    names = [trial.treatment for trial in plan(experiment)]
    everything = {"courses-1", "worker-1"}
    expected = [everything, *(set() if before != after else everything for before, after in pairwise(names))]
    assert expected.count(everything) == 2
    assert list(_restarted(fake.events)) == expected


def test_on_one_topology_nothing_is_restarted(fake: FakeOutside, suite: Suite) -> None:
    """Replicas live through all trials, those that a fault stops excepted."""
    suite(tiny(trials=3))
    assert list(_restarted(fake.events)) == [set()] * 6


@pytest.mark.parametrize(("treatments", "words"), [((CALM, SCALED), "started afresh before every trial"), ((CALM,), "live through")])
def test_what_was_reset_is_recorded_and_the_same_for_all(suite: Suite, treatments: tuple[Treatment, ...], words: str) -> None:
    """In words, with every trial."""
    resets = {trial.record.reset for trial in _trials(suite(tiny(treatments=treatments)))}
    assert len(resets) == 1
    assert words in " ".join(resets.pop())


def test_every_bring_up_is_fresh(fake: FakeOutside, suite: Suite) -> None:
    """Deployment and data go after the last block of a bring-up, and the next block makes its own."""
    outcome = suite(tiny(treatments=(CALM,), trials=5, bring_ups=2))
    trial = ["up", "flush", "load start", "load stop", "final read"]
    first = ["up", "seed", *trial[1:]]
    assert fake.events == ["heal", "down", *first, *trial, *trial, "down", *first, *trial, "down"]
    assert [trial.record.bring_up for trial in _trials(outcome)] == [0, 0, 0, 1, 1]


def test_the_first_bring_up_is_fresh_too(fake: FakeOutside, suite: Suite) -> None:
    """What an experiment that only read has left would do for one bring-up, and not for one of several."""
    readers = CALM_ONLY.model_copy(update={"mix": {Operation.READ_COURSE: 1.0}})
    suite(readers, readers.model_copy(update={"bring_ups": 3}))
    assert fake.events.count("seed") == 4
    assert fake.events.count("down") == 5


def test_what_earlier_bring_ups_measured_is_kept_if_one_fails(fake: FakeOutside, suite: Suite) -> None:
    """The run says that it failed, and nothing stays deployed."""

    def fail_after_the_first() -> None:
        fake.platform.fail_up = InfraError("broker was not ready")

    fake.load.on_look = fail_after_the_first
    outcome = suite(tiny(treatments=(CALM,), trials=2, bring_ups=2))
    assert len(_trials(outcome)) == 1
    assert outcome.runs[0].error == "broker was not ready"
    assert fake.events[-1] == "down"


def _failing(fake: FakeOutside, *failures: int) -> None:
    """The loads of these numbers, from 0, fail."""
    numbers = iter(range(10**6))

    def make() -> FakeLoadResult | Exception:
        return LoadError("no") if next(numbers) in failures else enrolments(3)

    fake.load.make = make


def _attempts(outcome: SuiteOutcome) -> list[tuple[int, str, int, bool]]:
    records = [trial.record for trial in _trials(outcome)]
    return [(record.block, record.treatment, record.attempt, record.valid) for record in records]


def test_an_invalid_trial_is_repeated_after_the_last_trial_of_its_block(fake: FakeOutside, progress: FakeProgress, suite: Suite) -> None:
    """Under the same seed, with the rest of the same portion of students, and said as a step more; the invalid one stays on record."""
    _failing(fake, 0)
    outcome = suite(tiny())
    first, second, third, fourth = plan(tiny())
    assert _attempts(outcome) == [
        (0, first.treatment, 1, False),
        (0, second.treatment, 1, True),
        (0, first.treatment, 2, True),
        (1, third.treatment, 1, True),
        (1, fourth.treatment, 1, True),
    ]
    assert fake.load.portions == [0, 1, 0, 2, 3]
    repeated = next(trial.record for trial in _trials(outcome) if trial.record.attempt == 2)
    assert repeated.trial_id == f"004-b0-{first.treatment}-again1"
    assert (repeated.seed, repeated.run_id) == (first.seed, outcome.paths[0].name)
    assert progress.lines.count("added") == 1
    assert f"started tiny: {first.treatment}, block 1, again" in progress.lines
    assert (outcome.runs[0].finished, outcome.runs[0].invalid) == (5, 1)


def test_a_run_repeats_no_more_than_its_bound(fake: FakeOutside, suite: Suite) -> None:
    """Four planned trials allow two repeats, wherever they are needed."""
    fake.inspection.fail = TrialError("GET /enroll failed")
    fake.load.make = lambda: enrolments(3)
    outcome = suite(tiny(treatments=(CALM,), trials=2))
    assert [record[2] for record in _attempts(outcome)] == [1, 2, 3]  # and three in a row end the run
    _failing(fake, 0, 1, 3)
    fake.inspection.fail = None
    attempts = _attempts(suite(tiny()))
    assert [(block, attempt) for block, _, attempt, _ in attempts] == [(0, 1), (0, 1), (0, 2), (0, 2), (1, 1), (1, 1)]
    assert [valid for *_, valid in attempts] == [False, False, True, False, True, True]


def test_nothing_is_repeated_after_an_interrupt(fake: FakeOutside, suite: Suite) -> None:
    """An invalid trial of an unfinished block stays alone."""
    _failing(fake, 0)

    def interrupt_the_second() -> None:
        if fake.events.count("load start") == 2:
            os.kill(os.getpid(), signal.SIGINT)

    fake.load.on_look = interrupt_the_second
    outcome = suite(tiny())
    assert outcome.signal == signal.SIGINT
    assert [valid for *_, valid in _attempts(outcome)] == [False]


def test_every_trial_says_which_run_it_belongs_to(suite: Suite) -> None:
    """By the run's id, which is in run.json too."""
    outcome = suite(tiny())
    assert {trial.record.run_id for trial in _trials(outcome)} == {read_run(outcome.paths[0]).record.run_id}


def test_the_name_of_a_repeat_follows_from_its_attempt() -> None:
    """And differs from that of the trial that it repeats."""
    planned = PlannedTrial(position=7, block=1, treatment="calm", seed=1, attempt=3)
    assert planned.trial_id == "007-b1-calm-again2"
