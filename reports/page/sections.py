"""One run as a section of the page."""

from __future__ import annotations

from dataclasses import dataclass

from experiments.definition import TRIALS_FOR_A_VERDICT
from experiments.records.schema import RunRecord
from reports.analysis.summary import Summary, summarise
from reports.loading import RunData
from reports.page.client_charts import over_time_chart, percentiles_chart, trials_chart
from reports.page.data import Chart, Part, Section, Table, Term
from reports.page.formats import count, moment
from reports.page.judgements import claim_judgement, gate_judgement
from reports.page.measure_tables import cache_table, comparison_table, nodes_table, operations_tables, treatments_table
from reports.page.node_charts import inside_charts
from reports.page.record_tables import (
    differences_table,
    environment_table,
    factors_table,
    faults_table,
    invariants_table,
    load_table,
    outcomes_table,
    trials_table,
    values_table,
)
from reports.verdicts.claims import ClaimVerdict, judge_claims
from reports.verdicts.gate import GateVerdict, judge_invariants


@dataclass(frozen=True, eq=False)
class JudgedRun:
    """A run with everything that was computed of it."""

    run: RunData
    summary: Summary
    claims: tuple[ClaimVerdict, ...]
    gate: GateVerdict


def judge(run: RunData) -> JudgedRun:
    """Compute and judge a run."""
    summary = summarise(run)
    return JudgedRun(
        run=run,
        summary=summary,
        claims=judge_claims(run.record.experiment, summary),
        gate=judge_invariants(run.record, [trial.record for trial in run.trials]),
    )


def section(judged: JudgedRun, anchor: str) -> Section:
    """The section of one run; the anchor is unique on its page and begins the names of its charts, tables and CSV files."""
    record = judged.run.record
    return Section(
        anchor=anchor,
        title=record.experiment.title,
        question=record.experiment.question,
        facts=_facts(judged),
        warnings=_warnings(judged),
        gate=gate_judgement(judged.gate),
        claims=tuple(claim_judgement(record.experiment, verdict) for verdict in judged.claims),
        parts=_parts(judged, anchor),
    )


def _facts(judged: JudgedRun) -> tuple[Term, ...]:
    record, trials = judged.run.record, judged.run.trials
    valid = sum(trial.record.valid for trial in trials)
    return (
        Term("run", record.run_id),
        Term("started", moment(record.started_at)),
        Term("finished", moment(record.finished_at)),
        Term("status", record.status + (f": {record.reason}" if record.reason else "")),
        Term("trials", f"{len(record.plan)} planned, {len(trials)} finished, {valid} valid"),
        Term("seed", str(record.experiment.seed)),
    )


def _warnings(judged: JudgedRun) -> tuple[str, ...]:
    record, trials = judged.run.record, judged.run.trials
    warnings = []
    if record.status != "finished":
        reason = f" ({record.reason})" if record.reason else ""
        warnings.append(f"The run did not finish: {record.status}{reason}. What is shown rests on the trials that did.")
    if invalid := sum(not trial.record.valid for trial in trials):
        warnings.append(f"{count(invalid, 'invalid trial')} left out of all estimates and verdicts; the table of trials has the reasons.")
    if not any(trial.record.valid for trial in trials):
        warnings.append("No trial is valid: nothing can be said about the question.")
    elif min(judged.summary.valid_trials.values()) < TRIALS_FOR_A_VERDICT:
        warnings.append(f"Fewer than {TRIALS_FOR_A_VERDICT} valid trials of a treatment: its figures are indicative.")
    if record.provenance.git_dirty:
        warnings.append("The code had uncommitted changes: its commit alone does not reproduce this run.")
    return tuple(warnings)


def _parts(judged: JudgedRun, anchor: str) -> tuple[Part, ...]:
    run, record, summary = judged.run, judged.run.record, judged.summary
    experiment = record.experiment
    candidates = (
        Part(
            f"{anchor}-measures",
            "What was measured",
            charts=_present(trials_chart(run, summary, anchor)),
            tables=_tables(
                differences_table(record, anchor),
                treatments_table(experiment, summary, anchor),
                comparison_table(experiment, summary, anchor),
            ),
        ),
        Part(f"{anchor}-time", "Over time", charts=_present(over_time_chart(run, anchor)), tables=_tables(faults_table(run, anchor))),
        Part(
            f"{anchor}-latency",
            "Response and service time",
            charts=_present(percentiles_chart(run, anchor)),
            tables=_tables(*operations_tables(run, anchor)),
        ),
        Part(
            f"{anchor}-inside",
            "Inside the system",
            charts=inside_charts(run, anchor),
            tables=_tables(nodes_table(run, anchor), cache_table(run, anchor)),
        ),
        Part(
            f"{anchor}-trials",
            "Trials and invariants",
            tables=_tables(
                trials_table(run, anchor),
                values_table(run, summary, anchor),
                invariants_table(judged.gate, anchor),
                outcomes_table(run, anchor),
            ),
        ),
        Part(f"{anchor}-setup", "Set-up", tables=_tables(load_table(record, anchor), factors_table(record, anchor)), is_folded=True),
        Part(f"{anchor}-environment", "Environment", tables=_tables(environment_table(record, anchor)), is_folded=True),
        _reproduce(record, anchor),
    )
    return tuple(part for part in candidates if part.tables or part.charts or part.commands)


def _reproduce(record: RunRecord, anchor: str) -> Part:
    commit = record.provenance.git_commit
    checkout = (f"git checkout {commit}",) if commit else ()
    return Part(
        f"{anchor}-reproduce",
        "How to do it again",
        text=f"The seed {record.experiment.seed} fixes the data, the order of the trials and every request's moment, kind and arguments. "
        "The machine and the versions under “Environment” are what should agree before two runs are compared.",
        commands=(*checkout, record.command),
    )


def _present(*charts: Chart | None) -> tuple[Chart, ...]:
    return tuple(chart for chart in charts if chart is not None)


def _tables(*tables: Table | None) -> tuple[Table, ...]:
    return tuple(table for table in tables if table is not None and table.rows)
