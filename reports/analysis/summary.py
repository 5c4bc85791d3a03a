"""A run as numbers: every metric of every trial, its estimate under every treatment, and the treatments compared."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import islice

from experiments.definition import Experiment, Metric
from reports.analysis.effects import ByBlock, Comparison, compare
from reports.analysis.estimates import Estimate, Observation, Unmeasured
from reports.analysis.latency import generator_parts
from reports.analysis.measures import Measured, losses, measures, over_trials
from reports.analysis.pooled import Counts
from reports.loading import RunData, TrialData


@dataclass(frozen=True)
class Summary:
    """What verdicts and pages are made from."""

    by_trial: dict[str, dict[Metric, Measured]]
    """Every finished trial's metrics by its id, invalid trials too: they are shown, and used for nothing else."""
    by_treatment: dict[str, dict[Metric, Estimate | Unmeasured]]
    """Estimates over the valid trials."""
    blocks: dict[str, dict[Metric, ByBlock]]
    """The valid trials' numbers by treatment, metric and block."""
    comparisons: dict[str, dict[Metric, Comparison]]
    """Each further treatment against the first one, which is the reference."""
    valid_trials: dict[str, int]
    trial_ids: dict[str, tuple[str, ...]]
    """The valid trials by treatment, in the order in which they were run."""
    losses: dict[str, dict[Metric, Counts | Unmeasured]]
    """By the id of every valid trial: the requests that were lost and of how many, for each metric that can be pooled over trials."""
    generator_parts: dict[str, dict[int, Estimate | Unmeasured]]
    """The load generator's own part of the response time by treatment and percentile in per mille, as a share of it."""


def summarise(run: RunData) -> Summary:
    """All numbers of a run."""
    names = [treatment.name for treatment in run.record.experiment.treatments]
    controls = {name: _valid_by_block(run, control_of(run.record.experiment, name)) for name in names}
    by_trial = {trial.record.trial_id: measures(trial, controls[trial.record.treatment].get(trial.record.block)) for trial in run.trials}
    blocks: dict[str, dict[Metric, ByBlock]] = {
        name: {metric: _by_block(run, by_trial, name, metric) for metric in Metric} for name in names
    }
    return Summary(
        by_trial=by_trial,
        by_treatment={
            name: {metric: over_trials([by_trial[trial.record.trial_id][metric] for trial in run.valid(name)]) for metric in Metric}
            for name in names
        },
        blocks=blocks,
        comparisons={
            name: {metric: compare(blocks[name][metric], blocks[names[0]][metric]) for metric in Metric} for name in islice(names, 1, None)
        },
        valid_trials={name: len(run.valid(name)) for name in names},
        trial_ids={name: tuple(trial.record.trial_id for trial in run.valid(name)) for name in names},
        losses={trial.record.trial_id: losses(trial) for name in names for trial in run.valid(name)},
        generator_parts={name: generator_parts(run.valid(name)) for name in names},
    )


def control_of(experiment: Experiment, treatment: str) -> str | None:
    """The treatment without a fault that another is measured against: one with the same factors, else the first; None: there is none."""
    asked = experiment.treatment(treatment)
    candidates = [one for one in experiment.treatments if not one.faults and one.name != treatment]
    return next((one.name for one in candidates if one.factors == asked.factors), candidates[0].name if candidates else None)


def _valid_by_block(run: RunData, treatment: str | None) -> dict[int, TrialData]:
    return {} if treatment is None else {trial.record.block: trial for trial in run.valid(treatment)}


def _by_block(run: RunData, by_trial: dict[str, dict[Metric, Measured]], treatment: str, metric: Metric) -> ByBlock:
    found = {trial.record.block: by_trial[trial.record.trial_id][metric] for trial in run.valid(treatment)}
    return {block: value for block, value in found.items() if isinstance(value, Observation)}
