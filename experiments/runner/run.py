"""One run: all trials of one experiment, each recorded as soon as it is finished."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

from experiments.definition import Experiment
from experiments.errors import ExperimentError
from experiments.plan import most_repeats, plan, repeat_duration_s
from experiments.progress import Progress
from experiments.provenance import collect
from experiments.records.files import TRIALS_FOLDER, Trial, write_trial
from experiments.records.history import Event
from experiments.records.schema import PlannedTrial, RunRecord
from experiments.runner.agenda import Agenda
from experiments.runner.attempt import Attempt
from experiments.runner.recorded import RecordedRun
from experiments.runner.stages import STAGES, Bench, Stage
from experiments.runner.summary import headline
from experiments.settings import REPOSITORY
from infra.errors import InfraError

SCRATCH_FOLDER: Final = ".scratch"
"""Within the run directory: what the load generator and the lab hand each other during a trial."""
FAILED_TRIALS_IN_A_ROW: Final = 3
"""After so many trials that could not be completed the next one will not be either."""


class Run(RecordedRun):
    """Carries out the plan of one experiment on the bench's deployment."""

    def __init__(
        self,
        bench: Bench,
        experiment: Experiment,
        command: str,
        progress: Progress,
        *,
        stages: Sequence[Stage] = STAGES,
        until: Callable[[Trial], bool] = lambda _: False,
    ) -> None:
        """``until`` says of each trial whether it is the last one, whatever is left of the plan."""
        super().__init__(bench.settings.runs_dir, experiment.name, progress)
        self._bench = bench
        self._experiment = experiment
        self._command = command
        self._stages = stages
        self._until = until

    def _carry_out(self) -> None:
        failed_in_a_row = bring_up = 0
        agenda = Agenda(plan(self._experiment), repeats=self._bench.settings.repeats, most=most_repeats(self._experiment))
        for planned in agenda:
            self._bench.interrupts.check()
            self._begin(planned)
            if planned.bring_up != bring_up:
                self._bench.session.renew(self._experiment, self._bench.note)
                bring_up = planned.bring_up
            attempt = Attempt(self._experiment, planned, self.path / SCRATCH_FOLDER, run_id=self.path.name)
            with attempt.undo:
                failed = self._attempt(attempt)
            trial, history = attempt.trial()
            self._record_trial(trial, history.events)
            shutil.rmtree(attempt.journals, ignore_errors=True)  # they are in the history now
            self._bench.session.learn(history)
            if self._until(trial):
                return
            if not trial.record.valid:
                agenda.was_invalid(planned)
            failed_in_a_row = failed_in_a_row + 1 if failed else 0
            if failed_in_a_row == FAILED_TRIALS_IN_A_ROW:
                raise ExperimentError(f"{FAILED_TRIALS_IN_A_ROW} trials in a row failed, the last one because of {attempt.reasons[-1]}")

    def _begin(self, planned: PlannedTrial) -> None:
        if planned.attempt > 1:
            self._progress.added(repeat_duration_s(self._experiment))
        again = ", again" if planned.attempt > 1 else ""
        self._progress.started(f"{self._experiment.name}: {planned.treatment}, block {planned.block + 1}{again}")

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
                self._open(self._new_record())
        return False

    def _new_record(self) -> RunRecord:
        outside = self._bench.session.outside
        return RunRecord(
            run_id=self.path.name,
            experiment=self._experiment,
            plan=plan(self._experiment),
            rules=self._bench.settings.rules,
            command=self._command,
            started_at=datetime.now(UTC),
            provenance=collect(
                self._bench.deployment,
                servers=outside.platform.server_versions(self._bench.deployment),
                load_generator=outside.load.generator,
                repository=REPOSITORY,
            ),
        )

    def _record_trial(self, trial: Trial, history: Sequence[Event]) -> None:
        write_trial(self.path, trial, history)
        self._finished += 1
        self._invalid += not trial.record.valid
        record = trial.record
        again = " again" if record.attempt > 1 else ""
        self._progress.finished(f"{record.treatment:<10} block {record.block + 1}{again}  {headline(trial)}")

    def _leftovers(self) -> list[Path]:
        return [self.path / SCRATCH_FOLDER, *self.path.glob(f"{TRIALS_FOLDER}/.*.partial")]
