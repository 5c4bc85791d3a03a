"""The order of events of a whole suite, without servers."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable
from pathlib import Path

import pyarrow as pa
import pytest

from experiments.definition import Operation
from experiments.errors import RecordError, TrialError
from experiments.invariants.history import History
from experiments.load import LoadError
from experiments.records.files import Trial, read_run, read_trial_history
from experiments.records.schema import REQUEST_SCHEMA, ValidityRules
from experiments.runner.interrupts import Interrupts
from experiments.runner.stages import STAGES
from experiments.runner.suite import Job, SuiteOutcome, run_suite
from experiments.settings import Settings
from infra.errors import InfraError
from tests.fakes.bench import CALM, FakeLoadResult, FakeOutside, FakeProgress, enrolments, tiny

CALM_ONLY = tiny(treatments=(CALM,), trials=3)


Suite = Callable[..., SuiteOutcome]


def _trials(outcome: SuiteOutcome) -> list[Trial]:
    (path,) = outcome.paths
    return list(read_run(path).trials())


def test_stages_of_a_trial_come_in_their_order() -> None:
    """Nothing is measured before it is deployed, seeded, restarted and flushed, nor recorded before it has settled."""
    assert [stage.name for stage in STAGES] == [
        "deploy",
        "seed",
        "restart replicas",
        "launch load generator",
        "flush cache",
        "plant delay",
        "look before",
        "fill cache",
        "load",
        "settle",
    ]


def test_a_suite_deploys_once_seeds_once_and_removes_everything(fake: FakeOutside, suite: Suite) -> None:
    """What an earlier bench left goes first, and the deployment is changed and never remade between trials."""
    outcome = suite(CALM_ONLY)
    trial = ["up", "flush", "load start", "load stop", "final read"]
    assert fake.events == ["heal", "down", "up", "seed", *trial[1:], *trial, *trial, "down"]
    assert outcome.signal is None
    assert read_run(outcome.paths[0]).record.status == "finished"


def test_a_cache_that_is_to_be_steady_is_filled_and_aged_just_before_the_load(fake: FakeOutside, suite: Suite) -> None:
    """After it was emptied, under every treatment alike."""
    suite(tiny(cache_start="steady", trials=1))
    began = ["up", "flush", "read /courses/1 /courses/2", "age", "load start"]
    assert [event for event in fake.events if event in began] == [*began, *began]


def test_every_trial_of_the_plan_is_recorded_and_valid(suite: Suite) -> None:
    """The run directory holds the plan's trials in its order, each with the verdicts on its history."""
    trials = _trials(suite(tiny()))
    assert [trial.record.position for trial in trials] == [0, 1, 2, 3]
    assert all(trial.record.valid for trial in trials), [trial.record.reasons for trial in trials]
    for trial in trials:
        judged = {record.name: record for record in trial.record.invariants}
        assert [judged[name].verdict for name in ("no_loss", "no_ghosts", "no_over_enrolment")] == ["pass"] * 3
        assert all(record.verdict == "pass" or record.is_vacuous for record in judged.values())
    crashed = next(trial for trial in trials if trial.record.treatment == "crash")
    assert crashed.record.faults[0].proof is not None
    assert crashed.state.settled_at_s is not None
    assert crashed.state.settled_at_s >= crashed.record.phases[-1].end_s
    assert crashed.state.outcomes == {"enrolled": 3}


def test_replicas_are_asked_in_every_trial_of_an_experiment_that_breaks_something_and_in_no_other(fake: FakeOutside, suite: Suite) -> None:
    """Control and treatment bear the same questions; figures of an experiment without faults bear none."""
    suite(tiny())
    assert fake.inspection.asked_replicas == [True] * 4
    fake.inspection.asked_replicas.clear()
    suite(CALM_ONLY)
    assert fake.inspection.asked_replicas == [False] * 3


def test_no_two_trials_share_their_pairs(fake: FakeOutside, suite: Suite) -> None:
    """Each trial of a run gets another portion of students and courses to enrol."""
    suite(tiny())
    assert fake.load.portions == [0, 1, 2, 3]


def test_an_experiment_that_enrols_leaves_no_data_to_the_next(fake: FakeOutside, suite: Suite) -> None:
    """The next one starts from nothing and is seeded anew."""
    suite(CALM_ONLY, CALM_ONLY)
    assert fake.events.count("seed") == 2
    assert fake.events.count("down") == 3


def test_an_experiment_that_only_reads_leaves_its_data_to_the_next(fake: FakeOutside, suite: Suite) -> None:
    """The same data is seeded once for both."""
    readers = CALM_ONLY.model_copy(update={"mix": {Operation.READ_COURSE: 1.0}})
    suite(readers, CALM_ONLY)
    assert fake.events.count("seed") == 1
    assert fake.events.count("down") == 2


