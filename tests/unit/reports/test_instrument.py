"""What the page says of the lab's own eyes: processor use, probes that missed, counters that lost a part."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from experiments.definition import Fault, Metric, Phases, Treatment
from experiments.records.schema import FaultRecord, ProbeRecord
from reports.analysis.counters import restarted
from reports.analysis.estimates import Observation
from reports.analysis.instrument import probe_watches, restarted_nodes
from reports.analysis.measures import measures
from reports.analysis.nodes import node_rows
from reports.loading import RunData, TrialData, Window
from reports.page.data import Tone
from reports.page.instrument_tables import probe_warnings, probes_table, with_lower_bounds
from reports.page.measure_tables import nodes_table
from reports.page.node_charts import inside_charts
from tests.unit.reports.factory import TrialSpec, counters_of, experiment, load_trials, steady, trial_data, write

PHASES = Phases(warm_up_s=2, measure_s=8)
STRUCK = FaultRecord(
    planned=Fault(node="courses-1", at_s=4, duration_s=2), injected_s=4.0, proven_s=4.1, proof="gone", healed_s=6.0, ready_s=7.0
)
Counters = Mapping[tuple[str, str], Callable[[float], float]]


def _trial(tmp_path: Path, counters: Counters, *, probes: tuple[ProbeRecord, ...] = (), faults: tuple[FaultRecord, ...] = ()) -> TrialData:
    made = trial_data(tmp_path, TrialSpec(steady(rate_per_s=50, duration_s=10), counters=counters), phases=PHASES)
    return replace(made, record=made.record.model_copy(update={"probes": probes, "faults": faults}))


def _watched(failed_at_s: tuple[float, ...], *, readings: int = 21) -> tuple[ProbeRecord, ...]:
    return (ProbeRecord(name="redis", readings=readings, failed=len(failed_at_s), reason="away", failed_at_s=failed_at_s),)


PROBED: Counters = {("probe-redis", "probe_cpu_seconds"): lambda at_s: at_s / 100}
"""Every half second of 10 s: 21 readings."""


@pytest.mark.parametrize(
    ("failed_at_s", "faults", "is_blind"),
    [
        ((), (), False),
        (tuple(np.arange(0.1, 10, 0.5)), (), False),  # 20 failed beside 21 that were taken
        (tuple(np.arange(0.1, 10.7, 0.5)), (), True),  # 22 beside 21
        (tuple(np.arange(3.6, 7.4, 0.1)), (STRUCK,), False),  # all of the many lie in the fault's time or its margin
        (tuple(np.arange(3.6, 7.4, 0.1)), (), True),
        (tuple(np.arange(0.1, 3.4, 0.1)), (STRUCK,), True),
    ],
)
def test_a_probe_is_blind_if_it_fails_half_of_its_readings_outside_of_faults(
    failed_at_s: tuple[float, ...],
    faults: tuple[FaultRecord, ...],
    is_blind: bool,  # noqa: FBT001 - a row
    tmp_path: Path,
) -> None:
    """A killed server can't be read, and that is no fault of the probe."""
    (watch,) = probe_watches(_trial(tmp_path, PROBED, probes=_watched(failed_at_s), faults=faults))
    assert watch.is_blind is is_blind
    assert (watch.taken, watch.failed) == (21, len(failed_at_s))


def test_a_probe_that_never_read_is_blind(tmp_path: Path) -> None:
    """It has no sample at all."""
    (watch,) = probe_watches(_trial(tmp_path, {}, probes=_watched((1.0, 2.0), readings=0)))
    assert watch.is_blind


def _run(trial: TrialData, run: RunData) -> RunData:
    return replace(run, trials=(trial,))


@pytest.fixture(name="plain")
def _plain(tmp_path: Path) -> RunData:
    """A run of one trial without any word of its probes."""
    asked = experiment(treatments=(Treatment(name="plain", title="plain"),), phases=PHASES, trials=1)
    spec = TrialSpec(steady(rate_per_s=50, duration_s=10))
    return load_trials(write(tmp_path / "plain", asked, {(0, "plain"): spec}))


def test_what_a_probe_missed_is_a_row_and_a_warning(plain: RunData, tmp_path: Path) -> None:
    """With the reason; a probe that took every reading is not told of."""
    whole = ProbeRecord(name="postgres-courses", readings=21, failed=0)
    run = _run(_trial(tmp_path, PROBED, probes=(*_watched(tuple(np.arange(0.1, 10.7, 0.5))), whole)), plain)
    table = probes_table(run, "sample")
    assert table is not None
    (row,) = table.rows
    assert [cell.text for cell in row] == ["plain", "redis", "21", "22", "22", "1", "away"]
    assert row[5].tone is Tone.BAD
    (warning,) = probe_warnings(run)
    assert warning.startswith("The redis probe failed half or more of its readings outside of faults in 1 trial")


