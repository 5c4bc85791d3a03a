"""The tables of what was measured: treatments, operations, nodes and cache."""

from __future__ import annotations

from collections.abc import Sequence

from experiments.definition import Experiment, Metric, Treatment
from reports.analysis.estimates import Estimate, Unmeasured
from reports.analysis.faults import NO_FAULT
from reports.analysis.latency import LatencyRow, latency_rows
from reports.analysis.nodes import cache_row, node_rows
from reports.analysis.percentiles import PERCENTILES_PER_MILLE, label
from reports.analysis.summary import Summary
from reports.loading import RunData, TrialData
from reports.page.data import Cell, Column, Table
from reports.page.formats import Form, estimate_cell, estimate_names, number_cell, text_cell, whole_percent
from reports.page.words import METRICS, OPERATIONS
from reports.verdicts.vetoes import MOST_OF_THE_GENERATOR


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


def generator_table(run: RunData, summary: Summary, prefix: str) -> Table:
    """How much of each percentile of the response time is the load generator's own lateness, by treatment."""
    measured = [one for one in run.record.experiment.treatments if summary.trial_ids[one.name]]
    return Table(
        name=f"{prefix}-generator",
        title="The load generator's own part of the response time",
        columns=(
            Column("Treatment", ("treatment",)),
            *(
                Column(label(per_mille), estimate_names(f"generator_part_{label(per_mille).replace('.', '_')}"), is_number=True)
                for per_mille in PERCENTILES_PER_MILLE
            ),
        ),
        rows=tuple(
            (
                text_cell(treatment.title),
                *(estimate_cell(summary.generator_parts[treatment.name][per_mille], Form.SHARE) for per_mille in PERCENTILES_PER_MILLE),
            )
            for treatment in measured
        ),
        note="Response time without service time, as a share of response time. A claim about a percentile of which it is more than "
        f"{whole_percent(MOST_OF_THE_GENERATOR)} is not judged.",
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
