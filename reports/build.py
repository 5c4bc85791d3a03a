"""Run directories in, a report's folder out: the page, a CSV for each of its tables, and the list of all runs brought up to date."""

from __future__ import annotations

import re
import shutil
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC
from pathlib import Path

from experiments.records.schema import RunHead
from reports.errors import ReportError
from reports.loading import RunData, load
from reports.measurements import CapacityData
from reports.page.data import Page
from reports.page.document import judge, page
from reports.page.overview import PAGE_FILE, REPORTS_FOLDER, SUMMARY_FILE, overview, report_summary
from reports.page.render import csv_text, render_overview, render_page

INDEX_FILE = "index.html"
TABLES_FOLDER = "tables"
_PLAIN_NAME = re.compile(r"^[A-Za-z0-9][A-Za-z0-9._-]{0,199}$")


@dataclass(frozen=True)
class BuiltReport:
    """What was written."""

    path: Path
    size_bytes: int
    document: Page
    """What stands on the page."""
    unjudged: tuple[str, ...]
    """A sentence for each run without anything valid: it is on the page, and nothing could be concluded from it."""


def build(run_paths: Sequence[Path], out: Path | None = None) -> BuiltReport:
    """Build the page of one or several runs, in the order given.

    Raises:
        ReportError: a run can't be read, none has a finished trial, or the report can't be written.
    """
    paths = list(dict.fromkeys(path.resolve() for path in run_paths))
    runs = [load(path) for path in paths]
    if not any(_finished(run) for run in runs):
        raise ReportError(f"{', '.join(run.record.run_id for run in runs)}: nothing was finished, so there is nothing to report")
    folder = _folder(paths, [run.record for run in runs]) if out is None else out
    judged = [judge(run) for run in runs]
    document = page(judged)
    try:
        shutil.rmtree(folder / TABLES_FOLDER, ignore_errors=True)
        (folder / TABLES_FOLDER).mkdir(parents=True)
        for table in document.tables():
            (folder / table.csv_path).write_text(csv_text(table), encoding="utf-8")
        written = _write(folder / PAGE_FILE, render_page(document))
        _write(folder / SUMMARY_FILE, report_summary(judged, document).model_dump_json(indent=2) + "\n")
    except OSError as error:
        raise ReportError(f"{folder}: the report can't be written ({error.strerror}); choose another folder with --out") from None
    for runs_dir in sorted({path.parent for path in paths}):
        build_index(runs_dir)
    return BuiltReport(folder / PAGE_FILE, written, document, tuple(sentence for run in runs for sentence in _unjudged(run)))


def _finished(run: RunData | CapacityData) -> int:
    return len(run.measurements) if isinstance(run, CapacityData) else len(run.trials)


def _unjudged(run: RunData | CapacityData) -> tuple[str, ...]:
    if isinstance(run, CapacityData):
        valid, each = run.valid, "measurements"
    else:
        valid, each = sum(trial.record.valid for trial in run.trials), "trials"
    if valid:
        return ()
    return (f"{run.record.run_id}: none of its {_finished(run)} finished {each} is valid, so nothing was judged; the page has the reasons",)


def build_index(runs_dir: Path) -> Path:
    """Rebuild the list of all runs of a folder.

    Raises:
        ReportError: there is no such folder, or the list can't be written.
    """
    if not runs_dir.is_dir():
        raise ReportError(f"{runs_dir}: there is no such folder of runs; `nox -s bench` makes one")
    file = runs_dir / INDEX_FILE
    try:
        _write(file, render_overview(overview(runs_dir)))
    except OSError as error:
        raise ReportError(f"{file}: the list of runs can't be written ({error.strerror}); make the folder writable") from None
    return file


def _folder(paths: Sequence[Path], records: Sequence[RunHead]) -> Path:
    parents = sorted({path.parent for path in paths})
    if len(parents) > 1:
        raise ReportError(f"the runs lie in {len(parents)} folders ({parents[0]}, {parents[1]}); say where the page goes with --out")
    if len(records) > 1:
        name = f"suite-{min(record.started_at for record in records).astimezone(UTC):%Y%m%dT%H%M%SZ}"
    else:
        name = records[0].run_id
        if not _PLAIN_NAME.match(name):
            raise ReportError(f"{paths[0]}: its run_id {name!r} can't be the name of a folder; say where the page goes with --out")
    return parents[0] / REPORTS_FOLDER / name


def _write(file: Path, text: str) -> int:
    """Write a file whole or not at all; its size in bytes."""
    data = text.encode()
    partial = file.with_name(f".{file.name}.partial")
    partial.write_bytes(data)
    partial.replace(file)
    return len(data)
