"""A run that is recorded: its folder, its record from the first deployment on, and how it ended, whatever kind it is."""

from __future__ import annotations

import shutil
from abc import ABC, abstractmethod
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from experiments.errors import ExperimentError
from experiments.progress import Progress
from experiments.records.files import write_run
from experiments.records.schema import RunHead
from experiments.runner.interrupts import Interrupted
from infra.errors import InfraError


@dataclass(frozen=True)
class RunOutcome:
    """How a run ended."""

    path: Path
    finished: int
    """Trials or measurements in the run directory."""
    invalid: int
    """Those of them that don't count."""
    error: str | None = None
    """Why it ended before its plan was done; None if it didn't."""


class RecordedRun(ABC):
    """Carries out a plan; what was finished stays recorded, however it ends."""

    def __init__(self, runs_dir: Path, experiment: str, progress: Progress) -> None:
        self.path = new_run_folder(runs_dir, experiment, datetime.now(UTC))
        self._progress = progress
        self._record: RunHead | None = None
        self._finished = self._invalid = 0

    def execute(self) -> RunOutcome:
        """Do all that is planned.

        Raises:
            Interrupted: a signal came; the run directory says so.
            OSError: the run directory can't be written.
        """
        try:
            self._carry_out()
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

    @abstractmethod
    def _carry_out(self) -> None:
        """Deploy, open the record, measure, and record what is finished."""

    @abstractmethod
    def _leftovers(self) -> list[Path]:
        """What a finished run directory doesn't hold."""

    def _open(self, record: RunHead) -> None:
        self._record = record
        write_run(self.path, record)

    def _close(self, status: str, reason: str | None) -> None:
        for unfinished in self._leftovers():
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
