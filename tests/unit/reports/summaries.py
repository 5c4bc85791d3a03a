"""Summaries with known numbers, as verdicts take them: what each trial measured, without run directories."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from experiments.definition import Metric
from reports.analysis.estimates import Estimate, Observation, Unmeasured
from reports.analysis.measures import Measured, over_trials
from reports.analysis.pooled import Counts
from reports.analysis.summary import Summary

REQUESTS = 1000
"""Requests of a trial, unless it is said."""


def summary_of(
    metric: Metric,
    trials: Mapping[str, Sequence[Measured | float]],
    *,
    losses: Mapping[str, Sequence[Counts | Unmeasured]] | None = None,
    generator_parts: Mapping[str, float] | None = None,
) -> Summary:
    """A summary of one metric: by treatment what each block's trial measured; all others were not measured.

    ``losses`` are those of every metric that can be pooled; without them no trial lost one of its REQUESTS. ``generator_parts`` are
    those of every percentile, by treatment; 0 where they are left out.
    """
    ids = {name: [f"{block:03d}-{name}" for block in range(len(values))] for name, values in trials.items()}
    measured = {name: [one if not isinstance(one, float | int) else Observation.exact(one) for one in trials[name]] for name in trials}
    lost = {name: (losses or {}).get(name, [Counts(0, REQUESTS)] * len(values)) for name, values in trials.items()}
    nothing: dict[Metric, Unmeasured] = dict.fromkeys(Metric, Unmeasured("not part of this test"))
    return Summary(
        by_trial={
            trial_id: {**nothing, metric: value} for name in trials for trial_id, value in zip(ids[name], measured[name], strict=True)
        },
        by_treatment={name: {**nothing, metric: over_trials(values)} for name, values in measured.items()},
        blocks={
            name: {key: {} for key in Metric}
            | {metric: {block: value for block, value in enumerate(values) if isinstance(value, Observation)}}
            for name, values in measured.items()
        },
        comparisons={},
        valid_trials={name: len(values) for name, values in trials.items()},
        trial_ids={name: tuple(ids[name]) for name in trials},
        losses={trial_id: dict.fromkeys(Metric, counts) for name in trials for trial_id, counts in zip(ids[name], lost[name], strict=True)},
        generator_parts={
            name: {
                per_mille: Estimate((generator_parts or {}).get(name, 0.0), 0, 1, trials=max(1, len(trials[name])))
                for per_mille in (500, 950, 990, 999)
            }
            for name in trials
        },
    )
