"""The tables of what was recorded: trials, invariants, faults, business state."""

from __future__ import annotations

from experiments.definition import Metric
from experiments.records.schema import FaultRecord, PlannedTrial, RunRecord
from reports.analysis.measures import failed_requests
from reports.analysis.summary import Summary
from reports.loading import RunData, TrialData
from reports.page.data import Cell, Column, Table, Tone
from reports.page.formats import measured_cell, number_cell, text_cell
from reports.page.judgements import GATE_TONES
from reports.page.measure_tables import measured_metrics
from reports.page.setup_tables import shown
from reports.page.words import METRICS
from reports.verdicts.gate import GateVerdict


def trials_table(run: RunData, prefix: str) -> Table:
    """Every planned trial, and every repeat at the end of its block: what became of it."""
    finished = {trial.record.trial_id: trial for trial in run.trials}
    rows = []
    for planned in sorted([*run.record.plan, *_repeats(run)], key=lambda one: (one.block, one.position)):
        trial = finished.get(planned.trial_id)
        rows.append(
            (
                number_cell(planned.position),
                number_cell(planned.bring_up),
                number_cell(planned.block),
                text_cell(planned.treatment),
                number_cell(planned.attempt),
                number_cell(planned.seed),
                _validity(trial),
                number_cell(trial.record.offered if trial else None),
                number_cell(failed_requests(trial) if trial else None),
                number_cell(trial.record.slip_p99_ms if trial else None),
                text_cell("; ".join(trial.record.reasons) if trial else "left no record"),
            )
        )
    return Table(
        name=f"{prefix}-trials",
        title="Trials in the order in which they were run",
        columns=(
            Column("Position", ("position",), is_number=True),
            Column("Bring-up", ("bring_up",), is_number=True),
            Column("Block", ("block",), is_number=True),
            Column("Treatment", ("treatment",)),
            Column("Attempt", ("attempt",), is_number=True),
            Column("Seed", ("seed",), is_number=True),
            Column("Validity", ("validity",)),
            Column("Requests", ("requests",), is_number=True),
            Column("Failed", ("failed_requests",), is_number=True),
            Column("Load generator's slip, p99 (ms)", ("slip_p99_ms",), is_number=True),
            Column("Remark", ("remark",)),
        ),
        rows=tuple(rows),
        note="Requests are those of all phases, failed ones those of the measure phase.",
    )


def _repeats(run: RunData) -> list[PlannedTrial]:
    """What run.json does not plan, because it was decided as the run went."""
    names = PlannedTrial.model_fields.keys()
    return [
        PlannedTrial.model_validate({name: getattr(trial.record, name) for name in names})
        for trial in run.trials
        if trial.record.attempt > 1
    ]


def _validity(trial: TrialData | None) -> Cell:
    if trial is None:
        return text_cell("not finished", Tone.UNSURE)
    return text_cell("valid", Tone.GOOD) if trial.record.valid else text_cell("invalid", Tone.BAD)


def values_table(run: RunData, summary: Summary, prefix: str) -> Table:
    """Every metric of every finished trial."""
    metrics: tuple[Metric, ...] = measured_metrics(summary)
    return Table(
        name=f"{prefix}-values",
        title="Measures by trial",
        columns=(
            Column("Trial", ("trial",)),
            Column("Validity", ("validity",)),
            *(Column(METRICS[metric].heading, (metric.value,), is_number=True) for metric in metrics),
        ),
        rows=tuple(
            (
                text_cell(trial.record.trial_id),
                _validity(trial),
                *(measured_cell(summary.by_trial[trial.record.trial_id][metric], METRICS[metric].form) for metric in metrics),
            )
            for trial in run.trials
        ),
        note="The estimates are made of the valid trials.",
    )


def invariants_table(gate: GateVerdict, prefix: str) -> Table | None:
    """Each invariant over all trials; None where none was checked."""
    if not gate.invariants:
        return None
    return Table(
        name=f"{prefix}-invariants",
        title="Invariants",
        columns=(
            Column("Invariant", ("invariant",)),
            Column("Verdict", ("verdict",)),
            Column("Passed", ("passed",), is_number=True),
            Column("Failed", ("failed",), is_number=True),
            Column("Unknown", ("unknown",), is_number=True),
            Column("Nothing to check", ("vacuous",), is_number=True),
            Column("What was seen", ("detail",)),
        ),
        rows=tuple(
            (
                Cell(invariant.name.replace("_", " "), (invariant.name,)),
                text_cell(invariant.gate.value, GATE_TONES[invariant.gate]),
                number_cell(invariant.passed),
                number_cell(invariant.failed),
                number_cell(invariant.unknown),
                number_cell(invariant.vacuous),
                text_cell(invariant.detail),
            )
            for invariant in gate.invariants
        ),
    )


