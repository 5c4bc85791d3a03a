"""Which experiments the command line asks for, and what it changes of them."""

from __future__ import annotations

import shlex
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from experiments import catalog
from experiments.definition import AnyExperiment, Experiment, changed
from experiments.errors import DefinitionError
from experiments.estimate import fit, on_free_ports
from infra.topology import parse_assignments


@dataclass(frozen=True)
class Changes:
    """What the command line changes of each experiment."""

    assignments: Sequence[str]
    trials: int | None
    seed: int | None
    duration_s: float | None
    faults_per_minute: float | None
    bring_ups: int | None = None

    def words(self) -> Iterator[str]:
        """The options that change it so again; trials, seed and bring-ups are told by the experiment."""
        for assignment in self.assignments:
            yield from ("--set", assignment)
        if self.duration_s is not None:
            yield from ("--duration", f"{self.duration_s:g}")
        if self.faults_per_minute is not None:
            yield from ("--faults-per-minute", f"{self.faults_per_minute:g}")


def chosen(names: Sequence[str], file: Path | None, changes: Changes, budget: float | None) -> tuple[AnyExperiment, ...]:
    """The experiments that are asked for by name or in a file, else the quick suite, changed as asked.

    Raises:
        DefinitionError: one does not exist, can't be changed so, or doesn't fit into the budget (minutes).
        FactorError: a factor that does not exist, or a value it can't take.
    """
    if file is not None and names:
        raise DefinitionError(f"--file {file} and {names[0]} are both given; name one or the other")
    found = (catalog.load_file(file),) if file is not None else catalog.load_all(names or catalog.QUICK_SUITE)
    factors = parse_assignments(changes.assignments)
    chosen = tuple(
        changed(
            on_free_ports(item),
            factors=factors,
            trials=changes.trials,
            seed=changes.seed,
            measure_s=changes.duration_s,
            faults_per_minute=changes.faults_per_minute,
            bring_ups=changes.bring_ups,
        )
        for item in found
    )
    return chosen if budget is None else fit(chosen, budget)


def command(experiment: AnyExperiment, file: Path | None, changes: Changes) -> str:
    """The command that runs it so again."""
    what = ["--file", file.name] if file is not None else [experiment.name]
    counts = ["--trials", str(experiment.trials), "--seed", str(experiment.seed)]
    if isinstance(experiment, Experiment) and experiment.bring_ups > 1:
        counts += ["--bring-ups", str(experiment.bring_ups)]
    return shlex.join(["nox", "-s", "bench", "--", *what, *changes.words(), *counts])
