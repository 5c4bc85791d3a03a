"""Run directories into pandas frames (capacity runs into typed values), checked far enough that no analysis has to doubt its input.

``TrialData.requests`` has the columns of ``experiments.records.schema.REQUEST_SCHEMA`` and

=============  =====  ==========================================================================================
column         unit   meaning
=============  =====  ==========================================================================================
``ok``         bool   the outcome is ``ok``
``response_ms``  ms   ended minus intended: what a client waits that doesn't know of a queue before the send
``service_ms``   ms   ended minus sent: what the system took once it had the request
=============  =====  ==========================================================================================

Requests are sorted as they are on disk, by intended time; the readings of a probe by the time at which they were taken.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from experiments.definition import Objective, Operation, Phase
from experiments.errors import RecordError
from experiments.records.files import REQUESTS_FILE, SAMPLES_FILE, TRIAL_FILE, CapacityRun, read_any_run, read_trial
from experiments.records.schema import Outcome, RunRecord, StateRecord, TrialRecord
from reports.errors import ReportError
from reports.measurements import CapacityData, capacity_data

MS_PER_S = 1000.0


@dataclass(frozen=True)
class Window:
    """A stretch of a trial, seconds since its epoch."""

    start_s: float
    end_s: float

    @property
    def length_s(self) -> float:
        """How long it is."""
        return self.end_s - self.start_s


@dataclass(frozen=True, eq=False)
class Readings:
    """What a probe read of one metric of one node."""

    at_s: NDArray[np.float64]
    value: NDArray[np.float64]


Samples = Mapping[str, Mapping[str, Readings]]
"""Readings by metric and node, both in the order of their names; picked apart once, because analyses ask for them a thousand times."""


@dataclass(frozen=True, eq=False)
class TrialData:
    """One finished trial: its record, its requests as a frame and its samples by metric and node."""

    record: TrialRecord
    state: StateRecord
    requests: pd.DataFrame
    samples: Samples
    objective: Objective
    """What its experiment has the service promise."""
    recovery_band: float
    """Times the control trial's response times up to which clients are served as before."""

    @property
    def measure(self) -> Window:
        """The measure phase, the part that every metric speaks of."""
        return next(Window(phase.start_s, phase.end_s) for phase in self.record.phases if phase.phase is Phase.MEASURE)

    @property
    def load_end_s(self) -> float:
        """When the last phase ends."""
        return max(phase.end_s for phase in self.record.phases)

    @cached_property
    def measured(self) -> pd.DataFrame:
        """The requests that were due in the measure phase."""
        return self.requests[self.requests["phase"] == Phase.MEASURE]


@dataclass(frozen=True, eq=False)
class RunData:
    """A run with its finished trials, in the order in which they were run."""

    record: RunRecord
    trials: tuple[TrialData, ...]

    def valid(self, treatment: str) -> tuple[TrialData, ...]:
        """The valid trials of a treatment: the only ones that verdicts are made of."""
        return tuple(trial for trial in self.trials if trial.record.treatment == treatment and trial.record.valid)


def load(path: Path) -> RunData | CapacityData:
    """Read a whole run directory of either kind.

    Raises:
        ReportError: it is no run directory, a file of it is damaged or of another format version, or its parts contradict each other.
    """
    try:
        run = read_any_run(path)
        folders = () if isinstance(run, CapacityRun) else run.trial_paths()
    except (RecordError, OSError) as error:
        raise ReportError(str(error)) from None
    if isinstance(run, CapacityRun):
        return capacity_data(run)
    trials = [_load_trial(folder, run.record) for folder in folders]
    return RunData(run.record, tuple(sorted(trials, key=lambda trial: (trial.record.block, trial.record.position))))


def _load_trial(folder: Path, run: RunRecord) -> TrialData:
    try:
        trial = read_trial(folder)
    except RecordError as error:
        raise ReportError(str(error)) from None
    _check_record(folder / TRIAL_FILE, trial.record, run)
    requests = trial.requests.to_pandas(strings_to_categorical=True)
    samples = trial.samples.to_pandas(strings_to_categorical=True)
    _check_finite(folder / REQUESTS_FILE, requests, ("intended_s", "sent_s", "ended_s"))
    _check_finite(folder / SAMPLES_FILE, samples, ("at_s", "value"))
    for column, allowed in (("phase", Phase), ("operation", Operation), ("outcome", Outcome)):
        known = {item.value for item in allowed}
        if unknown := sorted(set(requests[column].unique()) - known):
            raise ReportError(f"{folder / REQUESTS_FILE}: the {column} {unknown[0]!r} is none of {', '.join(sorted(known))}")
    requests["ok"] = requests["outcome"] == Outcome.OK
    requests["response_ms"] = (requests["ended_s"] - requests["intended_s"]) * MS_PER_S
    requests["service_ms"] = (requests["ended_s"] - requests["sent_s"]) * MS_PER_S
    return TrialData(trial.record, trial.state, requests, _by_metric(samples), run.experiment.objective, run.experiment.recovery_band)


def _by_metric(samples: pd.DataFrame) -> Samples:
    found: dict[str, dict[str, Readings]] = {}
    for (metric, node), rows in samples.groupby(["metric", "node"], observed=True):
        found.setdefault(str(metric), {})[str(node)] = Readings(
            rows["at_s"].to_numpy(dtype=np.float64), rows["value"].to_numpy(dtype=np.float64)
        )
    return {metric: dict(sorted(by_node.items())) for metric, by_node in sorted(found.items())}


def _check_record(file: Path, trial: TrialRecord, run: RunRecord) -> None:
    if trial.treatment not in {treatment.name for treatment in run.experiment.treatments}:
        raise ReportError(f"{file}: the treatment {trial.treatment!r} is not one of the run's; the folder belongs to another run")
    measures = [phase for phase in trial.phases if phase.phase is Phase.MEASURE]
    if len(measures) != 1 or measures[0].end_s <= measures[0].start_s:
        raise ReportError(f"{file}: needs exactly one measure phase that lasts longer than nothing")


def _check_finite(file: Path, frame: pd.DataFrame, columns: tuple[str, ...]) -> None:
    for column in columns:
        if not np.isfinite(frame[column].to_numpy()).all():
            raise ReportError(f"{file}: {column} has a value that is not a finite number; restore the file or delete the trial")
