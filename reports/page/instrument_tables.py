"""What a reader must know of the lab's own eyes: probes that missed their readings, and counters that lost a part."""

from __future__ import annotations

from dataclasses import replace

from reports.analysis.instrument import probe_watches, restarted_nodes
from reports.loading import RunData
from reports.page.data import Column, Table, Tone
from reports.page.formats import count, number_cell, text_cell

RATES_OF_COUNTERS = "processor time and SQL"


def probes_table(run: RunData, prefix: str) -> Table | None:
    """Each probe that missed a reading, by treatment; None where every reading was taken."""
    rows = []
    for treatment in run.record.experiment.treatments:
        watches = [watch for trial in run.trials if trial.record.treatment == treatment.name for watch in probe_watches(trial)]
        for name in sorted({watch.name for watch in watches if watch.failed}):
            own = [watch for watch in watches if watch.name == name]
            blind = sum(watch.is_blind for watch in own)
            rows.append(
                (
                    text_cell(treatment.title),
                    text_cell(name),
                    number_cell(sum(watch.taken for watch in own)),
                    number_cell(sum(watch.failed for watch in own)),
                    number_cell(sum(watch.failed_outside for watch in own)),
                    number_cell(blind, Tone.BAD if blind else Tone.NEUTRAL),
                    text_cell(next(watch.reason or "" for watch in reversed(own) if watch.failed)),
                )
            )
    if not rows:
        return None
    return Table(
        name=f"{prefix}-probes",
        title="What the probes missed",
        columns=(
            Column("Treatment", ("treatment",)),
            Column("Probe", ("probe",)),
            Column("Readings", ("readings",), is_number=True),
            Column("Failed", ("failed",), is_number=True),
            Column("Failed outside of faults", ("failed_outside",), is_number=True),
            Column("Trials without half of them", ("blind_trials",), is_number=True),
            Column("Why the last one failed", ("reason",)),
        ),
        rows=tuple(rows),
        note="Over all finished trials. A server that is killed can't be read: only readings outside of a fault's time say that a probe "
        "did not see. Nothing is made up for a reading that is missing.",
    )


def probe_warnings(run: RunData) -> tuple[str, ...]:
    """A sentence for each probe that missed half or more of its readings of a trial though nothing was broken."""
    blind = [watch.name for trial in run.trials for watch in probe_watches(trial) if watch.is_blind]
    return tuple(
        f"The {name} probe failed half or more of its readings outside of faults in {count(blind.count(name), 'trial')}; "
        f"the table “What the probes missed” has the reason."
        for name in sorted(set(blind))
    )


def with_lower_bounds(table: Table, run: RunData) -> Table:
    """The table with a note that names the treatments and nodes whose counters lost a part in a restart."""
    losses = [
        f"{', '.join(nodes)} under “{treatment.title}”"
        for treatment in run.record.experiment.treatments
        if (nodes := restarted_nodes(run.valid(treatment.name)))
    ]
    if not losses:
        return table
    note = (
        f"Figures of {RATES_OF_COUNTERS} are lower bounds (≥) where a node was started again in the measure phase, because what it counted "
        f"after its last reading is lost: {'; '.join(losses)}."
    )
    return replace(table, note=f"{table.note} {note}".strip())
