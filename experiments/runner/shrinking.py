"""A trial in which a rule was broken: the fewest of its faults that still break it, as an experiment that can be run."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

from experiments.definition import Experiment, Fault, LinkFault, Treatment, check_faults
from experiments.errors import ExperimentError, RecordError
from experiments.invariants.checkers import failures
from experiments.records.documents import write_json
from experiments.records.files import SHRUNK_SUFFIX, TRIES_FOLDER, Trial, read_any_run
from experiments.records.files import Run as RecordOfRun
from experiments.records.schema import TrialRecord
from experiments.runner.run import Run
from experiments.runner.stages import Bench
from experiments.shrinking import shrink

MOST_TRIES: Final = 100
SECONDS_PER_MINUTE: Final = 60
LONGEST_NAME: Final = 32
"""Of an experiment, so that there is room behind it."""


@dataclass(frozen=True)
class Effort:
    """How hard to try."""

    minutes: float
    repeats: int = 2
    """Trials with the same faults before they are taken to break nothing: no two runs are the same."""


@dataclass(frozen=True)
class Reduction:
    """What came of it."""

    file: Path
    """The experiment with the faults that are left, for ``bench --file``."""
    before: int
    after: int
    tries: int
    is_minimal: bool

    @property
    def summary(self) -> str:
        """What came of it, in a line."""
        least = "none of them can be left out" if self.is_minimal else "the time is up"
        return f"{self.before} faults shrunk to {self.after} in {self.tries} tries, {least}: bench --file {self.file}"


def violated(run: RecordOfRun) -> TrialRecord | None:
    """The first trial of a run in which a rule was broken."""
    return next((trial.record for trial in run.trials() if failures(trial.record.invariants)), None)


def with_faults(experiment: Experiment, treatment: Treatment, faults: Sequence[Fault | LinkFault], *, trials: int) -> Experiment:
    """The experiment with one treatment only, which plans these faults."""
    title = f"{len(faults)} fault{'' if len(faults) == 1 else 's'} of {treatment.name}"
    only = Treatment(name="shrunk", title=title, factors=treatment.factors, faults=tuple(faults))
    name = f"{experiment.name[:LONGEST_NAME]}_shrunk"
    return Experiment.model_validate(
        dict(experiment) | {"name": name, "treatments": (only,), "claims": (), "trials": trials, "bring_ups": 1}
    )


def shrink_by_chance(paths: Sequence[Path], bench: Bench, *, effort: Effort, say: Callable[[str], None]) -> None:
    """Shrink what was found in those of the runs whose faults were left to chance."""
    for path in paths:
        run = read_any_run(path)
        if isinstance(run, RecordOfRun) and run.record.experiment.is_by_chance and violated(run) is not None:
            shrink_run(run, bench, effort=effort, say=say)


def shrink_run(run: RecordOfRun, bench: Bench, *, effort: Effort, say: Callable[[str], None]) -> Reduction | None:
    """Run parts of the faults of the first trial that broke a rule, until none can be left out or the effort is spent.

    Every try starts from nothing, for what one broke would be found broken by the next. Nothing comes of it where not even all the
    faults together break a rule again.

    Raises:
        RecordError: no trial of the run broke a rule.
        Interrupted: a signal came.
        InfraError: the system can't be brought up or removed.
        ExperimentError: no trial can be carried out.
    """
    trial = violated(run)
    if trial is None:
        raise RecordError(f"{run.path}: no rule was broken in any of its trials, so there is nothing to shrink")
    oracle = _Oracle(run, trial, bench, effort, say)
    faults = [fault.planned for fault in trial.faults]
    deadline_s = time.monotonic() + effort.minutes * SECONDS_PER_MINUTE
    say(f"{trial.trial_id}: {', '.join(oracle.rules)} broken under {len(faults)} faults; trying fewer for {effort.minutes:g} minutes")
    try:
        if not oracle.breaks(faults):
            say(f"the same faults broke nothing in {effort.repeats} more trials, so there is nothing to tell fewer by")
            return None
        found = shrink(faults, oracle.breaks, lambda tries: tries < MOST_TRIES and time.monotonic() < deadline_s)
    finally:
        bench.session.end(bench.note)
    reduction = Reduction(oracle.file, len(faults), len(found.items), found.tries + 1, found.is_minimal)
    say(reduction.summary)
    return reduction


class _Oracle:
    """Says whether faults break the rules that the trial broke, by running them."""

    def __init__(self, run: RecordOfRun, trial: TrialRecord, bench: Bench, effort: Effort, say: Callable[[str], None]) -> None:
        self.file = run.path / f"{trial.trial_id}{SHRUNK_SUFFIX}"
        """The experiment with the faults that were the last to break a rule, so that nothing is lost of an interrupted search."""
        self.rules = tuple(record.name for record in failures(trial.invariants))
        self._asked = run.record.experiment
        self._treatment = self._asked.treatment(trial.treatment)
        # An invalid trial is a try that broke nothing: what is left of the effort is better spent on other faults.
        settings = bench.settings.model_copy(update={"runs_dir": run.path / TRIES_FOLDER, "repeats": 0})
        self._bench = replace(bench, settings=settings)
        self._effort = effort
        self._say = say

    def experiment(self, faults: Sequence[Fault | LinkFault]) -> Experiment:
        """What is run with these faults."""
        return with_faults(self._asked, self._treatment, faults, trials=self._effort.repeats)

    def breaks(self, faults: Sequence[Fault | LinkFault]) -> bool:
        """Whether one of some trials breaks one of the same rules."""
        try:
            check_faults(faults, self._asked.topology_of(self._treatment), self._asked.phases.total_s)
        except ValueError:  # one waits for another that is not among them
            return False
        self._say(f"trying {len(faults)}: " + (", ".join(f"{fault.title} {fault.when}" for fault in faults) or "no fault at all"))
        experiment = self.experiment(faults)
        self._bench.session.end(self._bench.note)
        self._bench.session.begin(experiment, self._bench.note)
        hit: list[str] = []

        def is_hit(trial: Trial) -> bool:
            hit.extend(record.name for record in failures(trial.record.invariants) if record.name in self.rules)
            return bool(hit)

        outcome = Run(self._bench, experiment, "", _Lines(self._say), until=is_hit).execute()
        if outcome.error is not None and not hit:
            raise ExperimentError(f"shrinking ended: {outcome.error}")
        if hit:
            write_json(self.file, experiment)
        self._say(f"  {', '.join(hit)} broken again" if hit else f"  nothing broken in {outcome.finished} trials")
        return bool(hit)


class _Lines:
    """Progress as lines, of finished trials only."""

    def __init__(self, say: Callable[[str], None]) -> None:
        self.say = say

    def added(self, step_s: float) -> None:
        """Nothing to show."""

    def started(self, title: str) -> None:
        """Nothing to show."""

    def stage(self, name: str) -> None:
        """Nothing to show."""

    def note(self, text: str) -> None:
        """Nothing to show."""

    def finished(self, line: str) -> None:
        """A line."""
        self.say(f"  {line}")
