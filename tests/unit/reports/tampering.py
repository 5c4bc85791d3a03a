"""A small run with its report, and the ways in which a person or an accident changes its files afterwards."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from experiments.definition import BoundClaim, Metric, Phases, Treatment
from experiments.records.files import TRIAL_FILES
from experiments.records.manifest import MANIFEST_FILE, enter
from experiments.records.schema import ValidityRules
from tests.unit.reports.factory import TrialSpec, counters_of, experiment, steady, write

RUN_ID = "20261122T120000Z-small"
FIRST, LATE, BUSY = "trials/000-b0-off", "trials/002-b1-on", "trials/003-b1-off"
"""Trials: a valid one, one with a late load generator, and one that is invalid for a reason that its data don't show."""
REQUESTS = 200

Tamper = Callable[[Path], None]
"""Changes the run directory that it is given."""


def write_small_run(runs_dir: Path, run_id: str = RUN_ID, *, seed: int = 7) -> Path:
    """Two blocks of two treatments, 200 requests each, of 20 requests/s over a warm-up of 2 s and 8 s that are measured."""
    treatments = (Treatment(name="off", title="off", factors={"cache": False}), Treatment(name="on", title="on"))
    claim = BoundClaim(statement="p95 stays under 50 ms", metric=Metric.RESPONSE_P95_MS, treatment="on", at_most=50)
    asked = experiment(treatments=treatments, claims=(claim,), phases=Phases(warm_up_s=2, measure_s=8), trials=2, rate_per_s=20)
    specs = {}
    for block in range(2):
        for treatment in treatments:
            rng = np.random.default_rng([seed, block, treatment.name == "on"])
            times_ms = 9 * rng.lognormal(0, 0.3, REQUESTS)
            requests = steady(rate_per_s=20, duration_s=10, response_ms=lambda number, _at_s: float(times_ms[number]))  # noqa: B023
            specs[block, treatment.name] = TrialSpec(requests, counters_of(asked.topology_of(treatment), sql_per_s=20.0))
    late = [replace(one, slip_ms=60.0, response_ms=one.response_ms + 60) for one in specs[1, "on"].requests]
    specs[1, "on"] = replace(specs[1, "on"], requests=late, valid=False, reasons=("the load generator was late",))
    specs[1, "off"] = replace(specs[1, "off"], valid=False, reasons=("settle: the machine was too busy",))
    return write(runs_dir, asked, specs, run_id=run_id, changes={"rules": ValidityRules()})


def copied(run: Path, to: Path) -> Path:
    """The run with its report in another folder, to be tampered with."""
    shutil.copytree(run.parent, to)
    return to / run.name


def forge(run: Path) -> None:
    """Bring the manifest up to date with whatever was changed, as a careful forger would."""
    (run / MANIFEST_FILE).unlink()
    enter(run, [run / "run.json", *(trial / name for trial in sorted((run / "trials").iterdir()) for name in TRIAL_FILES)])


@dataclass(frozen=True)
class Column:
    """Changes the values of one column of a trial's table in some rows."""

    column: str
    change: Callable[[Any], Any]
    rows: slice = field(default_factory=lambda: slice(None))
    file: str = f"{FIRST}/requests.parquet"

    def __call__(self, run: Path) -> None:
        """Write the table with the changed values."""
        table = pq.read_table(run / self.file)
        values = table[self.column].to_pylist()
        values[self.rows] = [self.change(value) for value in values[self.rows]]
        at = table.column_names.index(self.column)
        changed = table.set_column(at, table.schema.field(at), pa.array(values, table.schema.field(at).type))
        pq.write_table(changed, run / self.file)


@dataclass(frozen=True)
class Json:
    """Replaces values in a JSON file, by their keys joined with dots."""

    file: str
    changes: Mapping[str, Any]

    def __call__(self, run: Path) -> None:
        """Write the file with the changed values."""
        values = json.loads((run / self.file).read_text(encoding="utf-8"))
        for path, value in self.changes.items():
            *outer, last = path.split(".")
            inner = values
            for key in outer:
                inner = inner[int(key)] if isinstance(inner, list) else inner[key]
            inner[last] = value
        (run / self.file).write_text(json.dumps(values, indent=2), encoding="utf-8")


def more_rows(run: Path) -> None:
    """The last request is there twice."""
    file = run / FIRST / "requests.parquet"
    table = pq.read_table(file)
    pq.write_table(pa.concat_tables([table, table.slice(len(table) - 1)]), file)


def foreign_trial(run: Path) -> None:
    """A trial of another run of the same experiment takes the place of this run's."""
    other = write_small_run(run.parent / "elsewhere", "20261122T150000Z-small", seed=8)
    shutil.rmtree(run / FIRST)
    shutil.copytree(other / FIRST, run / FIRST)


def extra_trial(run: Path) -> None:
    """A copy of a trial lies beside it."""
    shutil.copytree(run / FIRST, run / "trials/004-b0-off")


def repeated_trial(run: Path) -> None:
    """A copy of a trial is made to look like a repeat of it."""
    shutil.copytree(run / FIRST, run / "trials/004-b0-off-again1")
    changes = {"trial_id": "004-b0-off-again1", "position": 4, "attempt": 2}
    Json("trials/004-b0-off-again1/trial.json", changes)(run)


def repeated_again(run: Path) -> None:
    """The repeat of a repeat that is missing."""
    shutil.copytree(run / LATE, run / "trials/005-b1-on-again2")
    Column("ended_s", lambda value: value + 0.001, file="trials/005-b1-on-again2/requests.parquet")(run)
    Json("trials/005-b1-on-again2/trial.json", {"trial_id": "005-b1-on-again2", "position": 5, "attempt": 3})(run)


def deleted_trial(run: Path) -> None:
    """A trial is gone."""
    shutil.rmtree(run / FIRST)


def stray_file(run: Path) -> None:
    """A file manager was here."""
    (run / "trials/Thumbs.db").write_bytes(b"\x00")


def notes(run: Path) -> None:
    """A person keeps notes in a trial."""
    (run / FIRST / "notes.txt").write_text("slow?", encoding="utf-8")


def changed_history(run: Path) -> None:
    """The history is cut off."""
    file = run / FIRST / "history.jsonl.zst"
    file.write_bytes(file.read_bytes()[:-1])


def no_manifest(run: Path) -> None:
    """The manifest is gone."""
    (run / MANIFEST_FILE).unlink()


def damaged_manifest(run: Path) -> None:
    """The manifest is cut off."""
    (run / MANIFEST_FILE).write_text("{", encoding="utf-8")


def unlisted(run: Path) -> None:
    """The manifest does not know a file of the run."""
    values = json.loads((run / MANIFEST_FILE).read_text(encoding="utf-8"))
    del values["files"][f"{FIRST}/state.json"]
    (run / MANIFEST_FILE).write_text(json.dumps(values), encoding="utf-8")
