"""One open-loop run as a section of the page."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from experiments.definition import TRIALS_FOR_A_VERDICT, Experiment
from reports.analysis.steady import Steadiness, no_steady_state, run_steadiness
from reports.analysis.summary import Summary, summarise
from reports.loading import RunData
from reports.page.calibration_part import calibration_part
from reports.page.client_charts import over_time_chart, percentiles_chart, trials_chart
from reports.page.comparison_table import comparison_table
from reports.page.curve_parts import curve_parts
from reports.page.data import Part, Section, Table, Term
from reports.page.design_tables import design_table, design_text, levels_table, validity_table, validity_warning
from reports.page.fault_parts import faults_parts, untested_part
from reports.page.featured import featured, selection_note
from reports.page.formats import count
from reports.page.instrument_tables import probe_warnings, probes_table, with_lower_bounds
from reports.page.judgements import claim_judgement, gate_judgement
from reports.page.measure_tables import (
    cache_table,
    generator_table,
    nodes_table,
    operations_tables,
    treatments_by_row_table,
    treatments_table,
)
from reports.page.node_charts import inside_charts
from reports.page.parts import filled, head_facts, head_warnings, present, reproduce
from reports.page.record_tables import (
    differences_table,
    faults_table,
    invariants_table,
    outcomes_table,
    trials_table,
    values_table,
    witnesses_table,
)
from reports.page.setup_tables import Factors, environment_table, factors_table, load_table
from reports.page.steady_state import steady_table
from reports.verdicts.claims import ClaimVerdict, judge_claims
from reports.verdicts.gate import GateVerdict, judge_invariants

S_PER_MINUTE = 60.0


@dataclass(frozen=True, eq=False)
class JudgedRun:
    """A run with everything that was computed of it."""

    run: RunData
    summary: Summary
    steadiness: Mapping[str, Steadiness]
    """By name of the treatment, of those that are meant to be steady."""
    claims: tuple[ClaimVerdict, ...]
    gate: GateVerdict


def judge_trials(run: RunData) -> JudgedRun:
    """Compute and judge an open-loop run."""
    summary, steadiness = summarise(run), run_steadiness(run)
    return JudgedRun(
        run=run,
        summary=summary,
        steadiness=steadiness,
        claims=judge_claims(
            run.record.experiment, summary, not_steady=no_steady_state(steadiness), minutes_per_block=minutes_per_block(run)
        ),
        gate=judge_invariants(run.record, [trial.record for trial in run.trials]),
    )


def minutes_per_block(run: RunData) -> float | None:
    """How long one trial of each treatment took, with its share of everything around it; None where the run's end was not recorded."""
    record = run.record
    if record.finished_at is None or not run.trials:
        return None
    return (record.finished_at - record.started_at).total_seconds() / S_PER_MINUTE / len(run.trials) * len(record.experiment.treatments)


def trials_section(judged: JudgedRun, anchor: str) -> Section:
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
    repeats = sum(trial.record.attempt > 1 for trial in trials)
    repeated = f" (with {count(repeats, 'repeat')})" if repeats else ""
    return (
        *head_facts(record),
        Term("trials", f"{len(record.plan)} planned, {len(trials)} finished{repeated}, {valid} valid"),
        Term("seed", str(record.experiment.seed)),
        Term("load", "open loop"),
    )


def _warnings(judged: JudgedRun) -> tuple[str, ...]:
    record, trials = judged.run.record, judged.run.trials
    warnings = [*judged.run.warnings, *head_warnings(record, "trials")]
    if invalid := sum(not trial.record.valid for trial in trials):
        warnings.append(f"{count(invalid, 'invalid trial')} left out of all estimates and verdicts; the table of trials has the reasons.")
    if (unequal := validity_warning(judged.run)) is not None:
        warnings.append(unequal)
    if not any(trial.record.valid for trial in trials):
        warnings.append("No trial is valid: nothing can be said about the question.")
    elif min(judged.summary.valid_trials.values()) < TRIALS_FOR_A_VERDICT:
        warnings.append(
            f"Fewer than {TRIALS_FOR_A_VERDICT} valid trials of a treatment: ranges of the trials stand in place of its intervals, and "
            "nothing that takes an interval is judged."
        )
    return (*warnings, *probe_warnings(judged.run))


