"""The tables of what each fault did: to clients, to the system, in which way requests failed, and how deep service fell."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence

from experiments.definition import Experiment, Metric, Treatment
from reports.analysis.detection import detections
from reports.analysis.estimates import Observation, Unmeasured
from reports.analysis.failures import When, error_classes
from reports.analysis.measures import over_trials
from reports.analysis.service import THRESHOLDS_PERCENT, objective_met, seconds_below
from reports.analysis.summary import Summary, control_trial
from reports.loading import RunData, TrialData
from reports.page.data import Column, Table
from reports.page.formats import NOTHING, Form, count, estimate_cell, estimate_names, number, number_cell, text_cell
from reports.page.words import METRICS, as_before

_CLIENTS = (
    Metric.FAILED_DURING_FAULT,
    Metric.TIME_TO_FIRST_FAILURE_S,
    Metric.TIME_TO_MITIGATE_S,
    Metric.TIME_TO_RECOVER_S,
    Metric.RECOVERY_AFTER_HEAL_S,
    Metric.RECOVERY_AFTER_READY_S,
    Metric.TAIL_AFTER_RATIO,
    Metric.TAIL_RATIO,
    Metric.SLOWEST_RESPONSE_MS,
)
_SYSTEM = (
    Metric.TIME_TO_DETECT_S,
    Metric.LOST_SERVICE_S,
    Metric.ERROR_BUDGET_SPENT,
    Metric.BACKLOG_PEAK,
    Metric.DRAIN_AFTER_READY_S,
    Metric.DECIDED_AFTER_HEAL_S,
)
_REPLICA = re.compile(r"-\d+\b")
_AT_LEAST = (
    "“>” and ∞ in an interval: it is only known to be at least this, because a trial ended first or its requests are too few or too "
    "different to tell."
)


def broken_on_purpose(experiment: Experiment) -> tuple[Treatment, ...]:
    """The treatments that plan a fault."""
    return tuple(treatment for treatment in experiment.treatments if treatment.faults)


def clients_table(run: RunData, summary: Summary, prefix: str) -> Table:
    """What clients noticed of each treatment's faults."""
    return Table(
        name=f"{prefix}-noticed",
        title="What clients noticed",
        columns=(Column("Treatment", ("treatment",)), Column("Trials", ("trials",), is_number=True), *map(_column, _CLIENTS)),
        rows=tuple(
            (
                text_cell(treatment.title),
                number_cell(summary.valid_trials[treatment.name]),
                *(estimate_cell(summary.by_treatment[treatment.name][metric], METRICS[metric].form) for metric in _CLIENTS),
            )
            for treatment in broken_on_purpose(run.record.experiment)
        ),
        note=f"{_AT_LEAST} Recovery: {as_before(run.record.experiment.recovery_band)}.{_without_control(run)}",
    )


def _without_control(run: RunData) -> str:
    """How many trials are compared with their own beginning; empty where none is."""
    trials = [trial for treatment in broken_on_purpose(run.record.experiment) for trial in run.valid(treatment.name)]
    alone = sum(control_trial(run, trial) is None for trial in trials)
    if not alone:
        return ""
    return f" {count(alone, 'trial')} had no valid control trial in the block, so there the seconds before the fault took its place."


def system_table(run: RunData, summary: Summary, prefix: str) -> Table:
    """How the system took each treatment's faults; treatments without one for comparison."""
    objective = run.record.experiment.objective
    return Table(
        name=f"{prefix}-taken",
        title="How the system took it",
        columns=(
            Column("Treatment", ("treatment",)),
            Column("Noticed first by", ("noticed_first_by",)),
            *map(_column, _SYSTEM),
        ),
        rows=tuple(
            (
                text_cell(treatment.title),
                text_cell(first_detectors(run.valid(treatment.name))),
                *(estimate_cell(summary.by_treatment[treatment.name][metric], METRICS[metric].form) for metric in _SYSTEM),
            )
            for treatment in run.record.experiment.treatments
        ),
        note=f"{_AT_LEAST} NGINX's log has its moment to the millisecond; what else noticed is known to a probe's reading, up to one "
        f"period late. The objective: {number(objective.availability, Form.SHARE)} of requests answered right within "
        f"{objective.response_ms:g} ms.",
    )


def first_detectors(trials: Sequence[TrialData]) -> str:
    """What noticed first, with the number of trials where it was not the same in all; replicas of a group are one."""
    found = [detections(trial) for trial in trials]
    firsts = Counter(_REPLICA.sub("-*", one[0].what) if one else "nothing" for one in found if not isinstance(one, Unmeasured))
    if len(firsts) == 1:
        return next(iter(firsts))
    return ", ".join(f"{what} ({times} of {len(found)})" for what, times in firsts.most_common())


def errors_table(run: RunData, prefix: str) -> Table | None:
    """Failed requests of each treatment by time and kind; None where none failed."""
    rows = [
        (
            text_cell(treatment.title),
            text_cell(one.when if treatment.faults else NOTHING),
            text_cell(one.name),
            number_cell(sum(one.counts)),
            estimate_cell(over_trials([Observation.exact(number) for number in one.counts])),
        )
        for treatment in run.record.experiment.treatments
        for one in error_classes(run.valid(treatment.name))
    ]
    if not rows:
        return None
    return Table(
        name=f"{prefix}-errors",
        title="In which way requests failed",
        columns=(
            Column("Treatment", ("treatment",)),
            Column("Due", ("due",)),
            Column("Kind", ("kind",)),
            Column("All trials", ("requests",), is_number=True),
            Column("A trial", estimate_names("requests_a_trial"), is_number=True),
        ),
        rows=tuple(rows),
        note=f"Requests of all phases, by when they were due: {When.BEFORE} the first injection, {When.DURING} the fault and until all "
        f"was ready again, {When.AFTER} that. Kinds are answers by status, and no answer in time or at all.",
    )


def depth_table(run: RunData, prefix: str) -> Table | None:
    """How many seconds service was below each share of what is normal; None where no treatment lost any second."""
    rows = []
    for treatment in run.record.experiment.treatments:
        found = [_below(run, trial) for trial in run.valid(treatment.name)]
        if any(seconds > 0 for below in found for seconds in below.values()):
            estimates = [over_trials([Observation.exact(below[percent]) for below in found]) for percent in THRESHOLDS_PERCENT]
            rows.append((text_cell(treatment.title), *map(estimate_cell, estimates)))
    if not rows:
        return None
    return Table(
        name=f"{prefix}-depth",
        title="How deep service fell, and for how long (s)",
        columns=(
            Column("Treatment", ("treatment",)),
            Column("Nothing served", estimate_names("nothing_served_s"), is_number=True),
            *(
                Column(f"Below {percent} %", estimate_names(f"below_{percent}_percent_s"), is_number=True)
                for percent in THRESHOLDS_PERCENT
                if percent
            ),
        ),
        rows=tuple(rows),
        note="Seconds of the measure phase whose share of served requests was below so much of that in the block's control trial. "
        "Treatments without such a second are left out.",
    )


def _below(run: RunData, trial: TrialData) -> dict[int, float]:
    control = control_trial(run, trial)
    return seconds_below(trial, 1.0 if control is None else _served_share(control))


def _served_share(trial: TrialData) -> float:
    """Share of the measure phase's requests that a trial served; all where none was due."""
    met = objective_met(trial)
    return met.low if isinstance(met, Observation) else 1.0


def _column(metric: Metric) -> Column:
    return Column(METRICS[metric].heading, estimate_names(metric.value), is_number=True)
