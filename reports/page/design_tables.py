"""The tables of a run's design: order, bring-ups, what was reset, which trials count, and how much each level varies."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from itertools import groupby, pairwise

from experiments.records.schema import PlannedTrial
from reports.analysis.bring_ups import levels
from reports.analysis.summary import Summary
from reports.loading import RunData
from reports.page.data import Column, Table, Tone
from reports.page.formats import count, number_cell, text_cell
from reports.page.setup_tables import pairs_table
from reports.page.words import METRICS

ONE_BRING_UP = (
    "One bring-up: the intervals don't cover the variation from one deployment to the next. “--bring-ups K” spreads the blocks over K "
    "fresh ones."
)
SEVERAL_BRING_UPS = (
    "The intervals take trials for independent. Where bring-ups differ more than the trials of one, they are too narrow for what another "
    "deployment would give."
)
PERCENT = 100


def design_text(run: RunData) -> str:
    """What the intervals of a run cover of the variation between deployments."""
    return ONE_BRING_UP if run.record.experiment.bring_ups == 1 else SEVERAL_BRING_UPS


def design_table(run: RunData, prefix: str) -> Table:
    """How trials were kept apart; what was reset is not known of runs from before it was noted."""
    plan = run.record.plan
    resets = list(dict.fromkeys(sentence for trial in run.trials for sentence in trial.record.reset))
    bring_ups = run.record.experiment.bring_ups
    return pairs_table(
        f"{prefix}-design",
        "Design",
        (
            ("trials", f"{count(len(plan), 'trial')} in {count(run.record.experiment.trials, 'block')}, one of each treatment in a block"),
            *((("places", _places(plan)), ("predecessors", _predecessors(plan))) if len(run.record.experiment.treatments) > 1 else ()),
            ("bring-ups", count(bring_ups, "fresh deployment") if bring_ups > 1 else "1 deployment for all trials"),
            *(("reset", sentence) for sentence in resets),
        ),
    )


def _places(plan: Sequence[PlannedTrial]) -> str:
    firsts = Counter({planned.treatment: 0 for planned in plan})
    firsts.update(next(trials).treatment for _, trials in groupby(plan, key=lambda planned: planned.block))
    return f"each treatment is the first of its block {_range(list(firsts.values()))}"


def _predecessors(plan: Sequence[PlannedTrial]) -> str:
    """How evenly what a trial leaves behind falls on treatments; a fresh deployment has nothing left behind."""
    names = {planned.treatment for planned in plan}
    pairs = Counter((before.treatment, after.treatment) for before, after in pairwise(plan) if before.bring_up == after.bring_up)
    others = [pairs[before, after] for before in names for after in names if before != after]
    return (
        f"each treatment comes directly after each other one {_range(others)}, after itself {_range([pairs[name, name] for name in names])}"
    )


def _range(counts: Sequence[int]) -> str:
    low, high = min(counts), max(counts)
    return count(low, "time") if low == high else f"{low} to {count(high, 'time')}"


def validity_table(run: RunData, prefix: str) -> Table:
    """How many trials of each treatment count."""
    invalid = _invalid(run)
    is_unequal = len(set(invalid.values())) > 1
    rows = []
    for treatment in run.record.experiment.treatments:
        records = [trial.record for trial in run.trials if trial.record.treatment == treatment.name]
        blocks = {planned.block for planned in run.record.plan if planned.treatment == treatment.name}
        tone = Tone.UNSURE if is_unequal and invalid[treatment.name] else Tone.NEUTRAL
        rows.append(
            (
                text_cell(treatment.title),
                number_cell(sum(planned.treatment == treatment.name for planned in run.record.plan)),
                number_cell(sum(record.valid for record in records)),
                number_cell(invalid[treatment.name], tone),
                number_cell(sum(record.attempt > 1 for record in records)),
                number_cell(len(blocks - {record.block for record in records if record.valid})),
            )
        )
    return Table(
        name=f"{prefix}-validity",
        title="Validity by treatment",
        columns=(
            Column("Treatment", ("treatment",)),
            Column("Planned", ("planned",), is_number=True),
            Column("Valid", ("valid",), is_number=True),
            Column("Invalid", ("invalid",), is_number=True),
            Column("Repeated", ("repeated",), is_number=True),
            Column("Blocks without a valid trial", ("blocks_without",), is_number=True),
        ),
        rows=tuple(rows),
        note="An invalid trial is repeated at the end of its block, as far as the run's bound on repeats allows. Repeats are counted among "
        "the valid and the invalid ones too.",
    )


def validity_warning(run: RunData) -> str | None:
    """That invalid trials are not spread evenly over the treatments, if they are not."""
    invalid = _invalid(run)
    if len(set(invalid.values())) <= 1:
        return None
    titles = {treatment.name: treatment.title for treatment in run.record.experiment.treatments}
    worst, most = max(invalid.items(), key=lambda pair: pair[1])
    return (
        f"Invalid trials are unequal between treatments: {most} of “{titles[worst]}”, {min(invalid.values())} of another. If the treatment "
        "is what makes its trials invalid, its figures leave out just those in which it shows."
    )


def _invalid(run: RunData) -> dict[str, int]:
    found = Counter(trial.record.treatment for trial in run.trials if not trial.record.valid)
    return {treatment.name: found[treatment.name] for treatment in run.record.experiment.treatments}


def levels_table(run: RunData, summary: Summary, prefix: str) -> Table | None:
    """How much bring-ups and trials vary; None where there was one bring-up, or nothing that can be told apart."""
    if run.record.experiment.bring_ups == 1:
        return None
    titles = {treatment.name: treatment.title for treatment in run.record.experiment.treatments}
    found = levels(run, summary)
    return Table(
        name=f"{prefix}-levels",
        title="Variance by level",
        columns=(
            Column("Treatment", ("treatment",)),
            Column("Measure", ("metric",)),
            Column("Between bring-ups (%)", ("between_bring_ups_percent",), is_number=True),
            Column("Between trials of a bring-up (%)", ("between_trials_percent",), is_number=True),
            Column("Bring-ups", ("bring_ups",), is_number=True),
            Column("Trials", ("trials",), is_number=True),
        ),
        rows=tuple(
            (
                text_cell(titles[name]),
                text_cell(METRICS[metric].title),
                *(number_cell(PERCENT * spread) for spread in (one.between_bring_ups, one.between_trials)),
                number_cell(one.bring_ups),
                number_cell(one.trials),
            )
            for (name, metric), one in found.items()
        ),
        note="Standard deviations of the logarithm, in per cent, by a one-way analysis of variance with random effects (Kalibera & Jones "
        "2013). 0 between bring-ups: they differ no more than their trials would make them differ by chance. The figure of a few bring-ups "
        "is rough.",
    )