def _deployed(experiment: Experiment) -> dict[str, tuple[str, Factors]]:
    """What was deployed, by the first treatment that it was deployed for; treatments on the same topology share it."""
    titles: dict[str, list[str]] = {}
    topologies = {treatment.name: experiment.topology_of(treatment) for treatment in experiment.treatments}
    for treatment in experiment.treatments:
        first = next(name for name, topology in topologies.items() if topology == topologies[treatment.name])
        titles.setdefault(first, []).append(treatment.title)
    if len(titles) == 1 < len(experiment.treatments):
        return {name: ("all treatments", topologies[name].model_dump()) for name in titles}
    more = {name: f" and {len(found) - 1} more" if len(found) > 1 else "" for name, found in titles.items()}
    return {name: (f"{found[0]}{more[name]}", topologies[name].model_dump()) for name, found in titles.items()}


def _parts(judged: JudgedRun, anchor: str) -> tuple[Part, ...]:
    run, record, summary = judged.run, judged.run.record, judged.summary
    experiment = record.experiment
    deployed = _deployed(experiment)
    shown = featured(run, summary)
    is_many, selection = shown is not run, selection_note(run, shown)
    overall = filled(
        differences_table(record, anchor),
        with_lower_bounds((treatments_by_row_table if is_many else treatments_table)(experiment, summary, anchor), run),
        comparison_table(experiment, summary, anchor),
    )
    over_time = filled(steady_table(experiment, judged.steadiness, anchor), faults_table(run, anchor))
    trials = filled(trials_table(run, anchor), values_table(run, summary, anchor), outcomes_table(run, anchor))
    folded = (*overall, *over_time, *trials) if is_many else ()

    def unfolded(tables: tuple[Table, ...]) -> tuple[Table, ...]:
        return () if is_many else tables

    candidates = (
        *curve_parts(run, summary, anchor),
        *faults_parts(run, summary, anchor, is_many=is_many),
        Part(
            f"{anchor}-measures",
            "What was measured",
            text=selection,
            charts=present(trials_chart(shown, summary, anchor)),
            tables=unfolded(overall),
        ),
        Part(
            f"{anchor}-time",
            "Over time",
            text=selection,
            charts=present(over_time_chart(shown, judged.steadiness, anchor)),
            tables=unfolded(over_time),
        ),
        Part(
            f"{anchor}-latency",
            "Response and service time",
            text=selection,
            charts=present(percentiles_chart(shown, anchor)),
            tables=filled(*operations_tables(shown, anchor), generator_table(shown, summary, anchor)),
        ),
        Part(
            f"{anchor}-inside",
            "Inside the system",
            text=selection,
            charts=inside_charts(shown, anchor),
            tables=filled(with_lower_bounds(nodes_table(shown, anchor), shown), cache_table(shown, anchor), probes_table(run, anchor)),
        ),
        Part(
            f"{anchor}-trials",
            "Trials and invariants",
            tables=(*filled(invariants_table(judged.gate, anchor), witnesses_table(judged.gate, anchor)), *unfolded(trials)),
        ),
        untested_part(run, anchor),
        calibration_part(record, run.calibration, anchor),
        Part(f"{anchor}-everything", "Every treatment and every trial", tables=folded, is_folded=True, is_bulk=True),
        Part(
            f"{anchor}-design",
            "Design and validity",
            text=design_text(run),
            tables=filled(validity_table(run, anchor), levels_table(run, summary, anchor)),
            is_folded=is_many,
        ),
        Part(
            f"{anchor}-setup",
            "Set-up",
            tables=filled(load_table(record, anchor), design_table(run, anchor), factors_table(deployed, anchor)),
            is_folded=True,
        ),
        Part(f"{anchor}-environment", "Environment", tables=filled(environment_table(record, anchor)), is_folded=True),
        reproduce(
            record,
            f"The seed {experiment.seed} fixes the data, the order of the trials and every request's moment, operation, course and "
            "student. Which enrolment a request reads or drops depends on those that were made before it, and idempotency keys are new "
            "in every run.",
            anchor,
        ),
    )
    return tuple(part for part in candidates if not part.is_empty)
