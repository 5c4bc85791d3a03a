"""Reading and writing run directories: whole or not at all, checked when read."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Final

import pyarrow as pa
import pyarrow.parquet as pq

from experiments.errors import RecordError
from experiments.records.capacity import MEASUREMENT_SCHEMA, CapacityRunRecord, Measurement, table
from experiments.records.documents import read_json, validated, write_json
from experiments.records.history import Event
from experiments.records.journal import read_history, write_history
from experiments.records.manifest import enter
from experiments.records.schema import READABLE_VERSIONS, REQUEST_SCHEMA, SAMPLE_SCHEMA, RunHead, RunRecord, StateRecord, TrialRecord

RUN_FILE = "run.json"
TRIAL_FILE = "trial.json"
STATE_FILE = "state.json"
REQUESTS_FILE = "requests.parquet"
SAMPLES_FILE = "samples.parquet"
HISTORY_FILE = "history.jsonl.zst"
MEASUREMENTS_FILE = "measurements.parquet"
TRIALS_FOLDER = "trials"
TRIAL_FILES: Final = (TRIAL_FILE, STATE_FILE, REQUESTS_FILE, SAMPLES_FILE, HISTORY_FILE)
TRIES_FOLDER: Final = "shrinking"
"""A run directory for each try of a search for fewer faults, to be looked at; no part of the run."""
SHRUNK_SUFFIX: Final = "-shrunk.json"
"""Of the experiment that such a search ended with, after the trial's id; no part of the run."""
_TRIAL_ID: Final = re.compile(r"(?P<position>\d+)-b(?P<block>\d+)-(?P<treatment>[a-z][a-z0-9_]*?)(-again(?P<repeat>[1-9]\d*))?")


@dataclass(frozen=True)
class Trial:
    """A trial as read back."""

    record: TrialRecord
    state: StateRecord
    requests: pa.Table
    samples: pa.Table


@dataclass(frozen=True)
class Run:
    """A run directory, read and checked; the trials are read one by one."""

    path: Path
    record: RunRecord

    def trial_paths(self) -> tuple[Path, ...]:
        """Folders of the finished trials, in the order in which they were run: those named like a planned trial or a repeat of one."""
        ours = [path for path in self._in_trials() if path.is_dir() and self.is_trial(path.name)]
        return tuple(sorted(ours, key=_order))

    def foreign_paths(self) -> tuple[Path, ...]:
        """What else lies among the trials and is none of them, such as a copy of one; hidden files are left out."""
        ours = set(self.trial_paths())
        return tuple(path for path in self._in_trials() if path not in ours)

    def is_trial(self, trial_id: str) -> bool:
        """Whether the run has such a trial: the plan names it, or it repeats one that the plan names."""
        if trial_id in self._planned:
            return True
        found = _TRIAL_ID.fullmatch(trial_id)
        return found is not None and found["repeat"] is not None and (int(found["block"]), found["treatment"]) in self._planned.values()

    @cached_property
    def _planned(self) -> dict[str, tuple[int, str]]:
        return {planned.trial_id: (planned.block, planned.treatment) for planned in self.record.plan}

    def _in_trials(self) -> list[Path]:
        folder = self.path / TRIALS_FOLDER
        return sorted(path for path in folder.iterdir() if not path.name.startswith(".")) if folder.is_dir() else []

    def trials(self) -> Iterator[Trial]:
        """The finished trials, in the order in which they were run.

        Raises:
            RecordError: a file of a trial is missing or damaged.
        """
        for path in self.trial_paths():
            yield read_trial(path)


@dataclass(frozen=True)
class CapacityRun:
    """The run directory of a capacity experiment, read and checked."""

    path: Path
    record: CapacityRunRecord
    measurements: pa.Table
    """Of the finished rounds, with MEASUREMENT_SCHEMA."""

    @property
    def finished_rounds(self) -> int:
        """Rounds that were measured to their end."""
        return len(set(self.measurements.column("round").to_pylist()))


def write_run(path: Path, record: RunHead) -> None:
    """Write or replace ``run.json`` of the run directory ``path``, which is made if need be."""
    path.mkdir(parents=True, exist_ok=True)
    write_json(path / RUN_FILE, record)
    enter(path, [path / RUN_FILE])