def _interrupt() -> None:
    os.kill(os.getpid(), signal.SIGINT)


def test_ctrl_c_in_the_load_keeps_finished_trials_and_removes_everything(fake: FakeOutside, suite: Suite) -> None:
    """The trial that was running is dropped, the load is stopped, the deployment removed, and the run says so."""

    def interrupt_the_second() -> None:
        if fake.events.count("load start") == 2:
            _interrupt()

    fake.load.on_look = interrupt_the_second
    outcome = suite(CALM_ONLY)
    assert outcome.signal == signal.SIGINT
    assert len(_trials(outcome)) == 1
    assert read_run(outcome.paths[0]).record.status == "interrupted"
    assert fake.events[-2:] == ["load stop", "down"]
    assert [path.name for path in outcome.paths[0].iterdir()].count(".scratch") == 0


def test_ctrl_c_heals_a_fault(fake: FakeOutside, suite: Suite) -> None:
    """A node that was killed is started again before the deployment goes."""

    def interrupt_after_the_kill() -> None:
        if "kill courses-1" in fake.events:
            _interrupt()

    fake.load.on_look = interrupt_after_the_kill
    suite(tiny(trials=1, treatments=(tiny().treatment("crash"),)))
    assert fake.events[-1] == "down"
    assert "launch courses-1" in fake.events


def test_more_ctrl_c_while_stopping_change_nothing(fake: FakeOutside, suite: Suite) -> None:
    """Whoever presses again and again gets the same clean end."""

    def interrupt_again_and_again() -> None:
        for _ in range(3):
            _interrupt()

    fake.load.on_look = interrupt_again_and_again
    outcome = suite(CALM_ONLY)
    assert outcome.signal == signal.SIGINT
    assert fake.events[-2:] == ["load stop", "down"]


def test_a_trial_s_history_is_in_its_folder_from_the_phases_to_the_final_read(suite: Suite) -> None:
    """Operations, faults and what was looked at are on one clock and in one file, and nothing else is left of its making."""
    outcome = suite(tiny(trials=1, treatments=(tiny().treatment("crash"),)))
    (folder,) = read_run(outcome.paths[0]).trial_paths()
    history = History(read_trial_history(folder))
    assert [event.at_s for event in history.events] == sorted(event.at_s for event in history.events)
    assert len(history.accepted) == 3
    assert [fault.step for fault in history.faults] == ["begin", "proven", "healed", "ready"]
    assert [mark.name for mark in history.marks] == ["measure", "load_over", "healed", "quiet"]
    assert history.trial is not None
    assert (history.trial.trial_id, history.trial.staleness_bound_s) == (folder.name, 60.0)
    assert [path.name for path in outcome.paths[0].iterdir() if path.name.startswith(".")] == []


def test_a_failed_load_is_recorded_with_its_reason_and_the_next_trial_runs(fake: FakeOutside, suite: Suite) -> None:
    """The trial is invalid, and its invariants are unknown rather than passed."""
    outcomes: list[FakeLoadResult | Exception] = [LoadError("the generator died"), *[enrolments(3)] * 3]
    fake.load.make = lambda: outcomes.pop(0)
    outcome = suite(CALM_ONLY)
    first, second, *_ = _trials(outcome)
    assert first.record.reasons == ("load: the generator died",)
    assert {record.verdict for record in first.record.invariants} == {"unknown"}
    assert second.record.valid
    assert outcome.runs[0].invalid == 1


def test_an_unanswered_request_may_take_effect_in_a_later_trial_and_only_once(fake: FakeOutside, suite: Suite) -> None:
    """Requests that timed out in one trial and appear in the next are no ghosts; more than went unanswered are."""
    first = enrolments(2, outcome="timeout")
    outcomes = [first, enrolments(3), enrolments(3)]
    fake.load.make = lambda: outcomes.pop(0)
    late = (("late-0", first.key(0)), ("late-1", first.key(1)))
    fake.inspection.unacknowledged = [(), late, (("again", first.key(0)),)]
    verdicts = [{item.name: item.verdict for item in trial.record.invariants}["no_ghosts"] for trial in _trials(suite(CALM_ONLY))]
    assert verdicts == ["unknown", "pass", "fail"]  # in the first there is no enrolment at all


def test_a_state_that_can_not_be_read_makes_a_trial_invalid(fake: FakeOutside, suite: Suite) -> None:
    """Its requests are kept."""
    fake.inspection.fail = TrialError("GET /enroll failed")
    first = _trials(suite(tiny(treatments=(CALM,), trials=1)))[0]
    assert not first.record.valid
    assert first.requests.num_rows == 3
    assert {record.verdict for record in first.record.invariants} == {"unknown"}


