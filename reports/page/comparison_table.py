"""The table of treatments compared with the first one, and which of the differences are marked."""

from __future__ import annotations

from collections.abc import Iterable

from experiments.definition import Experiment, Metric
from reports.analysis.effects import Comparison
from reports.analysis.estimates import Estimate
from reports.analysis.families import benjamini_hochberg
from reports.analysis.power import LEVEL, trials_to_reach
from reports.analysis.summary import Summary
from reports.page.data import Cell, Column, Table, Tone
from reports.page.formats import NOTHING, Form, count, estimate_cell, estimate_names, number, text_cell, whole_percent
from reports.page.setup_tables import own_load
from reports.page.words import METRICS


def comparison_table(experiment: Experiment, summary: Summary, prefix: str) -> Table | None:
    """Every further treatment against the first; None for a single treatment."""
    titles = {treatment.name: treatment.title for treatment in experiment.treatments}
    reference = experiment.treatments[0].title
    compared = {
        (name, metric): by_metric[metric]
        for name, by_metric in summary.comparisons.items()
        for metric in METRICS
        if isinstance(by_metric[metric].ratio, Estimate) or isinstance(by_metric[metric].shift, Estimate)
    }
    if not compared:
        return None
    adjusted = benjamini_hochberg({key: one.p_value for key, one in compared.items() if one.p_value is not None})
    rows = tuple(_comparison_row(titles[name], metric, one, adjusted.get((name, metric))) for (name, metric), one in compared.items())
    return Table(
        name=f"{prefix}-comparison",
        title=f"Treatments compared with “{reference}”",
        columns=(
            Column("Treatment", ("treatment",)),
            Column("Measure", ("metric",)),
            Column("Ratio within blocks", estimate_names("ratio"), is_number=True),
            Column("Shift (Hodges-Lehmann)", estimate_names("shift"), is_number=True),
            Column("Cliff's delta", ("cliffs_delta",), is_number=True),
            Column("Differs (p, adjusted)", ("p_adjusted",), is_number=True),
        ),
        rows=rows,
        note="A ratio of 1, a shift of 0 and a delta of 0 mean no difference. Ratio and shift are made of the blocks in which both trials "
        f"are valid. False discoveries are controlled at {whole_percent(LEVEL)} (Benjamini-Hochberg) over the {len(adjusted)} comparisons "
        f"of this table; a row without a mark may differ too, and this run doesn't show it.{_out_of_reach(compared.values())}"
        f"{_other_loads(experiment)}",
    )


def _out_of_reach(compared: Iterable[Comparison]) -> str:
    """What keeps every row from being marked, however large its difference is."""
    blocks = max(found.trials for one in compared for found in (one.ratio, one.shift) if isinstance(found, Estimate))
    needed = trials_to_reach(LEVEL)
    return f" With {count(blocks, 'block')} no difference can be marked; it takes {needed}." if blocks < needed else ""


def _other_loads(experiment: Experiment) -> str:
    titles = [treatment.title for treatment in experiment.treatments if own_load(treatment)]
    return f" Treatments with a load of their own, which were sent other requests: {', '.join(titles)}." if titles else ""


def _comparison_row(title: str, metric: Metric, comparison: Comparison, p_value: float | None) -> tuple[Cell, ...]:
    words = METRICS[metric]
    delta = comparison.cliffs_delta
    return (
        text_cell(title),
        Cell(words.heading, (metric.value,)),
        estimate_cell(comparison.ratio, Form.TIMES),
        estimate_cell(comparison.shift, Form.POINTS if words.form is Form.SHARE else words.form, signed=True),
        Cell(NOTHING if delta is None else number(delta, signed=True), (delta,), tone=Tone.FAINT if delta is None else Tone.NEUTRAL),
        _difference_cell(p_value),
    )


def _difference_cell(p_value: float | None) -> Cell:
    if p_value is None:
        return Cell(NOTHING, (None,), tone=Tone.FAINT)
    differs = p_value <= LEVEL
    return Cell(("differs, " if differs else "") + number(p_value), (p_value,), tone=Tone.NEUTRAL if differs else Tone.FAINT)
