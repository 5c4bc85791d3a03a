"""Which treatments of a run are drawn and tabled in depth, where there are too many to tell apart."""

from __future__ import annotations

from dataclasses import replace

from experiments.definition import Metric
from reports.analysis.estimates import Estimate
from reports.analysis.summary import Summary
from reports.loading import RunData
from reports.page.heat_maps import broken_treatments

MOST_TREATMENTS = 8
"""More lines, colours and columns can't be told apart."""
FEATURED_FAULTS = 5
"""Of many treatments those are shown in depth under which a rule was broken, then those that lost the most service."""


def featured(run: RunData, summary: Summary) -> RunData:
    """The run with the treatments that are shown in depth: all of them where they are few, else the first one and the worst."""
    treatments = run.record.experiment.treatments
    if len(treatments) <= MOST_TREATMENTS:
        return run
    broken = broken_treatments(run)

    def badness(name: str) -> tuple[bool, float]:
        lost = summary.by_treatment[name][Metric.LOST_SERVICE_S]
        return name in broken, lost.value if isinstance(lost, Estimate) else -1.0

    reference, *others = (treatment.name for treatment in treatments)
    worst = sorted((name for name in others if summary.valid_trials[name]), key=badness, reverse=True)[:FEATURED_FAULTS]
    chosen = {reference, *worst}
    experiment = run.record.experiment.model_copy(
        update={"treatments": tuple(treatment for treatment in treatments if treatment.name in chosen)}
    )
    return replace(
        run,
        record=run.record.model_copy(update={"experiment": experiment}),
        trials=tuple(trial for trial in run.trials if trial.record.treatment in chosen),
    )


def selection_note(run: RunData, shown: RunData) -> str:
    """What is shown of how many, for a reader who misses something; nothing where all are."""
    count, of = len(shown.record.experiment.treatments), len(run.record.experiment.treatments)
    if count == of:
        return ""
    return (
        f"Shown are {count} of {of} treatments: the first one, and those under which a rule was broken or that lost the most service. "
        "The figures of all are in the folded tables."
    )
