"""Run directories and a built page that several tests look at."""

from __future__ import annotations

from pathlib import Path

import pytest

from reports.build import BuiltReport, build
from reports.loading import load
from reports.page.data import Page
from reports.page.document import page
from reports.page.sections import judge
from tests.unit.reports.example_runs import write_cache_run, write_failover_run


@pytest.fixture(scope="module")
def runs(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """The cache run and the failover run in one folder."""
    folder = tmp_path_factory.mktemp("lab") / "runs"
    return write_cache_run(folder), write_failover_run(folder)


@pytest.fixture(scope="module")
def document(runs: tuple[Path, Path]) -> Page:
    """The data of the page of both runs."""
    return page([judge(load(run)) for run in runs])


@pytest.fixture(scope="module")
def suite(runs: tuple[Path, Path]) -> BuiltReport:
    """Both runs on one page."""
    return build(runs)