def witnesses_table(gate: GateVerdict, prefix: str) -> Table:
    """What proves each failure, as a timeline of one trial."""
    return Table(
        name=f"{prefix}-witnesses",
        title="What proves the failures",
        columns=(
            Column("Invariant", ("invariant",)),
            Column("Trial", ("trial",)),
            Column("Time (s)", ("at_s",), is_number=True),
            Column("Who", ("who",)),
            Column("What", ("what",)),
        ),
        rows=tuple(
            (
                Cell(invariant.name.replace("_", " "), (invariant.name,)),
                text_cell(invariant.witness_trial),
                Cell(f"{event.at_s:.3f}", (event.at_s,)),  # a violation may be a matter of milliseconds
                text_cell(event.who),
                text_cell(event.what),
            )
            for invariant in gate.invariants
            for event in invariant.witness
        ),
        note="Seconds since the trial's first request was due. A process is one arrival of the schedule with all that follows from it.",
    )


def faults_table(run: RunData, prefix: str) -> Table | None:
    """Every fault as planned and as it went; None where none was planned."""
    rows = tuple(_fault_row(trial, fault) for trial in run.trials for fault in trial.record.faults)
    if not rows:
        return None
    return Table(
        name=f"{prefix}-faults",
        title="Faults as planned and as they went",
        columns=(
            Column("Trial", ("trial",)),
            Column("Fault", ("fault",)),
            Column("Planned (s)", ("planned_s",), is_number=True),
            Column("Carried out (s)", ("injected_s",), is_number=True),
            Column("Proven (s)", ("proven_s",), is_number=True),
            Column("Heal planned (s)", ("heal_planned_s",), is_number=True),
            Column("Healed (s)", ("healed_s",), is_number=True),
            Column("Ready again (s)", ("ready_s",), is_number=True),
            Column("Proof", ("proof",)),
        ),
        rows=rows,
        note="Seconds since the first request of the trial was due.",
    )


def _fault_row(trial: TrialData, fault: FaultRecord) -> tuple[Cell, ...]:
    return (
        text_cell(trial.record.trial_id),
        text_cell(fault.planned.title),
        number_cell(fault.planned.at_s if fault.planned.after is None else None),
        number_cell(fault.injected_s),
        number_cell(fault.proven_s),
        number_cell(fault.planned.heal_at_s if fault.planned.after is None else None),
        number_cell(fault.healed_s),
        number_cell(fault.ready_s),
        text_cell(fault.proof or "no proof: the trial is invalid", Tone.NEUTRAL if fault.proof else Tone.BAD),
    )


def outcomes_table(run: RunData, prefix: str) -> Table | None:
    """What became of the enrolments of each trial; None where nobody enrolled."""
    states = sorted({state for trial in run.trials for state in trial.state.outcomes})
    if not any(trial.state.outcomes for trial in run.trials):
        return None
    return Table(
        name=f"{prefix}-enrolments",
        title="What became of accepted enrolments",
        columns=(
            Column("Trial", ("trial",)),
            *(Column(state, (state,), is_number=True) for state in states),
            Column("Reasons of rejection", ("rejections",)),
            Column("Settled", ("settled",)),
        ),
        rows=tuple(
            (
                text_cell(trial.record.trial_id),
                *(number_cell(trial.state.outcomes.get(state, 0)) for state in states),
                text_cell(", ".join(f"{reason}: {times}" for reason, times in sorted(trial.state.rejections.items()))),
                text_cell("yes", Tone.GOOD) if trial.state.settled else text_cell("no", Tone.UNSURE),
            )
            for trial in run.trials
        ),
    )


def differences_table(record: RunRecord, prefix: str) -> Table:
    """What makes each treatment what it is: the factors that it sets and the faults that it plans."""
    return Table(
        name=f"{prefix}-differences",
        title="What the treatments are",
        columns=(
            Column("Treatment", ("title",)),
            Column("Name", ("treatment",)),
            Column("Factors that it sets", ("factors",)),
            Column("Faults that it plans", ("faults",)),
        ),
        rows=tuple(
            (
                text_cell(treatment.title),
                text_cell(treatment.name),
                text_cell(", ".join(f"{path} = {shown(value)}" for path, value in treatment.factors.items())),
                text_cell(treatment.plan),
            )
            for treatment in record.experiment.treatments
        ),
    )
