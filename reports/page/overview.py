"""The list of all runs, and what a report leaves behind for it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from pydantic import BaseModel, ConfigDict, ValidationError

from experiments.errors import RecordError
from experiments.records.files import RUN_FILE, Run, read_run
from reports.page.data import Tone
from reports.page.formats import moment
from reports.page.judgements import CLAIM_TONES, GATE_TONES
from reports.page.sections import JudgedRun
from reports.verdicts.claims import Outcome
from reports.verdicts.gate import Gate

REPORTS_FOLDER = "reports"
PAGE_FILE = "report.html"
SUMMARY_FILE = "report.json"


class ClaimSummary(BaseModel):
    """One claim in short."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    statement: str
    outcome: Outcome
    indicative: bool

    @property
    def word(self) -> str:
        """The outcome as a page says it."""
        return f"{self.outcome.value} (indicative)" if self.indicative else self.outcome.value

    @property
    def tone(self) -> Tone:
        """How it should feel."""
        return CLAIM_TONES[self.outcome]


class RunSummary(BaseModel):
    """The verdicts of one run in short."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    run_id: str
    gate: Gate
    claims: tuple[ClaimSummary, ...]

    @property
    def tone(self) -> Tone:
        """How the gate should feel."""
        return GATE_TONES[self.gate]


class ReportSummary(BaseModel):
    """What ``report.json`` beside every page holds, so that the list of runs needs no run to be judged again."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    runs: tuple[RunSummary, ...]


@dataclass(frozen=True)
class RunLine:
    """One run of the list."""

    run_id: str
    folder: str
    title: str
    started: str
    status: str
    trials: str
    verdicts: RunSummary | None
    reports: tuple[str, ...]
    """Paths of the pages that show it, relative to the list."""


@dataclass(frozen=True)
class Overview:
    """All runs of a folder, the newest first."""

    runs: tuple[RunLine, ...]
    damaged: tuple[str, ...]
    """One sentence for each folder that is no readable run."""


def report_summary(judged: Iterable[JudgedRun]) -> ReportSummary:
    """The verdicts of a page in short."""
    return ReportSummary(
        runs=tuple(
            RunSummary(
                run_id=one.run.record.run_id,
                gate=one.gate.gate,
                claims=tuple(
                    ClaimSummary(statement=verdict.claim.statement, outcome=verdict.outcome, indicative=verdict.is_indicative)
                    for verdict in one.claims
                ),
            )
            for one in judged
        )
    )


def overview(runs_dir: Path) -> Overview:
    """Read what a folder of runs holds."""
    folders = sorted(path.parent for path in runs_dir.glob(f"*/{RUN_FILE}"))
    reports = _reports(runs_dir)
    runs, damaged = [], []
    for folder in folders:
        try:
            run = read_run(folder)
            finished = len(run.trial_paths())
        except (RecordError, OSError) as error:
            damaged.append(str(error).replace(str(runs_dir), runs_dir.name))
            continue
        runs.append((run.record.started_at, _line(run, finished, reports)))
    return Overview(
        runs=tuple(line for _, line in sorted(runs, key=lambda pair: (pair[0], pair[1].run_id), reverse=True)),
        damaged=tuple(damaged),
    )


def _line(run: Run, finished: int, reports: list[tuple[str, ReportSummary]]) -> RunLine:
    record = run.record
    shown = [(path, verdicts) for path, summary in reports for verdicts in summary.runs if verdicts.run_id == record.run_id]
    return RunLine(
        run_id=record.run_id,
        folder=run.path.name,
        title=record.experiment.title,
        started=moment(record.started_at),
        status=record.status,
        trials=f"{finished} of {len(record.plan)}",
        verdicts=shown[0][1] if shown else None,
        reports=tuple(path for path, _ in shown),
    )


def _reports(runs_dir: Path) -> list[tuple[str, ReportSummary]]:
    """Pages with their verdicts; one whose summary can't be read is left out, and building it again mends it."""
    found = []
    for file in sorted(runs_dir.glob(f"{REPORTS_FOLDER}/*/{SUMMARY_FILE}")):
        if (file.parent / PAGE_FILE).is_file():
            try:
                summary = ReportSummary.model_validate_json(file.read_text(encoding="utf-8"))
            except (OSError, UnicodeDecodeError, ValidationError):
                continue
            found.append((f"{REPORTS_FOLDER}/{file.parent.name}/{PAGE_FILE}", summary))
    return found
