"""What is reset before a trial: the same for every trial of an experiment, whatever its treatment.

Pure. A replica that has just been started is slower than one that has served for minutes, so a treatment whose replicas are new in
each trial must not be compared with one whose replicas live on.
"""

from __future__ import annotations

from experiments.definition import Experiment


def restarts_replicas(experiment: Experiment) -> bool:
    """Whether every service replica and worker is started afresh before every trial.

    It is where treatments differ in their topology: changing one topology into another starts some of the nodes and not others.
    """
    topologies = [experiment.topology_of(treatment) for treatment in experiment.treatments]
    return any(topology != topologies[0] for topology in topologies)


def reset_words(experiment: Experiment) -> tuple[str, ...]:
    """What is reset and what is not, a sentence each, as it is recorded with every trial."""
    if restarts_replicas(experiment):
        replicas = "Every service replica and worker is started afresh before every trial, because the treatments differ in their topology."
    else:
        replicas = (
            "Service replicas and workers live through all trials of a bring-up; one that a fault stopped was started again by its heal."
        )
    filled = "The cache is emptied before every trial"
    if experiment.cache_start == "steady":
        filled += " and then filled, through the gateway, with what it holds once every entry has lived a time to live"
    return (
        f"{filled}.",
        replicas,
        "Databases keep what earlier trials of the bring-up wrote; no student is enrolled in the same course by two trials of a run.",
    )
