"""Several experiments, one after the other, on one deployment that is always removed in the end."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from experiments.capacity.run import CapacityRun
from experiments.definition import AnyExperiment, Experiment
from experiments.errors import ExperimentError, RecordError
from experiments.progress import Progress
from experiments.runner.interfaces import Outside
from experiments.runner.interrupts import Interrupted, Interrupts
from experiments.runner.recorded import RecordedRun, RunOutcome
from experiments.runner.run import Run
from experiments.runner.session import Session
from experiments.runner.stages import Bench
from experiments.settings import Settings
from infra.errors import InfraError

MIB = 1024 * 1024


@dataclass
class SuiteOutcome:
    """What a suite left behind."""

    runs: list[RunOutcome] = field(default_factory=list)
    paths: list[Path] = field(default_factory=list)
    """Run directories with something in them, also of a run that was interrupted."""
    signal: int | None = None
    """What the user ended it with."""
    error: str | None = None
    """What ended the suite as a whole, or kept the deployment from being removed."""


@dataclass(frozen=True)
class Job:
    """An experiment and the command that runs it again."""

    experiment: AnyExperiment
    command: str


def run_suite(
    jobs: Sequence[Job], outside: Outside, settings: Settings, interrupts: Interrupts, progress: Progress, outcome: SuiteOutcome
) -> None:
    """Run the jobs and enter into ``outcome`` what came of them; finished trials stay, and nothing else does, however it ends.

    Raises:
        RecordError: the runs folder can't be written, or has too little room to begin.
    """
    check_writable(settings)
    session = Session(outside)
    try:
        _heal_first(outside, progress)
        progress.note("removing what an earlier bench may have left")
        outside.rig.down(progress.note)
        session.end(progress.note)
        for job in jobs:
            interrupts.check()
            _run(job, session, settings, interrupts, progress, outcome)
    except Interrupted:
        outcome.signal = interrupts.received
    except InfraError as error:
        outcome.error = str(error)
    except OSError as error:
        outcome.error = f"{settings.runs_dir}: {error.strerror or error}; finished trials are kept, mend that and run again"
    finally:
        progress.note("removing the deployment")
        for remove in (outside.rig.down, session.end):
            try:
                remove(progress.note)
            except InfraError as error:
                outcome.error = outcome.error or str(error)


def _heal_first(outside: Outside, progress: Progress) -> None:
    try:
        outside.platform.heal(progress.note)
    except (ExperimentError, InfraError) as error:
        progress.say(f"{error}; the deployment is removed all the same")


def _run(job: Job, session: Session, settings: Settings, interrupts: Interrupts, progress: Progress, outcome: SuiteOutcome) -> None:
    progress.say(f"{job.experiment.name}: {job.experiment.question}")
    run = _opened(job, session, settings, interrupts, progress)
    try:
        outcome.runs.append(run.execute())
    finally:
        if not run.discard_if_empty():
            outcome.paths.append(run.path)


def _opened(job: Job, session: Session, settings: Settings, interrupts: Interrupts, progress: Progress) -> RecordedRun:
    outside = session.outside
    if isinstance(job.experiment, Experiment):
        outside.rig.down(progress.note)
        session.begin(job.experiment, progress.note)
        return Run(Bench(session, settings, interrupts, progress.note), job.experiment, job.command, progress)
    session.end(progress.note)
    return CapacityRun(outside, job.experiment, job.command, settings, interrupts, progress)


def check_writable(settings: Settings) -> None:
    """Find out now rather than after the first trial.

    Raises:
        RecordError: the runs folder can't be made or written, or has too little room.
    """
    folder = settings.runs_dir
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.NamedTemporaryFile(dir=folder, prefix=".check-") as file:
            file.write(bytes(MIB))
            file.flush()
            os.fsync(file.fileno())
        free_mib = shutil.disk_usage(folder).free // MIB
    except OSError as error:
        raise RecordError(f"{folder}: runs can't be written there ({error.strerror}); choose another folder with --runs-dir") from None
    if free_mib < settings.free_space_mib:
        raise RecordError(
            f"{folder}: {free_mib} MiB are free and a run needs {settings.free_space_mib}; make room, "
            f"or choose another folder with --runs-dir"
        )
