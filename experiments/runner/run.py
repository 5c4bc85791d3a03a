"""One run: all trials of one experiment, each recorded as soon as it is finished."""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

from experiments.definition import Experiment
from experiments.errors import ExperimentError
from experiments.plan import plan
from experiments.progress import Progress
from experiments.provenance import collect
from experiments.records.files import TRIALS_FOLDER, Trial, write_run, write_trial
from experiments.records.schema import RunRecord
from experiments.runner.attempt import Attempt
from experiments.runner.interrupts import Interrupted
from experiments.runner.stages import STAGES, Bench, Stage
from experiments.runner.summary import headline
from experiments.settings import REPOSITORY
from infra.errors import InfraError

SCRATCH_FOLDER: Final = ".scratch"
"""Within the run directory: what the load generator and the lab hand each other during a trial."""
FAILED_TRIALS_IN_A_ROW: Final = 3
"""After so many trials that could not be completed the next one will not be either."""


@dataclass(frozen=True)
class RunOutcome:
    """How a run ended."""

    path: Path
    finished: int
    """Trials in the run directory."""
    invalid: int
    """Those of them that don't count."""
    error: str | None = None
    """Why it ended before its plan was done; None if it didn't."""


class Run:
    """Carries out the plan of one experiment on the bench's deployment."""

    def __init__(self, bench: Bench, experiment: Experiment, command: str, progress: Progress, *, stages: Sequence[Stage] = STAGES) -> None:
        self._bench = bench
        self._experiment = experiment
        self._command = command
        self._progress = progress
        self._stages = stages
        self._record: RunRecord | None = None
        self.path = new_run_folder(bench.settings.runs_dir, experiment.name, datetime.now(UTC))
        self._finished = self._invalid = 0

    def execute(self) -> RunOutcome:
        """Run all trials; what was finished stays recorded, however it ends.

        Raises:
            Interrupted: a signal came; the run directory says so.
            OSError: the run directory can't be written.
        """
        try:
            self._trials()
        except Interrupted:
            self._close("interrupted", "stopped by a signal")
            raise
        except (ExperimentError, InfraError) as error:
            self._close("failed", str(error))
            return self._outcome(str(error))
        except BaseException as error:
            self._close("failed", f"{type(error).__name__} in the lab itself")
            raise
        self._close("finished", None)
        return self._outcome(None)

    def discard_if_empty(self) -> bool:
        """Remove a run directory that says nothing because nothing was ever deployed for it; whether it did."""
        if self._record is None:
            shutil.rmtree(self.path, ignore_errors=True)
        return self._record is None

    def _trials(self) -> None:
        failed_in_a_row = 0
        for planned in plan(self._experiment):
            self._bench.interrupts.check()
            self._progress.trial_started(self._experiment, planned)
            attempt = Attempt(self._experiment, planned, self.path / SCRATCH_FOLDER)
            failed = self._attempt(attempt)
            self._record_trial(attempt.trial())
            failed_in_a_row = failed_in_a_row + 1 if failed else 0
            if failed_in_a_row == FAILED_TRIALS_IN_A_ROW:
                raise ExperimentError(f"{FAILED_TRIALS_IN_A_ROW} trials in a row failed, the last one because of {attempt.reasons[-1]}")

    def _attempt(self, attempt: Attempt) -> bool:
        """Run the stages; whether one failed, which ends the trial but not the run."""
        for stage in self._stages:
            self._bench.interrupts.check()
            self._progress.stage(stage.name)
            try:
                stage.run(self._bench, attempt)
            except (ExperimentError, InfraError) as error:
                if stage.ends_the_run:
                    raise
                attempt.reasons.append(f"{stage.name}: {error}")
                return True
            if self._record is None and self._bench.session.deployment is not None:
                self._open()
        return False

    def _open(self) -> None:
        session = self._bench.session
        self._record = RunRecord(
            run_id=self.path.name,
            experiment=self._experiment,
            plan=plan(self._experiment),
            command=self._command,
            started_at=datetime.now(UTC),
            provenance=collect(
                self._bench.deployment,
                servers=session.outside.platform.server_versions(),
                load_generator=session.outside.load.generator,
                repository=REPOSITORY,
            ),
        )
        write_run(self.path, self._record)

    def _record_trial(self, trial: Trial) -> None:
        write_trial(self.path, trial)
        self._finished += 1
        self._invalid += not trial.record.valid
        self._progress.trial_finished(trial.record, headline(trial))

    def _close(self, status: str, reason: str | None) -> None:
        for unfinished in (self.path / SCRATCH_FOLDER, *self.path.glob(f"{TRIALS_FOLDER}/.*.partial")):
            shutil.rmtree(unfinished, ignore_errors=True)
        if self._record is not None:
            ended = {"status": status, "reason": reason, "finished_at": datetime.now(UTC)}
            write_run(self.path, self._record.model_copy(update=ended))

    def _outcome(self, error: str | None) -> RunOutcome:
        return RunOutcome(path=self.path, finished=self._finished, invalid=self._invalid, error=error)


def new_run_folder(runs_dir: Path, experiment: str, now: datetime) -> Path:
    """Make and return ``<UTC timestamp>-<experiment>``, with a number behind it if two runs begin in the same second."""
    name = f"{now:%Y%m%dT%H%M%SZ}-{experiment}"
    number = 1
    while True:
        path = runs_dir / (name if number == 1 else f"{name}-{number}")
        try:
            path.mkdir(parents=True)
        except FileExistsError:
            number += 1
        else:
            return path
