"""Steady state as the page shows it: the table, the lines in the chart over time and the words under it."""

from __future__ import annotations

import math
from pathlib import Path

import pytest

from experiments.definition import Treatment
from reports.analysis.steady import Answer, Steadiness, SteadyState
from reports.page.client_charts import over_time_chart
from reports.page.data import Moment, Tone
from reports.page.plots import figure
from reports.page.sections import judge_trials, trials_section
from reports.page.steady_state import steady_moments, steady_table, steady_words
from reports.page.style import PALETTE
from tests.unit.reports.factory import TrialSpec, experiment, load_trials, steady, write

NAMES = ("broken", "calm", "drifting", "scarce")
ASKED = experiment(treatments=tuple(Treatment(name=name, title=name.upper()) for name in NAMES))
STEADY = SteadyState(Answer.STEADY, 0.5, "no change", 0.01)
FALLS = SteadyState(Answer.NOT_STEADY, 3.25, "it fell", -0.31)
SCARCE = SteadyState(Answer.UNTOLD, None, "too few", 0.0)
JUDGED = {
    "calm": Steadiness(Answer.STEADY, (STEADY, STEADY, FALLS), 0.5, "no change", 0.02, 0.1),
    "drifting": Steadiness(Answer.NOT_STEADY, (FALLS, FALLS, STEADY), 3.25, "it fell", -0.31, 0.12),
    "scarce": Steadiness(Answer.UNTOLD, (SCARCE,), None, "too few", 0.0, math.inf),
}


def test_the_table_has_a_row_for_each_treatment_that_was_judged() -> None:
    """In the order of the experiment, with the counts of all three answers in its CSV."""
    table = steady_table(ASKED, JUDGED, "run")
    assert [[cell.text for cell in row] for row in table.rows] == [
        ["CALM", "steady", "2 of 3", "0.500", "1.02×", "1.10×", "no change"],  # noqa: RUF001 - the multiplication sign
        ["DRIFTING", "not steady", "1 of 3", "3.25", "0.690×", "1.12×", "it fell"],  # noqa: RUF001
        ["SCARCE", "can't be told", "0 of 1", "–", "–", "–", "too few"],  # noqa: RUF001 - the dash of tables
    ]
    assert [row[1].tone for row in table.rows] == [Tone.GOOD, Tone.BAD, Tone.UNSURE]
    assert [row[2].raw for row in table.rows] == [(2, 1, 0), (1, 2, 0), (0, 0, 1)]
    assert [row[5].raw for row in table.rows] == [(pytest.approx(1.1),), (pytest.approx(1.12),), (None,)]


def test_steady_state_is_drawn_where_it_was_reached_in_the_colour_of_its_treatment() -> None:
    """Through all panels; a treatment that never reached it has no line."""
    moments = steady_moments(ASKED, JUDGED)
    assert moments == (Moment(0.5, "CALM: steady from", 1), Moment(3.25, "DRIFTING: steady from", 2))


def test_what_has_no_steady_state_is_said_under_the_chart() -> None:
    """With the reason; nothing is said of what was not judged."""
    assert steady_words(ASKED, JUDGED) == (
        "A dotted upright line stands where steady state was reached. No steady state with “DRIFTING”: it fell. "
        "Whether there is a steady state can't be told with “SCARCE”: too few."
    )
    assert steady_words(ASKED, {}) == ""


def test_a_run_that_grows_says_so_on_its_page(tmp_path: Path) -> None:
    """From 10 ms to 1.6 s in every trial, written, loaded, judged and drawn."""
    asked = experiment(treatments=(Treatment(name="grows", title="grows"),), trials=2)
    spec = TrialSpec(steady(rate_per_s=100, duration_s=10, response_ms=lambda _number, at_s: 10.0 + 199 * max(at_s - 2, 0)))
    judged = judge_trials(load_trials(write(tmp_path, asked, {(0, "grows"): spec, (1, "grows"): spec})))
    (part,) = [part for part in trials_section(judged, "run").parts if part.title == "Over time"]
    (row,) = part.tables[0].rows
    assert [cell.text for cell in row[:4]] == ["grows", "not steady", "0 of 2", "–"]  # noqa: RUF001 - the dash of tables
    assert "No steady state with “grows”: the typical service time rose to" in part.charts[0].caption


def test_a_moment_is_an_upright_line_in_every_panel(tmp_path: Path) -> None:
    """At its time, from the bottom to the top."""
    asked = experiment(treatments=(Treatment(name="calm", title="calm"),), trials=1)
    run = load_trials(write(tmp_path, asked, {(0, "calm"): TrialSpec(steady(rate_per_s=100, duration_s=10))}))
    chart = over_time_chart(run, JUDGED, "run")
    assert chart is not None
    drawn = [shape for shape in figure(chart).layout.shapes if shape.type == "line"]
    assert len(drawn) == len(chart.panels)
    assert {(shape.x0, shape.x1, shape.y0, shape.y1, shape.line.color) for shape in drawn} == {(0.5, 0.5, 0, 1, PALETTE[0])}