def write_measurements(path: Path, measurements: Sequence[Measurement]) -> None:
    """Write or replace the measurements of all finished rounds of the run directory ``path``; whole or not at all."""
    partial = path / f".{MEASUREMENTS_FILE}.partial"
    pq.write_table(table(measurements), partial, compression="zstd")
    partial.replace(path / MEASUREMENTS_FILE)
    enter(path, [path / MEASUREMENTS_FILE])


def write_trial(path: Path, trial: Trial, history: Sequence[Event] = ()) -> Path:
    """Write a finished trial and its history into the run directory ``path``; whole or not at all. Returns its folder."""
    final = path / TRIALS_FOLDER / trial.record.trial_id
    partial = final.with_name(f".{final.name}.partial")
    partial.mkdir(parents=True)
    pq.write_table(trial.requests.cast(REQUEST_SCHEMA), partial / REQUESTS_FILE, compression="zstd")
    pq.write_table(trial.samples.cast(SAMPLE_SCHEMA), partial / SAMPLES_FILE, compression="zstd")
    write_history(partial / HISTORY_FILE, history)
    write_json(partial / STATE_FILE, trial.state)
    write_json(partial / TRIAL_FILE, trial.record)
    partial.rename(final)
    enter(path, [final / name for name in TRIAL_FILES])
    return final


def read_run(path: Path) -> Run:
    """Read a run directory of an open-loop experiment.

    Raises:
        RecordError: it is no run directory, is damaged, of another kind, or of another format version.
    """
    run = read_any_run(path)
    if not isinstance(run, Run):
        raise RecordError(f"{path / RUN_FILE}: is of a capacity experiment, which has measurements and no trials")
    return run


def read_any_run(path: Path) -> Run | CapacityRun:
    """Read a run directory of either kind.

    Raises:
        RecordError: it is no run directory, is damaged, or is of another format version.
    """
    file = path / RUN_FILE
    if not path.is_dir():
        raise RecordError(f"{path}: there is no such run directory; `python -m experiments runs` lists them")
    values = read_json(file)
    version = values.get("format_version") if isinstance(values, dict) else None
    if version not in READABLE_VERSIONS:
        readable = " and ".join(map(str, READABLE_VERSIONS))
        raise RecordError(f"{file}: format_version is {version!r} and this program reads {readable}; use the version that wrote it")
    if values.get("kind") != "capacity":
        return Run(path=path, record=validated(file, RunRecord, values))
    record = validated(file, CapacityRunRecord, values)
    measured = path / MEASUREMENTS_FILE
    measurements = _read_table(measured, MEASUREMENT_SCHEMA) if measured.exists() else MEASUREMENT_SCHEMA.empty_table()
    return CapacityRun(path=path, record=record, measurements=measurements)


def read_trial(path: Path) -> Trial:
    """Read one trial's folder.

    Raises:
        RecordError: a file is missing or damaged.
    """
    return Trial(
        record=validated(path / TRIAL_FILE, TrialRecord, read_json(path / TRIAL_FILE)),
        state=validated(path / STATE_FILE, StateRecord, read_json(path / STATE_FILE)),
        requests=_read_table(path / REQUESTS_FILE, REQUEST_SCHEMA),
        samples=_read_table(path / SAMPLES_FILE, SAMPLE_SCHEMA),
    )


def read_trial_history(path: Path) -> tuple[Event, ...]:
    """Read the history of one trial's folder, which is large and which reports don't need.

    Raises:
        RecordError: it is missing, as in runs of format version 1, or damaged.
    """
    return read_history(path / HISTORY_FILE)


def _order(trial: Path) -> tuple[int, int, int]:
    """By block and attempt before the position: a repeat is run at the end of its block and numbered after the whole plan."""
    found = _TRIAL_ID.fullmatch(trial.name)
    return (int(found["block"]), int(found["repeat"] or 0), int(found["position"])) if found else (0, 0, 0)


def _read_table(path: Path, schema: pa.Schema) -> pa.Table:
    try:
        table = pq.read_table(path)
        if missing := [name for name in schema.names if name not in table.column_names]:
            raise RecordError(f"{path}: has no column {missing[0]}; it was written by another version")
        return table.select(schema.names).cast(schema)
    except FileNotFoundError:
        raise RecordError(f"{path}: missing; the run directory is incomplete") from None
    except (OSError, ValueError, pa.ArrowException) as error:
        first_line = str(error).partition("\n")[0]
        raise RecordError(f"{path}: not Parquet with the documented columns ({first_line}); restore it or delete the trial") from None