def test_a_few_missed_readings_are_told_without_a_warning(plain: RunData, tmp_path: Path) -> None:
    """They stand in the table."""
    run = _run(_trial(tmp_path, PROBED, probes=_watched((1.0,))), plain)
    assert probe_warnings(run) == ()
    assert probes_table(run, "sample") is not None


def test_a_run_from_before_probes_were_noted_has_no_table(plain: RunData) -> None:
    """Nothing is made up for it."""
    assert probes_table(plain, "sample") is None
    assert probe_warnings(plain) == ()


@pytest.mark.parametrize(
    ("values", "is_lost"),
    [
        ((10, 20, 30, 40), False),
        ((10, 20, 1, 11), True),
        ((10, 20, 19, 29), False),  # a child that ended
        ((10, 1, 11, 21), False),  # between the first two readings, before the window
    ],
)
def test_a_counter_that_began_again_in_the_window_has_lost_something(values: tuple[float, ...], is_lost: bool) -> None:  # noqa: FBT001 - a row
    """Outside of it, the loss is none of its figures'."""
    assert restarted(np.array([0.0, 1.0, 2.0, 3.0]), np.array(values, dtype=np.float64), Window(1.5, 3)) is is_lost


def test_figures_of_a_restarted_node_are_said_to_be_lower_bounds(plain: RunData, tmp_path: Path) -> None:
    """The note names node and treatment; where nothing was started again the table stays as it is."""
    steady_table = nodes_table(plain, "sample")
    assert with_lower_bounds(steady_table, plain) is steady_table
    counters = {("courses-1", "cpu_seconds"): lambda at_s: 5 + at_s if at_s < 5 else (at_s - 5) / 2}
    trial = _trial(tmp_path, counters)
    assert restarted_nodes([trial]) == ("courses-1",)
    assert "courses-1 under “plain”" in with_lower_bounds(steady_table, _run(trial, plain)).note


def test_the_instrument_is_drawn_and_counts_for_no_figure_of_the_system(plain: RunData, tmp_path: Path) -> None:
    """Generator, lab, machine and link proxies: each has its line, and none is in the processor time of a request or the nodes' table."""
    topology = plain.record.experiment.topology
    system = counters_of(topology, sql_per_s=0)
    instrument: Counters = {
        ("generator", "instrument_cpu_seconds"): lambda at_s: 0.2 * at_s,
        ("lab", "instrument_cpu_seconds"): lambda at_s: 0.1 * at_s,
        ("links", "cpu_seconds"): lambda at_s: 0.3 * at_s,
        ("machine", "machine_busy_seconds"): lambda at_s: 1.5 * at_s,
        ("machine", "steal_seconds"): lambda at_s: 0.05 * at_s,
        ("machine", "cpu_pressure_seconds"): lambda at_s: 0.4 * at_s,
        ("machine", "load_average"): lambda _at_s: 2.5,
    }
    alone, watched = _trial(tmp_path / "alone", system), _trial(tmp_path / "watched", {**system, **instrument})
    cost = measures(alone)[Metric.CPU_MS_PER_REQUEST]
    assert isinstance(cost, Observation)
    assert measures(watched)[Metric.CPU_MS_PER_REQUEST] == cost
    assert [row.node for row in node_rows([watched])] == [row.node for row in node_rows([alone])]
    (chart,) = inside_charts(_run(watched, plain), "sample")
    lines = {panel.title: {line.name: line.y for line in panel.lines} for panel in chart.panels}
    used = lines["Processors used: system and instrument"]
    nodes = sum(metric == "cpu_seconds" for _, metric in system)
    assert {name: y[4] for name, y in used.items()} == pytest.approx({"system": 0.05 * nodes, "generator": 0.2, "lab": 0.1, "links": 0.3})
    machine = lines["Machine: used, stolen, waiting for a processor"]
    assert [y[4] for y in machine.values()] == pytest.approx([1.5, 0.05, 0.4])
    assert lines["Machine: load average over a minute"]["load average"][4] == 2.5


def test_a_run_from_before_the_machine_was_recorded_has_no_such_panel(plain: RunData, tmp_path: Path) -> None:
    """Its chart is as it was."""
    trial = _trial(tmp_path, counters_of(plain.record.experiment.topology, sql_per_s=0))
    (chart,) = inside_charts(_run(trial, plain), "sample")
    assert not [panel.title for panel in chart.panels if "achine" in panel.title or "instrument" in panel.title]
