"""A report's folder: only files that a report wrote there are replaced or removed, whatever else lies in it."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from pydantic import ValidationError

from reports.errors import ReportError
from reports.page.overview import SUMMARY_FILE, ReportSummary


def read_summary(folder: Path) -> ReportSummary | None:
    """What ``report.json`` of a report's folder says; None where there is none.

    Raises:
        ReportError: it can't be read, or is not of a report.
    """
    file = folder / SUMMARY_FILE
    try:
        return ReportSummary.model_validate_json(file.read_bytes()) if file.exists() else None
    except (OSError, ValidationError):
        raise ReportError(f"{file}: is not that of a report, or damaged; move it away, or choose another folder with --out") from None


def write_report(folder: Path, files: Mapping[str, bytes]) -> None:
    """Write a report's files, by name relative to its folder, and remove those of the report that was there before.

    ``report.json`` names all others, and is written before them: what a build that is killed leaves behind is known to be a report's.

    Raises:
        ReportError: a file is in the way that no report wrote.
        OSError: the folder can't be written.
    """
    before = read_summary(folder)
    own = {SUMMARY_FILE, *before.files} if before else set()
    if before and not before.files:  # of a report from before they were noted
        own |= set(files)
    for name in files:
        if name not in own and (folder / name).exists():
            raise ReportError(f"{folder / name}: was not written by a report and would be replaced; choose another folder with --out")
    for name in own - set(files):
        (folder / name).unlink(missing_ok=True)
    for name in sorted(files, key=lambda name: name != SUMMARY_FILE):
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        write_whole(folder / name, files[name])


def write_whole(file: Path, content: bytes) -> None:
    """Write a file, whole or not at all."""
    partial = file.with_name(f".{file.name}.partial")
    partial.write_bytes(content)
    partial.replace(file)
