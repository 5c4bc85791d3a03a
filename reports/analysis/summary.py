"""A run as numbers: every metric of every trial, its estimate under every treatment, and the treatments compared."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import islice

from experiments.definition import Experiment, Metric, Treatment
from reports.analysis.effects import ByBlock, Comparison, compare
from reports.analysis.estimates import Estimate, Observation, Unmeasured
from reports.analysis.latency import generator_parts
from reports.analysis.measures import Measured, losses, measures, over_trials
from reports.analysis.pooled import Counts
from reports.loading import RunData, TrialData

OF_THE_FAULT = {"name", "title", "faults", "chance"}
"""What a treatment and its control may differ in."""


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
    by_trial = {trial.record.trial_id: measures(trial, control_trial(run, trial)) for trial in run.trials}
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
    """The control of a treatment: the one under which nothing breaks and all else is the same; None: there is none."""
    asked = experiment.treatment(treatment)
    return next((one.name for one in experiment.treatments if not one.breaks and one.name != treatment and _is_alike(one, asked)), None)


def control_trial(run: RunData, trial: TrialData) -> TrialData | None:
    """The valid trial of the control in the same block, whose requests had the same schedule; None: there is none."""
    control = control_of(run.record.experiment, trial.record.treatment)
    same_block = [one for one in run.valid(control) if one.record.block == trial.record.block] if control else []
    return same_block[0] if same_block else None


def _is_alike(one: Treatment, other: Treatment) -> bool:
    """Whether two treatments differ in nothing but what they break."""
    return one.model_dump(exclude=OF_THE_FAULT) == other.model_dump(exclude=OF_THE_FAULT)


def _by_block(run: RunData, by_trial: dict[str, dict[Metric, Measured]], treatment: str, metric: Metric) -> ByBlock:
    found = {trial.record.block: by_trial[trial.record.trial_id][metric] for trial in run.valid(treatment)}
    return {block: value for block, value in found.items() if isinstance(value, Observation)}
