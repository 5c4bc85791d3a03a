"""Calibrations from runs with known answers, and what a page says of them."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import numpy as np
import pytest

from experiments.calibration import PILOT, calibration
from experiments.definition import Metric
from experiments.errors import RecordError
from experiments.records.calibration import WINDOW_BLOCKS, Calibration, machine_key, read_calibration, write_calibration
from reports.analysis.calibration import METRICS, calibrate
from reports.errors import ReportError
from reports.page.calibration_part import LONGEST_AGE, calibration_part, staleness
from tests.unit.reports.factory import PROVENANCE, TrialSpec, counters_of, load_trials, steady, write

SERVICE_MS = 4.0
SPREAD = 0.01
"""Of a trial's latencies, as the logarithm of a factor."""


def _calibration(tmp_path: Path, *, blocks: int = 12) -> Calibration:
    asked = calibration(PILOT, SERVICE_MS / 1000, blocks=blocks)
    specs = {}
    for block in range(blocks):
        for place, treatment in enumerate(asked.treatments):
            rng = np.random.default_rng([block, place])
            factor = float(np.exp(rng.normal(0, SPREAD)))
            shape = rng.lognormal(0, 0.3, 1600)
            late_ms = treatment.delay_us / 1000
            requests = steady(
                rate_per_s=200,
                duration_s=8,
                response_ms=lambda number, _at_s, shape=shape, factor=factor, late_ms=late_ms: (
                    SERVICE_MS * factor * shape[number] + late_ms
                ),  # type: ignore[misc]
            )
            specs[block, treatment.name] = TrialSpec(requests, counters_of(asked.topology, sql_per_s=200))
    return calibrate(load_trials(write(tmp_path / "runs", asked, specs, run_id="20261122T120000Z-calibration")))


@pytest.fixture(scope="module")
def found(tmp_path_factory: pytest.TempPathFactory) -> Calibration:
    """A machine on which trials vary by 1 %."""
    return _calibration(tmp_path_factory.mktemp("calibration"))


def test_equal_treatments_are_compared_in_pairs_over_windows(found: Calibration) -> None:
    """Four equal treatments make six pairs; twelve blocks make two windows."""
    by_metric = {metric.metric: metric for metric in found.metrics}
    assert by_metric[Metric.RESPONSE_P50_MS].comparisons == 6 * (12 // WINDOW_BLOCKS)
    assert set(by_metric) <= set(METRICS)
    assert all(metric.false_alarms <= metric.comparisons / 3 for metric in found.metrics)


def test_the_spread_is_that_of_a_ratio_of_two_trials(found: Calibration) -> None:
    """Two trials that vary by 1 % each, with the noise of their own requests, have a ratio that varies by about sqrt(2) times as much."""
    (median,) = (metric for metric in found.metrics if metric.metric is Metric.RESPONSE_P50_MS)
    assert SPREAD < median.spread < 4 * SPREAD
    least = [ratio for ratio in median.smallest_detectable.values() if ratio is not None]
    assert least == sorted(least, reverse=True)
    assert least[-1] > 1


def test_planted_slowdowns_are_found_and_measured(found: Calibration) -> None:
    """+20 % of 4 ms is 0.8 ms, which every comparison finds on such a machine, and which is measured as what it is."""
    largest = found.planted[-1]
    assert (largest.share, largest.delay_us, largest.comparisons) == (0.2, 800.0, 8)
    assert largest.found == largest.comparisons
    assert largest.measured_ms == pytest.approx(0.8, rel=0.15)


def test_a_run_of_another_experiment_is_no_calibration(tmp_path: Path) -> None:
    """Nor is one that did not finish a window of blocks."""
    with pytest.raises(ReportError, match="nothing can be compared"):
        _calibration(tmp_path, blocks=2)


def test_a_calibration_is_kept_by_machine(tmp_path: Path, found: Calibration) -> None:
    """Another machine has none; a damaged file is one clear error."""
    file = write_calibration(tmp_path, found)
    assert read_calibration(tmp_path, PROVENANCE) == found
    other = PROVENANCE.model_copy(update={"cpu_count": 64})
    assert machine_key(other) != machine_key(PROVENANCE)
    assert read_calibration(tmp_path, other) is None
    file.write_text("{}", encoding="utf-8")
    with pytest.raises(RecordError, match="is no calibration of this version"):
        read_calibration(tmp_path, PROVENANCE)


def test_a_stale_calibration_says_so(tmp_path: Path, found: Calibration) -> None:
    """Another kernel, another commit or a month in between."""
    record = load_trials(write(tmp_path / "runs", calibration(PILOT, SERVICE_MS / 1000, blocks=1), {})).record
    assert staleness(record, found) == ()
    moved = record.model_copy(update={"provenance": PROVENANCE.model_copy(update={"kernel": "7.0", "git_commit": "f" * 40})})
    assert staleness(moved, found) == ("The calibration is stale: its kernel and git commit differ.",)
    late = record.model_copy(update={"started_at": found.made_at + LONGEST_AGE + timedelta(days=1)})
    assert "more than 30 days older" in staleness(late, found)[0]
    assert "has no calibration" in calibration_part(record, None, "cache").points[0]