def test_a_run_of_failures_ends_the_run(fake: FakeOutside, suite: Suite) -> None:
    """After three in a row the rest would fail too; what was recorded stays, and the deployment goes."""
    fake.load.make = lambda: LoadError("no")
    outcome = suite(tiny(treatments=(CALM,), trials=9))
    assert len(_trials(outcome)) == 3
    assert read_run(outcome.paths[0]).record.status == "failed"
    assert outcome.runs[0].error == "3 trials in a row failed, the last one because of load: no"
    assert fake.events[-1] == "down"


def test_a_deployment_that_does_not_come_up_leaves_no_empty_run(fake: FakeOutside, suite: Suite, tmp_path: Path) -> None:
    """The reason is handed back, and what was begun is removed."""
    fake.platform.fail_up = InfraError("broker was not ready")
    outcome = suite(CALM_ONLY)
    assert outcome.runs[0].error == "broker was not ready"
    assert outcome.paths == []
    assert list((tmp_path / "runs").iterdir()) == []
    assert fake.events[-1] == "down"


def test_too_late_a_generator_makes_a_trial_invalid(fake: FakeOutside, suite: Suite) -> None:
    """The reason has the figure and the limit, which stands in the run's record; so does how the instrument itself did."""
    requests = enrolments(3).requests
    sent_s = pa.array([at_s + 0.123 for at_s in requests["intended_s"].to_pylist()])
    late = requests.set_column(requests.schema.get_field_index("sent_s"), REQUEST_SCHEMA.field("sent_s"), sent_s)
    fake.load.make = lambda: FakeLoadResult(late, offered=4)
    outcome = suite(tiny(treatments=(CALM,), trials=1))
    first = _trials(outcome)[0]
    assert len(first.record.reasons) == 2
    assert "3 of 4" in first.record.reasons[0]
    assert "123.0 ms late (limit 2.0 ms)" in first.record.reasons[1]
    assert first.record.slip_p99_ms == pytest.approx(123)
    assert read_run(outcome.paths[0]).record.rules == ValidityRules()


def test_the_instrument_watches_itself(suite: Suite) -> None:
    """Each trial records the machine, the generator and the lab, how its probes did, and one epoch from both ends of the load."""
    trial = _trials(suite(tiny(treatments=(CALM,), trials=1)))[0]
    assert {"machine", "generator", "lab", "probe-machine"} <= set(trial.samples["node"].to_pylist())
    assert {(probe.name, probe.failed) for probe in trial.record.probes} == {("fake", 0), ("machine", 0)}
    assert trial.record.clock is not None
    assert trial.record.epoch_unix_s == trial.record.clock.epoch_at_start_unix_s


def test_a_runs_folder_that_can_not_be_written_is_found_before_anything_starts(fake: FakeOutside, tmp_path: Path) -> None:
    """The error names the folder, and nothing was deployed."""
    (tmp_path / "runs").write_text("in the way")
    settings = Settings(runs_dir=tmp_path / "runs")
    with Interrupts() as interrupts, pytest.raises(RecordError, match="runs can't be written there"):
        run_suite([Job(CALM_ONLY, "")], fake.outside, settings, interrupts, FakeProgress(), SuiteOutcome())
    assert fake.events == []


def test_too_little_room_is_found_before_anything_starts(fake: FakeOutside, tmp_path: Path) -> None:
    """A disk that is nearly full is named with what a run needs."""
    settings = Settings(runs_dir=tmp_path, free_space_mib=10**9)
    with Interrupts() as interrupts, pytest.raises(RecordError, match="MiB are free and a run needs 1000000000"):
        run_suite([Job(CALM_ONLY, "")], fake.outside, settings, interrupts, FakeProgress(), SuiteOutcome())
    assert fake.events == []


def test_a_planted_delay_is_set_in_every_trial_of_an_experiment_that_has_one_and_in_no_other(fake: FakeOutside, suite: Suite) -> None:
    """A trial without a delay takes back what the trial before it planted."""
    slowed = CALM.model_copy(update={"name": "slowed", "delay_us": 250.0})
    suite(tiny(treatments=(CALM, slowed), trials=1, topology={"links": {"enabled": True}}))
    assert sorted(event for event in fake.events if event.startswith("hold back")) == ["hold back 0", "hold back 250"]
    fake.events.clear()
    suite(CALM_ONLY)
    assert not [event for event in fake.events if event.startswith("hold back")]
