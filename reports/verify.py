"""Whether a run directory is what was measured, and whether its reports are what it gives: every check, each with what it found."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from experiments.errors import RecordError
from experiments.records.contents import contents
from experiments.records.files import MEASUREMENTS_FILE, REQUESTS_FILE, RUN_FILE, TRIALS_FOLDER, CapacityRun, Run, read_any_run
from experiments.records.manifest import MANIFEST_FILE, digest
from experiments.records.schema import TrialRecord
from reports.errors import ReportError
from reports.integrity import Finding, Kind
from reports.loading import FIRST_WITH_MANIFEST, examine, file_findings
from reports.measurements import capacity_data
from reports.page.formats import count


@dataclass(frozen=True)
class Check:
    """One thing that was checked."""

    name: str
    checked: str
    """What was looked at, and how many."""
    findings: tuple[str, ...] = ()
    """A sentence for each thing that is wrong."""
    unchecked: tuple[str, ...] = ()
    """A sentence for each thing that could not be checked, which is no pass."""


def verify_run(path: Path) -> Iterator[Check]:
    """Check the files of one run directory: each check as soon as it is done. A damaged file is a finding, never an error."""
    try:
        run = read_any_run(path)
        found = contents(run)
        files = file_findings(run)
    except (RecordError, OSError) as error:
        yield Check(RUN_FILE, "the run's record", (_within(path, error),))
        return
    yield Check(RUN_FILE, f"format version {run.record.format_version}, status {run.record.status}")
    yield _digests(run, len(found.files), files)
    yield Check(
        "files",
        f"{count(len(found.files), 'file')} of the run, and what else lies there",
        tuple(f"{name}: is no part of the run" for name in found.foreign),
    )
    yield from _capacity(run) if isinstance(run, CapacityRun) else _trials(run)


def _digests(run: Run | CapacityRun, files: int, findings: Sequence[Finding]) -> Check:
    if run.record.format_version < FIRST_WITH_MANIFEST:
        reason = f"a run of format version {run.record.format_version} has no manifest, so a file that was edited with care is not found"
        return Check("digests", "nothing", unchecked=(reason,))
    changed = tuple(str(one) for one in findings if one.kind is Kind.CHANGED)
    return Check("digests", f"SHA-256 of {count(files, 'file')} against {MANIFEST_FILE}", changed)


def _capacity(run: CapacityRun) -> Iterator[Check]:
    planned, rounds = len(run.record.plan), run.record.experiment.trials
    try:
        measured = capacity_data(run)
    except ReportError as error:
        yield Check("measurements", f"{planned} planned", (_within(run.path, error),))
        return
    found = f"{len(measured.measurements)} of {planned} planned, {measured.finished_rounds} of {count(rounds, 'round')}"
    is_short = run.record.status == "finished" and len(measured.measurements) < planned
    yield Check("measurements", found, (f"{MEASUREMENTS_FILE}: has {found}, and the run was finished",) if is_short else ())


def _trials(run: Run) -> Iterator[Check]:
    """Which trials there are, and what each says of itself, read one by one."""
    folders = run.trial_paths()
    by_kind: dict[Kind, list[str]] = defaultdict(list)
    unreadable, trials = [], []
    requests = 0
    for folder in folders:
        try:
            examined = examine(folder, run)
        except ReportError as error:
            unreadable.append(_within(run.path, error))
            continue
        for finding in examined.findings:
            by_kind[finding.kind].append(str(finding))
        if examined.trial is not None:
            requests += len(examined.trial.requests)
            trials.append(
                _Seen(folder.name, examined.trial.record, _digest(folder / REQUESTS_FILE) if len(examined.trial.requests) else "")
            )
    many = count(len(folders), "trial")
    yield _presence(run, trials)
    yield Check("records", f"{many} read, of this run, as its plan has them", (*unreadable, *by_kind[Kind.FOREIGN]))
    yield Check("data", f"plan, times, phases, outcomes and number of {count(requests, 'request')}", tuple(by_kind[Kind.IMPOSSIBLE]))
    no_rules = "the run notes no rules of validity, so the load generator's lateness was not judged again"
    yield Check(
        "validity",
        f"{many} judged again by the rules in {RUN_FILE}",
        tuple(by_kind[Kind.DERIVED]),
        () if run.record.rules else (no_rules,),
    )


@dataclass(frozen=True)
class _Seen:
    """What is kept of a trial once it was read."""

    folder: str
    record: TrialRecord
    digest: str
    """Of its requests; empty where it has none."""

    @property
    def cell(self) -> tuple[int, str]:
        return self.record.block, self.record.treatment


def _presence(run: Run, trials: Sequence[_Seen]) -> Check:
    there = {path.name for path in run.trial_paths()}
    planned = [one.trial_id for one in run.record.plan]
    findings = []
    if run.record.status == "finished":
        findings += [f"{TRIALS_FOLDER}/{name}: is missing, and the run was finished" for name in planned if name not in there]
    by_digest: dict[str, str] = {}
    attempts = {(*one.cell, one.record.attempt): one.folder for one in reversed(trials)}
    for one in trials:
        file, attempt = f"{TRIALS_FOLDER}/{one.folder}", one.record.attempt
        if one.digest and (first := by_digest.setdefault(one.digest, one.folder)) != one.folder:
            findings.append(f"{file}: has the same requests as {first}, so one is a copy of the other")
        if (first := attempts[*one.cell, attempt]) != one.folder:
            findings.append(f"{file}: is attempt {attempt} of its treatment in its block, as {first} is")
        if attempt > 1 and (*one.cell, attempt - 1) not in attempts:
            findings.append(f"{file}: repeats a trial that is missing")
    return Check("trials", f"{sum(name in there for name in planned)} of {len(planned)} planned, each once", tuple(findings))


def _digest(file: Path) -> str:
    try:
        return digest(file)
    except OSError:  # it was read just now, so somebody is changing the run; the next verify says what is wrong
        return ""


def _within(run: Path, error: Exception) -> str:
    """The message of an error with paths relative to the run directory."""
    return " ".join(str(error).replace(f"{run}/", "").split())
