"""The tables of what was measured: treatments, their comparison, operations, nodes and cache."""

from __future__ import annotations

from collections.abc import Sequence

from experiments.definition import Experiment, Metric, Treatment
from reports.analysis.effects import Comparison
from reports.analysis.estimates import Estimate, Unmeasured
from reports.analysis.faults import NO_FAULT
from reports.analysis.latency import LatencyRow, latency_rows
from reports.analysis.nodes import cache_row, node_rows
from reports.analysis.percentiles import PERCENTILES_PER_MILLE, label
from reports.analysis.summary import Summary
from reports.loading import RunData, TrialData
from reports.page.data import Cell, Column, Table, Tone
from reports.page.formats import NOTHING, Form, estimate_cell, estimate_names, number, number_cell, text_cell
from reports.page.setup_tables import own_load
from reports.page.words import METRICS, OPERATIONS


def treatments_table(experiment: Experiment, summary: Summary, prefix: str) -> Table:
    """Every metric under every treatment."""
    metrics = measured_metrics(summary)
    return Table(
        name=f"{prefix}-treatments",
        title="Measures by treatment",
        columns=(
            Column("Measure", ("metric",)),
            *(
                Column(_with_trials(treatment, summary), estimate_names(treatment.name), is_number=True)
                for treatment in experiment.treatments
            ),
        ),
        rows=tuple(
            (
                Cell(METRICS[metric].heading, (metric.value,)),
                *(estimate_cell(summary.by_treatment[treatment.name][metric], METRICS[metric].form) for treatment in experiment.treatments),
            )
            for metric in metrics
        ),
        note=_missing(summary),
    )


OVERALL = (
    Metric.AVAILABILITY,
    Metric.FAILED_REQUESTS,
    Metric.OBJECTIVE_MET,
    Metric.RESPONSE_P50_MS,
    Metric.RESPONSE_P95_MS,
    Metric.SLOWEST_RESPONSE_MS,
    Metric.THROUGHPUT_PER_S,
    Metric.CPU_MS_PER_REQUEST,
)
"""What many treatments are compared by; what is left out is in the table of their trials."""


def treatments_by_row_table(experiment: Experiment, summary: Summary, prefix: str) -> Table:
    """The overall measures of many treatments, a row each."""
    return Table(
        name=f"{prefix}-treatments",
        title="Measures by treatment",
        columns=(
            Column("Treatment", ("treatment",)),
            Column("Trials", ("trials",), is_number=True),
            *(Column(METRICS[metric].heading, estimate_names(metric.value), is_number=True) for metric in OVERALL),
        ),
        rows=tuple(
            (
                text_cell(treatment.title),
                number_cell(summary.valid_trials[treatment.name]),
                *(estimate_cell(summary.by_treatment[treatment.name][metric], METRICS[metric].form) for metric in OVERALL),
            )
            for treatment in experiment.treatments
        ),
    )


def measured_metrics(summary: Summary) -> tuple[Metric, ...]:
    """The metrics that at least one treatment has, in the order of the words."""
    return tuple(metric for metric in METRICS if any(isinstance(values[metric], Estimate) for values in summary.by_treatment.values()))


def _with_trials(treatment: Treatment, summary: Summary) -> str:
    return f"{treatment.title} (n = {summary.valid_trials[treatment.name]})"


def _missing(summary: Summary) -> str:
    reasons = []
    for metric, words in METRICS.items():
        found = [values[metric] for values in summary.by_treatment.values()]
        unmeasured = [value.reason for value in found if isinstance(value, Unmeasured)]
        if len(unmeasured) == len(found) and unmeasured[0] != NO_FAULT.reason:
            reasons.append(f"{words.title}: {unmeasured[0]}.")
    return " ".join(reasons)


def comparison_table(experiment: Experiment, summary: Summary, prefix: str) -> Table | None:
    """Every further treatment against the first; None for a single treatment."""
    titles = {treatment.name: treatment.title for treatment in experiment.treatments}
    reference = experiment.treatments[0].title
    rows = tuple(
        _comparison_row(titles[name], metric, by_metric[metric])
        for name, by_metric in summary.comparisons.items()
        for metric in METRICS
        if isinstance(by_metric[metric].ratio, Estimate) or isinstance(by_metric[metric].shift, Estimate)
    )
    if not rows:
        return None
    return Table(
        name=f"{prefix}-comparison",
        title=f"Treatments compared with “{reference}”",
        columns=(
            Column("Treatment", ("treatment",)),
            Column("Measure", ("metric",)),
            Column("Ratio within blocks", estimate_names("ratio"), is_number=True),
            Column("Shift (Hodges-Lehmann)", estimate_names("shift"), is_number=True),
            Column("Cliff's delta", ("cliffs_delta",), is_number=True),
        ),
        rows=rows,
        note="A ratio of 1, a shift of 0 and a delta of 0 mean no difference. Ratio and shift are made of the blocks in which both trials "
        f"are valid.{_other_loads(experiment)}",
    )


def _other_loads(experiment: Experiment) -> str:
    titles = [treatment.title for treatment in experiment.treatments if own_load(treatment)]
    return f" Treatments with a load of their own, which were sent other requests: {', '.join(titles)}." if titles else ""


