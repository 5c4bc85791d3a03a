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
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
from numpy.typing import NDArray

from experiments.definition import Objective, Phase
from experiments.errors import RecordError
from experiments.records.contents import contents
from experiments.records.files import REQUESTS_FILE, SAMPLES_FILE, TRIAL_FILE, CapacityRun, Run, read_any_run, read_trial
from experiments.records.manifest import MANIFEST_FILE, deviations, read_manifest
from experiments.records.schema import Outcome, RunRecord, StateRecord, TrialRecord
from reports.errors import ReportError
from reports.integrity import (
    Finding,
    Kind,
    changed_files,
    foreign_trial,
    plan_contradictions,
    request_contradictions,
    sample_contradictions,
    warning_sentences,
)
from reports.measurements import CapacityData, capacity_data
from reports.validity import judged_again, validity_findings

MS_PER_S = 1000.0
FIRST_WITH_MANIFEST = 3
"""Format version."""


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
    warnings: tuple[str, ...] = ()
    """What is wrong with its files, a sentence each."""

    def valid(self, treatment: str) -> tuple[TrialData, ...]:
        """The valid trials of a treatment: the only ones that verdicts are made of."""
        return tuple(trial for trial in self.trials if trial.record.treatment == treatment and trial.record.valid)


def load(path: Path) -> RunData | CapacityData:
    """Read a whole run directory of either kind. What is done about which kind of fault is in :mod:`reports.integrity`.

    Raises:
        ReportError: it is no run directory, a file of it is damaged or of another format version, or its parts contradict each other.
    """
    try:
        run = read_any_run(path)
        files = file_findings(run)
    except (RecordError, OSError) as error:
        raise ReportError(str(error)) from None
    if isinstance(run, CapacityRun):
        return replace(capacity_data(run), warnings=warning_sentences(files))
    examined = [examine(folder, run) for folder in run.trial_paths()]
    findings = [*files, *(finding for one in examined for finding in one.findings)]
    for finding in findings:
        if finding.kind is Kind.IMPOSSIBLE:
            raise ReportError(f"{path / finding.file}: {finding.problem}; restore the file, or move the trial out of the run")
    return RunData(run.record, tuple(one.trial for one in examined if one.trial is not None), warning_sentences(findings))


def file_findings(run: Run | CapacityRun) -> tuple[Finding, ...]:
    """What is wrong with the files of a run, without a look at what they say: changed, missing, or among its trials and none of them.

    Raises:
        RecordError: one can't be read.
    """
    foreign = () if isinstance(run, CapacityRun) else run.foreign_paths()
    strangers = [Finding(Kind.FOREIGN, path.relative_to(run.path).as_posix(), "is no trial of the run's plan") for path in foreign]
    if run.record.format_version < FIRST_WITH_MANIFEST:
        return tuple(strangers)
    try:
        manifest = read_manifest(run.path)
    except RecordError:
        return (*strangers, Finding(Kind.CHANGED, MANIFEST_FILE, "is damaged, so no file of the run can be compared with it"))
    if manifest is None:
        return (*strangers, Finding(Kind.CHANGED, MANIFEST_FILE, "is missing, so no file of the run can be compared with it"))
    return (*strangers, *changed_files(deviations(run.path, manifest, contents(run).files)))


@dataclass(frozen=True, eq=False)
class Examined:
    """A trial's folder after a look at what it says."""

    trial: TrialData | None
    """None if it is no trial of the run, or its data can't be."""
    findings: tuple[Finding, ...]


def examine(folder: Path, run: Run) -> Examined:
    """Read a trial, check it against itself and the run, and judge its validity again.

    Raises:
        ReportError: a file of it is missing or can't be read.
    """
    try:
        trial = read_trial(folder)
    except RecordError as error:
        raise ReportError(str(error)) from None
    record_file, requests_file, samples_file = (
        (folder / name).relative_to(run.path).as_posix() for name in (TRIAL_FILE, REQUESTS_FILE, SAMPLES_FILE)
    )
    if foreign := tuple(foreign_trial(record_file, trial.record, run.record)):
        return Examined(None, foreign)
    requests, samples = _frame(folder / REQUESTS_FILE, trial.requests), _frame(folder / SAMPLES_FILE, trial.samples)
    impossible = (
        *plan_contradictions(record_file, folder.name, trial.record, run.record),
        *request_contradictions(requests_file, requests, trial.record),
        *sample_contradictions(samples_file, samples),
    )
    if impossible:
        return Examined(None, impossible)
    requests["ok"] = requests["outcome"] == Outcome.OK
    requests["response_ms"] = (requests["ended_s"] - requests["intended_s"]) * MS_PER_S
    requests["service_ms"] = (requests["ended_s"] - requests["sent_s"]) * MS_PER_S
    judged = judged_again(trial.record, requests, run.record)
    asked = run.record.experiment
    data = TrialData(judged, trial.state, requests, _by_metric(samples), asked.objective, asked.recovery_band)
    return Examined(data, tuple(validity_findings(record_file, trial.record, judged, run.record)))


def _frame(file: Path, table: pa.Table) -> pd.DataFrame:
    try:
        frame: pd.DataFrame = table.to_pandas(strings_to_categorical=True)
    except (ValueError, pa.ArrowException) as error:
        raise ReportError(f"{file}: has values that can't be read ({str(error).partition(chr(10))[0]}); restore it") from None
    return frame


def _by_metric(samples: pd.DataFrame) -> Samples:
    found: dict[str, dict[str, Readings]] = {}
    for (metric, node), rows in samples.groupby(["metric", "node"], observed=True):
        found.setdefault(str(metric), {})[str(node)] = Readings(
            rows["at_s"].to_numpy(dtype=np.float64), rows["value"].to_numpy(dtype=np.float64)
        )
    return {metric: dict(sorted(by_node.items())) for metric, by_node in sorted(found.items())}
