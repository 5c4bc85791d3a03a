"""Run directories and what is made of them, each once for all tests that only look at it."""

from __future__ import annotations

from pathlib import Path

import pytest

from reports.build import BuiltReport, build
from reports.measurements import CapacityData
from reports.page.capacity_section import JudgedCapacity, judge_capacity
from reports.page.data import Page
from reports.page.sections import JudgedRun, judge_trials
from tests.unit.reports.capacity_runs import write_capacity_run
from tests.unit.reports.example_runs import write_cache_run, write_failover_run
from tests.unit.reports.factory import load_capacity, load_trials


@pytest.fixture(scope="session")
def runs(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, ...]:
    """The cache run, the failover run and the capacity run in one folder."""
    folder = tmp_path_factory.mktemp("lab") / "runs"
    return write_cache_run(folder), write_failover_run(folder), write_capacity_run(folder)


@pytest.fixture(scope="session")
def cache(runs: tuple[Path, ...]) -> JudgedRun:
    """The cache run, computed and judged."""
    return judge_trials(load_trials(runs[0]))


@pytest.fixture(scope="session")
def failover(runs: tuple[Path, ...]) -> JudgedRun:
    """The failover run, computed and judged."""
    return judge_trials(load_trials(runs[1]))


@pytest.fixture(scope="session")
def measured(runs: tuple[Path, ...]) -> CapacityData:
    """The capacity run as it was measured."""
    return load_capacity(runs[2])


@pytest.fixture(scope="session")
def capacity(measured: CapacityData) -> JudgedCapacity:
    """The capacity run, computed and judged."""
    return judge_capacity(measured)


@pytest.fixture(scope="session")
def suite(runs: tuple[Path, ...]) -> BuiltReport:
    """All runs on one page."""
    return build(runs)


@pytest.fixture(scope="session")
def document(suite: BuiltReport) -> Page:
    """The data of that page."""
    return suite.document