def _comparison_row(title: str, metric: Metric, comparison: Comparison) -> tuple[Cell, ...]:
    words = METRICS[metric]
    delta = comparison.cliffs_delta
    return (
        text_cell(title),
        Cell(words.heading, (metric.value,)),
        estimate_cell(comparison.ratio, Form.TIMES),
        estimate_cell(comparison.shift, Form.POINTS if words.form is Form.SHARE else words.form, signed=True),
        Cell(NOTHING if delta is None else number(delta, signed=True), (delta,), tone=Tone.FAINT if delta is None else Tone.NEUTRAL),
    )


def operations_tables(run: RunData, prefix: str) -> tuple[Table, Table]:
    """Response and service time, answers and errors by operation."""
    measured = [(treatment.title, run.valid(treatment.name)) for treatment in run.record.experiment.treatments]
    rows = [(title, row) for title, trials in measured if trials for row in latency_rows(trials)]
    return (
        Table(
            name=f"{prefix}-response-time",
            title="Response time by operation (ms, from the moment a request was due)",
            columns=(
                *_OPERATION_COLUMNS,
                Column("Requests a trial", estimate_names("requests"), is_number=True),
                Column("Answered per s", estimate_names("answered_per_s"), is_number=True),
                Column("Error rate", estimate_names("error_rate"), is_number=True),
                *(_latency_column("response", per_mille) for per_mille in PERCENTILES_PER_MILLE),
            ),
            rows=tuple(
                (
                    *_operation_cells(title, row),
                    estimate_cell(row.requests),
                    estimate_cell(row.answered_per_s),
                    estimate_cell(row.error_rate, Form.SHARE),
                    *(estimate_cell(row.response_ms[per_mille]) for per_mille in PERCENTILES_PER_MILLE),
                )
                for title, row in rows
            ),
            note="A dash stands where a trial has too few requests for the percentile.",
        ),
        Table(
            name=f"{prefix}-service-time",
            title="Service time by operation (ms, from the send)",
            columns=(*_OPERATION_COLUMNS, *(_latency_column("service", per_mille) for per_mille in PERCENTILES_PER_MILLE)),
            rows=tuple(
                (*_operation_cells(title, row), *(estimate_cell(row.service_ms[per_mille]) for per_mille in PERCENTILES_PER_MILLE))
                for title, row in rows
            ),
        ),
    )


_OPERATION_COLUMNS = (Column("Treatment", ("treatment",)), Column("Operation", ("operation",)))


def _operation_cells(title: str, row: LatencyRow) -> tuple[Cell, Cell]:
    return text_cell(title), text_cell(OPERATIONS[row.operation])


def _latency_column(kind: str, per_mille: int) -> Column:
    name = label(per_mille)
    return Column(name, estimate_names(f"{kind}_{name.replace('.', '_')}_ms"), is_number=True)


def nodes_table(run: RunData, prefix: str) -> Table:
    """What every node did under every treatment."""
    rows = []
    for treatment in run.record.experiment.treatments:
        rows += [
            (
                text_cell(treatment.title),
                text_cell(row.node),
                estimate_cell(row.cpu_share),
                estimate_cell(row.memory_mib),
                estimate_cell(row.answered_share, Form.SHARE),
                estimate_cell(row.deliveries_per_s),
                estimate_cell(row.failed_deliveries),
                estimate_cell(row.sql_per_10k_reads),
            )
            for row in node_rows(run.valid(treatment.name))
        ]
    return Table(
        name=f"{prefix}-nodes",
        title="Nodes in the measure phase",
        columns=(
            Column("Treatment", ("treatment",)),
            Column("Node", ("node",)),
            Column("Processors busy", estimate_names("cpus_busy"), is_number=True),
            Column("Memory, peak (MiB)", estimate_names("memory_peak_mib"), is_number=True),
            Column("Share of its service's answers", estimate_names("answered_share"), is_number=True),
            Column("Deliveries per s", estimate_names("deliveries_per_s"), is_number=True),
            Column("Failed deliveries", estimate_names("failed_deliveries"), is_number=True),
            Column("SQL per 10,000 reads", estimate_names("sql_per_10k_reads"), is_number=True),
        ),
        rows=tuple(rows),
        note="Deliveries are what NGINX handed to a replica, second tries included; a failed one was refused, timed out or answered "
        "502 to 504.",
    )


def cache_table(run: RunData, prefix: str) -> Table | None:
    """Redis under the treatments that have it; None where none has."""
    rows: list[tuple[Cell, ...]] = []
    for treatment in run.record.experiment.treatments:
        trials: Sequence[TrialData] = run.valid(treatment.name)
        if row := cache_row(trials):
            rows.append(
                (
                    text_cell(treatment.title),
                    estimate_cell(row.hits_per_s),
                    estimate_cell(row.misses_per_s),
                    estimate_cell(row.hit_ratio, Form.SHARE),
                )
            )
    if not rows:
        return None
    return Table(
        name=f"{prefix}-cache",
        title="Redis in the measure phase",
        columns=(
            Column("Treatment", ("treatment",)),
            Column("Hits per s", estimate_names("hits_per_s"), is_number=True),
            Column("Misses per s", estimate_names("misses_per_s"), is_number=True),
            Column("Hit ratio", estimate_names("hit_ratio"), is_number=True),
        ),
        rows=tuple(rows),
    )
