"""The list of all runs, and what a report leaves behind for it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from experiments.errors import RecordError
from experiments.records.files import RUN_FILE, CapacityRun, Run, read_any_run
from reports.page.data import Page, Tone
from reports.page.document import Judged
from reports.page.formats import count, moment
from reports.page.judgements import GATE_TONES
from reports.page.sections import JudgedRun
from reports.verdicts.gate import Gate

REPORTS_FOLDER = "reports"
PAGE_FILE = "report.html"
SUMMARY_FILE = "report.json"
FileName = Annotated[str, Field(pattern=r"^(report\.html|tables/[A-Za-z0-9._-]+\.csv)$")]
"""Of a report's file; a name that leads out of its folder is none."""


class ClaimSummary(BaseModel):
    """One claim or comparison in short."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    statement: str
    word: str
    """The outcome as a page says it: confirmed, aim reached, missed, ..."""
    tone: Tone


class RunSummary(BaseModel):
    """The verdicts of one run in short."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    run_id: str
    gate: Gate
    claims: tuple[ClaimSummary, ...]

    calibration: str | None = None
    """The run of the calibration that the page quotes; None where the machine has none."""

    @property
    def tone(self) -> Tone:
        """How the gate should feel."""
        return GATE_TONES[self.gate]


class ReportSummary(BaseModel):
    """What ``report.json`` beside every page holds, so that the list of runs needs no run to be judged again."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    runs: tuple[RunSummary, ...]
    files: tuple[FileName, ...] = ()
    """What else the report wrote, relative to its folder, and so may replace; empty in reports from before it was noted."""
    program: str | None = None
    """Which version of the program made it, as :func:`reports.program.program` says; None in reports from before it was noted."""


@dataclass(frozen=True)
class RunLine:
    """One run of the list."""

    run_id: str
    folder: str
    title: str
    started: str
    status: str
    finished: str
    """Trials or rounds, of how many."""
    verdicts: RunSummary | None
    reports: tuple[str, ...]
    """Paths of the pages that show it, relative to the list."""


@dataclass(frozen=True)
class Overview:
    """All runs of a folder, the newest first."""

    runs: tuple[RunLine, ...]
    damaged: tuple[str, ...]
    """One sentence for each folder that is no readable run."""


def report_summary(judged: Sequence[Judged], page: Page, program: str) -> ReportSummary:
    """The verdicts of a page in short, the files that go with it, and which version of the program makes them."""
    return ReportSummary(
        files=(PAGE_FILE, *(table.csv_path for table in page.tables())),
        program=program,
        runs=tuple(
            RunSummary(
                run_id=one.run.record.run_id,
                gate=one.gate.gate,
                claims=tuple(ClaimSummary(statement=claim.statement, word=claim.word, tone=claim.tone) for claim in section.claims),
                calibration=one.run.calibration.run_id if isinstance(one, JudgedRun) and one.run.calibration is not None else None,
            )
            for one, section in zip(judged, page.sections, strict=True)
        ),
    )


def overview(runs_dir: Path) -> Overview:
    """Read what a folder of runs holds."""
    folders = sorted(path.parent for path in runs_dir.glob(f"*/{RUN_FILE}"))
    reports = _reports(runs_dir)
    runs, damaged = [], []
    for folder in folders:
        try:
            run = read_any_run(folder)
            finished = _finished(run)
        except (RecordError, OSError) as error:
            damaged.append(str(error).replace(str(runs_dir), runs_dir.name))
            continue
        runs.append((run.record.started_at, _line(run, finished, reports)))
    return Overview(
        runs=tuple(line for _, line in sorted(runs, key=lambda pair: (pair[0], pair[1].run_id), reverse=True)),
        damaged=tuple(damaged),
    )


def _finished(run: Run | CapacityRun) -> str:
    if isinstance(run, CapacityRun):
        return f"{run.finished_rounds} of {count(run.record.experiment.trials, 'round')}"
    planned = {trial.trial_id for trial in run.record.plan}
    return f"{sum(path.name in planned for path in run.trial_paths())} of {count(len(planned), 'trial')}"


def _line(run: Run | CapacityRun, finished: str, reports: list[tuple[str, ReportSummary]]) -> RunLine:
    record = run.record
    shown = [(path, verdicts) for path, summary in reports for verdicts in summary.runs if verdicts.run_id == record.run_id]
    return RunLine(
        run_id=record.run_id,
        folder=run.path.name,
        title=record.experiment.title,
        started=moment(record.started_at),
        status=record.status,
        finished=finished,
        verdicts=shown[0][1] if shown else None,
        reports=tuple(path for path, _ in shown),
    )


def _reports(runs_dir: Path) -> list[tuple[str, ReportSummary]]:
    """Pages with their verdicts; one whose summary can't be read is left out."""
    found = []
    for file in sorted(runs_dir.glob(f"{REPORTS_FOLDER}/*/{SUMMARY_FILE}")):
        if (file.parent / PAGE_FILE).is_file():
            try:
                summary = ReportSummary.model_validate_json(file.read_text(encoding="utf-8"))
            except (OSError, UnicodeDecodeError, ValidationError):
                continue
            found.append((f"{REPORTS_FOLDER}/{file.parent.name}/{PAGE_FILE}", summary))
    return found
