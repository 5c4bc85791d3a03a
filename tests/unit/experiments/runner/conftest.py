"""A suite on an outside without servers."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from experiments.definition import Experiment
from experiments.runner.interrupts import Interrupts
from experiments.runner.suite import Job, SuiteOutcome, run_suite
from experiments.settings import Settings
from tests.fakes.bench import FakeOutside, FakeProgress


@pytest.fixture
def fake() -> FakeOutside:
    """An outside that always works."""
    return FakeOutside()


@pytest.fixture
def progress() -> FakeProgress:
    """What the suite tells of itself."""
    return FakeProgress()


@pytest.fixture
def suite(fake: FakeOutside, progress: FakeProgress, tmp_path: Path) -> Callable[..., SuiteOutcome]:
    """Runs experiments on the fake outside."""

    def run(*experiments: Experiment) -> SuiteOutcome:
        settings = Settings(runs_dir=tmp_path / "runs", start_lead_s=0)
        jobs = [Job(experiment, "nox -s bench -- tiny") for experiment in experiments]
        outcome = SuiteOutcome()
        with Interrupts() as interrupts:
            run_suite(jobs, fake.outside, settings, interrupts, progress, outcome)
        return outcome

    return run
