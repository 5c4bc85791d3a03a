"""Which differences of a table of comparisons are marked."""

from __future__ import annotations

from dataclasses import replace

import pytest

from experiments.definition import Metric, Treatment
from reports.analysis.effects import Comparison
from reports.analysis.estimates import Estimate
from reports.page.comparison_table import comparison_table
from reports.page.data import Table
from tests.unit.reports.factory import experiment
from tests.unit.reports.summaries import summary_of

METRICS = (Metric.RESPONSE_P50_MS, Metric.RESPONSE_P95_MS, Metric.RESPONSE_P99_MS, Metric.THROUGHPUT_PER_S)


def _table(p_values: list[float | None], *, blocks: int = 8) -> Table:
    names = ("one", "other")
    asked = experiment(treatments=[Treatment(name=name, title=name) for name in names])
    none = Comparison(Estimate(1.0, 1.0, 1.0, blocks), Estimate(0.0, 0.0, 0.0, blocks), 0.0, None)
    missing = replace(none, ratio=summary_of(METRICS[0], {"one": [], "other": []}).by_treatment["one"][METRICS[0]])
    absent = replace(missing, shift=missing.ratio)
    compared = dict.fromkeys(Metric, absent) | {
        metric: replace(none, p_value=p_value) for metric, p_value in zip(METRICS, p_values, strict=False)
    }
    summary = replace(summary_of(METRICS[0], {"one": [1.0], "other": [1.0]}), comparisons={"other": compared})
    table = comparison_table(asked, summary, "t")
    assert table is not None
    return table


@pytest.mark.parametrize(
    ("p_values", "marked"),
    [
        ([0.01, 0.02, 0.03, 0.9], [True, True, True, False]),
        ([0.01, 0.6, 0.7, 0.9], [True, False, False, False]),
        ([0.02, 0.6, 0.7, 0.9], [False, False, False, False]),
        ([0.02], [True]),
        ([0.02, None], [True, False]),
    ],
)
def test_only_what_stands_among_all_rows_is_marked(p_values: list[float | None], marked: list[bool]) -> None:
    """Benjamini & Hochberg: the k smallest p-values stand if the k-th is at most k/m of 5 %."""
    rows = _table(p_values).rows
    assert [row[-1].text.startswith("differs") for row in rows] == marked
    assert f"over the {sum(p is not None for p in p_values)} comparisons" in _table(p_values).note


def test_a_table_in_which_nothing_can_be_marked_says_so() -> None:
    """Five blocks can't reach 5 % with any data."""
    assert "With 5 blocks no difference can be marked; it takes 6." in _table([0.0625], blocks=5).note
    assert "no difference can be marked" not in _table([0.03], blocks=6).note
