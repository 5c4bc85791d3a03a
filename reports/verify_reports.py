"""Whether reports are what their runs give: each page and table is made again in memory and compared byte for byte."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from experiments.errors import RecordError
from experiments.records.files import RUN_FILE, read_any_run
from reports.build import render
from reports.errors import ReportError
from reports.folder import read_summary
from reports.page.formats import count
from reports.page.overview import REPORTS_FOLDER, SUMMARY_FILE, ReportSummary
from reports.program import program
from reports.verify import Check


def verify_reports(paths: Sequence[Path]) -> Iterator[Check]:
    """Check each report beside the runs that shows one of them, as soon as it is made again."""
    runs = dict(_run_ids(paths))
    for runs_dir in sorted({path.parent for path in paths}):
        shown = False
        for file in sorted(runs_dir.glob(f"{REPORTS_FOLDER}/*/{SUMMARY_FILE}")):
            name = f"{REPORTS_FOLDER}/{file.parent.name}"
            try:
                summary = read_summary(file.parent)
            except ReportError:
                shown = True
                yield Check(name, "its summary", (f"{name}/{SUMMARY_FILE}: is damaged, so which runs the page shows can't be told",))
                continue
            if summary is not None and any(one.run_id in runs for one in summary.runs):
                shown = True
                yield _verify(name, file.parent, summary, runs)
        if not shown:
            yield Check(REPORTS_FOLDER, f"none in {runs_dir / REPORTS_FOLDER} shows these runs")


def _run_ids(paths: Sequence[Path]) -> Iterator[tuple[str, Path]]:
    """The run that lies in each folder; what can't be read is left out, and is a finding of its own."""
    for path in paths:
        try:
            yield read_any_run(path).record.run_id, path
        except (RecordError, OSError):
            continue


def _verify(name: str, folder: Path, summary: ReportSummary, given: Mapping[str, Path]) -> Check:
    ids = [one.run_id for one in summary.runs]
    beside = folder.parents[1]
    runs = dict(_run_ids([file.parent for file in sorted(beside.glob(f"*/{RUN_FILE}"))])) if not set(ids) <= set(given) else {}
    runs |= given
    if absent := [run_id for run_id in ids if run_id not in runs]:
        return Check(name, "nothing", unchecked=(f"{name}: shows {absent[0]}, which is not here, so it can't be made again",))
    try:
        files = render([runs[run_id] for run_id in ids]).files
    except ReportError as error:
        return Check(name, "nothing", (f"{name}: can't be made again: {' '.join(str(error).split())}",))
    checked = f"page, {count(len(files) - 2, 'table')} and summary made again from {count(len(ids), 'run')}, byte for byte"
    findings = tuple(f"{name}/{file}: {problem}" for file, problem in _deviations(folder, files))
    if findings and summary.program != program():
        sentence = f"{name}: was made by another version of the program and this one makes another page; make it again with `nox -s report`"
        return Check(name, checked, unchecked=(sentence,))
    if findings and _calibrations(summary) != _calibrations(ReportSummary.model_validate_json(files[SUMMARY_FILE])):
        sentence = f"{name}: quotes another calibration of the machine than there is now; make it again with `nox -s report`"
        return Check(name, checked, unchecked=(sentence,))
    return Check(name, checked, findings)


def _calibrations(summary: ReportSummary) -> tuple[str | None, ...]:
    return tuple(run.calibration for run in summary.runs)


def _deviations(folder: Path, files: Mapping[str, bytes]) -> Iterator[tuple[str, str]]:
    for file, content in files.items():
        try:
            if (folder / file).read_bytes() != content:
                yield file, "is not what the runs give: it was edited, or a run was changed after it was made"
        except OSError as error:
            yield file, f"can't be read ({error.strerror})"
    there = {path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file() and not path.name.startswith(".")}
    for file in sorted(there - set(files)):
        yield file, "is no file of the report"
