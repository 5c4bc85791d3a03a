"""The run directory of a capacity experiment."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from experiments.catalog.hotpath import EXPERIMENT
from experiments.definition import Implementation, Quantity
from experiments.errors import RecordError
from experiments.records.capacity import MEASUREMENT_SCHEMA, QUANTITIES, Measurement, PlannedMeasurement, figures, table
from experiments.records.files import MEASUREMENTS_FILE, RUN_FILE, CapacityRun, read_any_run, read_run
from tests.fakes.capacity import write_example

CPU = next(item for item in EXPERIMENT.comparisons if item.subject.quantity is Quantity.SERVER_CPU_US_PER_REQUEST)
COLD = next(item for item in EXPERIMENT.comparisons if item.reference is None)


def _measurement(number: int, path: str, side: Implementation, value: float, reason: str | None = None) -> Measurement:
    planned = PlannedMeasurement(position=number, round=number, path=path, implementation=side)
    values = {Quantity.SERVER_CPU_US_PER_REQUEST: value, Quantity.SQL_STATEMENTS: value}
    return Measurement(planned=planned, at_s=0.0, reason=reason, values=values)


def test_a_capacity_run_is_read_as_it_was_written(tmp_path: Path) -> None:
    """Its record says its kind, and its measurements have the documented columns."""
    path = write_example(tmp_path, rounds=2)
    run = read_any_run(path)
    assert isinstance(run, CapacityRun)
    assert run.record.experiment.comparisons == EXPERIMENT.comparisons
    assert run.measurements.schema == MEASUREMENT_SCHEMA
    assert run.finished_rounds == 2
    assert json.loads((path / RUN_FILE).read_text())["kind"] == "capacity"


def test_a_run_that_was_stopped_in_its_first_round_has_no_measurements(tmp_path: Path) -> None:
    """Its record can be read all the same."""
    path = write_example(tmp_path)
    (path / MEASUREMENTS_FILE).unlink()
    run = read_any_run(path)
    assert isinstance(run, CapacityRun)
    assert run.finished_rounds == 0


def test_it_is_not_taken_for_a_run_of_trials(tmp_path: Path) -> None:
    """Who needs trials is told in a sentence."""
    with pytest.raises(RecordError, match="is of a capacity experiment"):
        read_run(write_example(tmp_path))


def test_damaged_measurements_are_named(tmp_path: Path) -> None:
    """By their file."""
    path = write_example(tmp_path)
    (path / MEASUREMENTS_FILE).write_bytes(b"PAR1")
    with pytest.raises(RecordError, match=MEASUREMENTS_FILE):
        read_any_run(path)


def test_every_quantity_has_its_unit() -> None:
    """Nothing is recorded whose meaning is not."""
    assert set(QUANTITIES) == set(Quantity)


def test_a_ratio_is_of_one_round() -> None:
    """A round of which one side is missing or invalid has none."""
    hello, product = Implementation.HELLO, Implementation.PRODUCT
    measurements = [
        _measurement(0, "cached_course", product, 60),
        _measurement(0, "hello", hello, 30),
        _measurement(1, "cached_course", product, 60),
        _measurement(2, "cached_course", product, 60),
        _measurement(2, "hello", hello, 30, reason="3 requests failed"),
        _measurement(3, "cached_course", product, 90),
        _measurement(3, "hello", hello, 30),
    ]
    assert [(figure.round, figure.value) for figure in figures(CPU, table(measurements))] == [(0, 2.0), (3, 3.0)]


def test_a_figure_without_a_reference_stands_for_itself() -> None:
    """Also where it is 0."""
    measurements = [_measurement(number, "cold_key", Implementation.PRODUCT, number) for number in range(2)]
    assert [figure.value for figure in figures(COLD, table(measurements))] == [0.0, 1.0]
