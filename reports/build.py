"""Run directories in, a report's folder out: the page, a CSV for each of its tables, and the list of all runs brought up to date."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC
from pathlib import Path
from typing import Final

from reports.errors import ReportError
from reports.folder import write_report, write_whole
from reports.loading import RunData, load
from reports.measurements import CapacityData
from reports.page.data import Page
from reports.page.document import judge, page
from reports.page.overview import PAGE_FILE, REPORTS_FOLDER, SUMMARY_FILE, overview, report_summary
from reports.page.render import csv_text, render_overview, render_page
from reports.program import program

INDEX_FILE: Final = "index.html"
_INDEX_MARKS: Final = (b'content="spirelab list of runs"', b'<h1>Runs</h1><p class="soft">The newest first; times are UTC.</p>')
"""What tells our list of runs from another page of the same name; the second is that of lists from before there was the first."""
_NAME_DIGITS: Final = 8
"""Of a digest: two suites of a folder that begin in the same second share them once in four thousand million times."""


@dataclass(frozen=True)
class Rendered:
    """A report before it is written."""

    runs: tuple[RunData | CapacityData, ...]
    document: Page
    """What stands on the page."""
    files: Mapping[str, bytes]
    """All that goes into its folder, by name relative to it."""


@dataclass(frozen=True)
class BuiltReport:
    """What was written."""

    path: Path
    size_bytes: int
    document: Page
    """What stands on the page."""
    unjudged: tuple[str, ...]
    """A sentence for each run without anything valid: it is on the page, and nothing could be concluded from it."""
    warnings: tuple[str, ...]
    """What is wrong with the files of the runs, as the page says it."""
    notes: tuple[str, ...]
    """What could not be brought up to date beside the report."""


def build(run_paths: Sequence[Path], out: Path | None = None) -> BuiltReport:
    """Build the page of one or several runs, in the order given.

    Raises:
        ReportError: a run can't be read, none has a finished trial, or the report can't be written.
    """
    paths = list(dict.fromkeys(path.resolve() for path in run_paths))
    report = render(paths)
    folder = _folder(paths, report.runs) if out is None else out
    try:
        write_report(folder, report.files)
    except OSError as error:
        raise ReportError(f"{folder}: the report can't be written ({error.strerror}); choose another folder with --out") from None
    return BuiltReport(
        folder / PAGE_FILE,
        len(report.files[PAGE_FILE]),
        report.document,
        unjudged=tuple(sentence for run in report.runs for sentence in _unjudged(run)),
        warnings=tuple(f"{run.record.run_id}: {sentence}" for run in report.runs for sentence in run.warnings),
        notes=tuple(note for runs_dir in sorted({path.parent for path in paths}) for note in _index_notes(runs_dir)),
    )


def render(paths: Sequence[Path]) -> Rendered:
    """Make a report of runs without writing anything; the same runs give the same bytes.

    Raises:
        ReportError: a run can't be read, or none has a finished trial.
    """
    runs = tuple(load(path) for path in paths)
    if not any(_finished(run) for run in runs):
        raise ReportError(f"{', '.join(run.record.run_id for run in runs)}: nothing was finished, so there is nothing to report")
    judged = [judge(run) for run in runs]
    document = page(judged)
    files = {table.csv_path: csv_text(table) for table in document.tables()}
    files[PAGE_FILE] = render_page(document)
    files[SUMMARY_FILE] = report_summary(judged, document, program()).model_dump_json(indent=2) + "\n"
    return Rendered(runs, document, {name: text.encode() for name, text in files.items()})


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
        ReportError: there is no such folder, a page of somebody else's has the list's name, or the list can't be written.
    """
    if not runs_dir.is_dir():
        raise ReportError(f"{runs_dir}: there is no such folder of runs; `nox -s bench` makes one")
    file = runs_dir / INDEX_FILE
    try:
        if file.exists() and not any(mark in file.read_bytes() for mark in _INDEX_MARKS):
            raise ReportError(f"{file}: is not a list of runs, so it is left as it is; move it away to have one")
        write_whole(file, render_overview(overview(runs_dir)).encode())
    except OSError as error:
        raise ReportError(f"{file}: the list of runs can't be written ({error.strerror}); make the folder writable") from None
    return file


def _index_notes(runs_dir: Path) -> tuple[str, ...]:
    """Bring the list up to date; why it could not be done, which leaves the report as good as it is."""
    try:
        build_index(runs_dir)
    except ReportError as error:
        return (str(error),)
    return ()


def _folder(paths: Sequence[Path], runs: Sequence[RunData | CapacityData]) -> Path:
    """Where a report goes: beside its runs, under a name that no report of others has."""
    parents = sorted({path.parent for path in paths})
    if len(parents) > 1:
        raise ReportError(f"the runs lie in {len(parents)} folders ({parents[0]}, {parents[1]}); say where the page goes with --out")
    names = [path.name for path in paths]
    if len(names) == 1:
        return parents[0] / REPORTS_FOLDER / names[0]
    first = min(run.record.started_at for run in runs).astimezone(UTC)
    digits = hashlib.sha256("\n".join(names).encode()).hexdigest()[:_NAME_DIGITS]
    return parents[0] / REPORTS_FOLDER / f"suite-{first:%Y%m%dT%H%M%SZ}-{digits}"
