"""The order of events of a capacity run, without servers."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable
from pathlib import Path

import pytest

from experiments.capacity.result import Result
from experiments.catalog.hotpath import EXPERIMENT
from experiments.definition import AnyExperiment, Implementation, Quantity, changed
from experiments.errors import MeasurementError
from experiments.records.capacity import PlannedMeasurement
from experiments.records.files import CapacityRun, read_any_run
from experiments.runner.interrupts import Interrupts
from experiments.runner.suite import Job, SuiteOutcome, run_suite
from experiments.settings import Settings
from infra.errors import InfraError
from tests.fakes.bench import CALM, FakeOutside, FakeProgress, tiny

TWO_ROUNDS = changed(EXPERIMENT, trials=2)
IN_A_ROUND = sum(len(path.implementations) for path in EXPERIMENT.paths)

Suite = Callable[..., SuiteOutcome]


@pytest.fixture
def fake() -> FakeOutside:
    """An outside that always works."""
    return FakeOutside()


@pytest.fixture
def progress() -> FakeProgress:
    """What is said."""
    return FakeProgress()


@pytest.fixture
def suite(fake: FakeOutside, progress: FakeProgress, tmp_path: Path) -> Suite:
    """Runs experiments on the fake outside."""

    def run(*experiments: AnyExperiment) -> SuiteOutcome:
        settings = Settings(runs_dir=tmp_path / "runs", start_lead_s=0)
        outcome = SuiteOutcome()
        with Interrupts() as interrupts:
            run_suite([Job(item, "nox -s bench") for item in experiments], fake.outside, settings, interrupts, progress, outcome)
        return outcome

    return run


def _run(outcome: SuiteOutcome) -> CapacityRun:
    (path,) = outcome.paths
    run = read_any_run(path)
    assert isinstance(run, CapacityRun)
    return run


def test_everything_planned_is_measured_prepared_and_recorded(fake: FakeOutside, suite: Suite, progress: FakeProgress) -> None:
    """Each measurement is prepared with the cache that its path wants, and has a line; all is removed before and after."""
    run = _run(suite(TWO_ROUNDS))
    assert run.record.status == "finished"
    assert run.record.provenance.load_generator == "fake wrk 1.0"
    assert run.finished_rounds == 2
    assert set(run.measurements.column("valid").to_pylist()) == {True}
    assert fake.rig.events[0] == fake.rig.events[-1] == "down"
    for prepared, measured in zip(fake.rig.events[1:-1:2], fake.rig.events[2:-1:2], strict=True):
        assert prepared == f"prepare {'cached' if EXPERIMENT.path(measured.split()[1]).cache else 'uncached'}"
    assert sum(line.startswith("finished") for line in progress.lines) == 2 * IN_A_ROUND


def test_ctrl_c_keeps_the_finished_rounds(fake: FakeOutside, suite: Suite) -> None:
    """What was measured of the round that was stopped is left out: a part of a block compares nothing."""

    def interrupt_in_the_second_round(planned: PlannedMeasurement) -> None:
        if planned.position == IN_A_ROUND + 3:
            os.kill(os.getpid(), signal.SIGINT)

    fake.rig.make = interrupt_in_the_second_round
    outcome = suite(TWO_ROUNDS)
    run = _run(outcome)
    assert outcome.signal == signal.SIGINT
    assert run.record.status == "interrupted"
    assert run.finished_rounds == 1
    assert fake.rig.events[-1] == "down"


def test_a_measurement_that_fails_is_recorded_with_its_reason_and_the_next_is_made(fake: FakeOutside, suite: Suite) -> None:
    """It has its duration and nothing else; one that doesn't count keeps its figures."""

    def fail(planned: PlannedMeasurement) -> Result | Exception | None:
        if planned.path == "cached_list" and planned.implementation is Implementation.TUTORIAL:
            return MeasurementError("wrk printed no result: nothing")
        return Result({Quantity.REQUESTS: 9.0}, "1 of 10 requests failed") if planned.path == "cold_key" else None

    fake.rig.make = fail
    outcome = suite(TWO_ROUNDS)
    invalid = [row for row in _run(outcome).measurements.to_pylist() if not row["valid"]]
    assert {(row["path"], row["quantity"], row["reason"]) for row in invalid} == {
        ("cached_list", "duration_s", "wrk printed no result: nothing"),
        ("cold_key", "requests", "1 of 10 requests failed"),
    }
    assert outcome.runs[0].invalid == 2 * 3
    assert outcome.runs[0].finished == 2 * IN_A_ROUND


def test_failures_in_a_row_end_the_run(fake: FakeOutside, suite: Suite) -> None:
    """After three the rest would fail too."""
    fake.rig.make = lambda _: MeasurementError("no")
    outcome = suite(TWO_ROUNDS)
    assert outcome.runs[0].error == "3 measurements in a row failed, the last one because of no"
    assert _run(outcome).record.status == "failed"
    assert fake.rig.events[-1] == "down"


def test_what_does_not_come_up_leaves_no_empty_run(fake: FakeOutside, suite: Suite) -> None:
    """The reason is handed back, and what was begun is removed."""
    fake.rig.fail_prepare = InfraError("wrk can't be had")
    outcome = suite(TWO_ROUNDS)
    assert outcome.runs[0].error == "wrk can't be had"
    assert outcome.paths == []
    assert fake.rig.events[-1] == "down"


def test_no_two_kinds_of_deployment_are_up_at_the_same_time(fake: FakeOutside, suite: Suite) -> None:
    """Either side of a capacity run, the other kind's deployment is removed first."""
    trials = tiny(treatments=(CALM,), trials=1)
    suite(trials, TWO_ROUNDS, trials)
    assert fake.events.count("up") == 2
    assert fake.events.count("down") == 3
    assert fake.rig.events.count("down") == 4
