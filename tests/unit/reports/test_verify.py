"""verify: a run that was left alone passes every check, and whatever is changed afterwards is found, with a sentence that names it."""

from __future__ import annotations

import io
import shutil
from contextlib import redirect_stderr, redirect_stdout
from pathlib import Path

import pytest

from experiments.records.files import TRIAL_FILES
from reports.build import build
from reports.cli import main
from reports.verify import Check, verify_run
from reports.verify_reports import verify_reports
from tests.unit.reports import tampering
from tests.unit.reports.capacity_runs import write_capacity_run
from tests.unit.reports.tampering import BUSY, FIRST, LATE, Column, Json, Tamper, copied, forge, write_small_run

RECORD = f"{FIRST}/trial.json"
REQUESTS = f"{FIRST}/requests.parquet"
WRITTEN = "is not as the run wrote it"


@pytest.fixture(scope="module")
def original(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run with its report."""
    run = write_small_run(tmp_path_factory.mktemp("verify") / "runs")
    build([run])
    return run


def _findings(run: Path) -> dict[str, tuple[str, ...]]:
    return {check.name: check.findings for check in verify_run(run) if check.findings}


def test_a_run_that_was_left_alone_passes_every_check(original: Path) -> None:
    """Nothing is found and nothing is left unchecked, neither in the run nor in its report."""
    checks = [*verify_run(original), *verify_reports([original])]
    assert [check.name for check in checks] == [
        "run.json", "digests", "files", "trials", "records", "data", "validity", f"reports/{original.name}"
    ]  # fmt: skip
    assert not [sentence for check in checks for sentence in (*check.findings, *check.unchecked)]
    by_name = {check.name: check.checked for check in checks}
    assert by_name["digests"] == "SHA-256 of 21 files against manifest.json"
    assert by_name["trials"] == "4 of 4 planned, each once"
    assert by_name["data"].endswith("number of 800 requests")


@pytest.mark.parametrize(
    ("tamper", "sentence"),
    [
        (Column("ended_s", lambda value: value - 0.001), f"{REQUESTS}: {WRITTEN}"),
        (Column("value", lambda value: value / 2, file=f"{FIRST}/samples.parquet"), f"{FIRST}/samples.parquet: {WRITTEN}"),
        (tampering.changed_history, f"{FIRST}/history.jsonl.zst: {WRITTEN}"),
        (Json(f"{FIRST}/state.json", {"outcomes.enrolled": 41}), f"{FIRST}/state.json: {WRITTEN}"),
        (Json(RECORD, {"invariants.0.detail": "all well"}), f"{RECORD}: {WRITTEN}"),
        (Json("run.json", {"experiment.claims.0.at_most": 500}), f"run.json: {WRITTEN}"),
        (Json("run.json", {"experiment.seed": 8}), f"run.json: {WRITTEN}"),
        (tampering.deleted_trial, f"{FIRST}: was written by the run and is missing"),
        (tampering.unlisted, f"{FIRST}/state.json: has no digest in the manifest"),
        (tampering.no_manifest, "manifest.json: is missing"),
        (tampering.damaged_manifest, "manifest.json: is damaged"),
    ],
)
def test_a_changed_file_is_found_by_its_digest(original: Path, tmp_path: Path, tamper: Tamper, sentence: str) -> None:
    """Whatever was changed in it, also where the data make sense."""
    run = copied(original, tmp_path / "runs")
    tamper(run)
    assert any(sentence in found for found in _findings(run)["digests"])


@pytest.mark.parametrize(
    ("tamper", "check", "sentence"),
    [
        (
            Json(RECORD, {"valid": False}),
            "validity",
            f"{RECORD}: says that the trial is invalid and gives no reason; it is taken for valid",
        ),
        (Json(f"{BUSY}/trial.json", {"valid": True}), "validity", "says that the trial is valid and gives a reason why not"),
        (Json(f"{BUSY}/trial.json", {"reasons": []}), "validity", "says that the trial is invalid and gives no reason"),
        (Json(f"{LATE}/trial.json", {"valid": True, "reasons": []}), "validity", "by the rules it is not: the load generator sent 1 %"),
        (Json(f"{LATE}/trial.json", {"slip_p99_ms": 0.5}), "validity", "late by 0.500 ms (p99), and by the data it is 60.000 ms"),
        (
            Column("ended_s", lambda value: value - 0.5, slice(7, 9)),
            "data",
            "2 of 200 requests ended before they were sent, the first in row 7",
        ),
        (Column("sent_s", lambda value: value - 3, slice(1)), "data", "1 of 200 requests were sent before they were due"),
        (Column("phase", lambda _: "measure", slice(40)), "data", "40 of 200 requests have a phase that contradicts their intended time"),
        (Column("phase", lambda _: "cool_down", slice(60, 61)), "data", "1 of 200 requests have a phase that contradicts"),
        (Column("intended_s", lambda value: value - 1, slice(30, 31)), "data", "not in the order of their intended times"),
        (Column("outcome", lambda _: "timeout", slice(5, 6)), "data", "have an outcome that contradicts their status, the first in row 5"),
        (Column("status", lambda _: 502, slice(5, 6)), "data", "have an outcome that contradicts their status, the first in row 5"),
        (Column("ended_s", lambda _: float("inf")), "data", "ended_s has a value that is not a finite number"),
        (Column("at_s", lambda value: -value, file=f"{FIRST}/samples.parquet"), "data", "its readings are not in the order of their times"),
        (tampering.more_rows, "data", f"{REQUESTS}: has 201 requests and only 200 were offered"),
        (Json(RECORD, {"seed": 8}), "data", f"{RECORD}: its seed is 8, and in the run's plan it is 100"),
        (Json(RECORD, {"block": 1}), "data", f"{RECORD}: is that of a trial 000-b1-off, which is not the folder's"),
        (Json(RECORD, {"treatment": "dark"}), "data", "the treatment 'dark' is not one of the run's"),
        (Json(RECORD, {"topology.courses.replicas": 5}), "data", "its topology is not the one"),
        (Json(RECORD, {"phases.1.end_s": 9}), "data", "its phases are not those of the experiment"),
        (tampering.foreign_trial, "records", f"{RECORD}: belongs to the run 20261122T150000Z-small"),
        (tampering.extra_trial, "files", "trials/004-b0-off: is no part of the run"),
        (tampering.repeated_trial, "trials", "004-b0-off-again1: has the same requests as 000-b0-off, so one is a copy of the other"),
        (tampering.repeated_again, "trials", "005-b1-on-again2: repeats a trial that is missing"),
        (tampering.deleted_trial, "trials", f"{FIRST}: is missing, and the run was finished"),
        (tampering.stray_file, "files", "trials/Thumbs.db: is no part of the run"),
        (tampering.notes, "files", f"{FIRST}/notes.txt: is no part of the run"),
    ],
)
def test_what_contradicts_itself_is_found_whatever_the_manifest_says(
    original: Path, tmp_path: Path, tamper: Tamper, check: str, sentence: str
) -> None:
    """A forger who brings the digests up to date too is found by what the data say."""
    run = copied(original, tmp_path / "runs")
    tamper(run)
    found = _findings(run)
    assert any(sentence in one for one in found[check])
    if check not in {"files", "trials"}:
        forge(run)
        forged = _findings(run)
        assert "digests" not in forged
        assert forged[check] == found[check]


@pytest.mark.parametrize("content", [b"", b"\x00\xff" * 40, b"[]"], ids=["empty", "garbage", "list"])
@pytest.mark.parametrize("file", ["run.json", "manifest.json", *(f"{FIRST}/{name}" for name in TRIAL_FILES)])
def test_a_damaged_file_is_a_finding_and_no_error(original: Path, tmp_path: Path, file: str, content: bytes) -> None:
    """It is named, and the other checks are still made."""
    run = copied(original, tmp_path / "runs")
    (run / file).write_bytes(content)
    found = _findings(run)
    assert any(sentence.startswith(file) for sentences in found.values() for sentence in sentences)
    assert all("\n" not in sentence for sentences in found.values() for sentence in sentences)
    assert "trials" not in found


def _report_check(run: Path) -> Check:
    (check,) = verify_reports([run])
    return check


@pytest.mark.parametrize(
    ("file", "old", "new"),
    [
        ("report.html", "p95 stays under 50 ms", "p95 stays under 5 ms"),
        ("tables/sample-trials.csv", ",valid,", ",invalid,"),
        ("report.json", '"gate": "pass"', '"gate": "fail"'),
    ],
)
def test_an_edited_report_is_found(original: Path, tmp_path: Path, file: str, old: str, new: str) -> None:
    """Page, tables and summary are made again and compared byte for byte; only what was edited differs."""
    run = copied(original, tmp_path / "runs")
    edited = run.parent / "reports" / run.name / file
    text = edited.read_text(encoding="utf-8")
    assert old in text
    edited.write_text(text.replace(old, new, 1), encoding="utf-8")
    (finding,) = _report_check(run).findings
    assert finding.startswith(f"reports/{run.name}/{file}: is not what the runs give")


def test_a_report_with_more_or_less_than_it_should_have_is_found(original: Path, tmp_path: Path) -> None:
    """A table that is gone, and one that no report wrote."""
    run = copied(original, tmp_path / "runs")
    tables = run.parent / "reports" / run.name / "tables"
    (tables / "sample-trials.csv").rename(tables / "mine.csv")
    assert [finding.partition("/tables/")[2] for finding in _report_check(run).findings] == [
        "sample-trials.csv: can't be read (No such file or directory)",
        "mine.csv: is no file of the report",
    ]


def test_a_report_of_a_run_that_was_changed_is_found(original: Path, tmp_path: Path) -> None:
    """The figures of the page are no longer those of the data."""
    run = copied(original, tmp_path / "runs")
    Column("ended_s", lambda value: value + 0.1)(run)
    forge(run)
    assert f"reports/{run.name}/report.html: is not what the runs give" in " ".join(_report_check(run).findings)


def test_a_report_of_another_version_of_the_program_is_left_unjudged(original: Path, tmp_path: Path) -> None:
    """Its page may differ for that reason alone; a page that is the same is checked all the same."""
    run = copied(original, tmp_path / "runs")
    folder = run.parent / "reports" / run.name
    Json("report.json", {"program": "0" * 64})(folder)
    check = _report_check(run)
    assert check.findings == ()
    assert "made by another version of the program" in check.unchecked[0]


def test_a_report_whose_other_run_is_gone_is_left_unjudged(original: Path, tmp_path: Path) -> None:
    """It can't be made again."""
    run = copied(original, tmp_path / "runs")
    other = write_small_run(run.parent, "20261122T160000Z-small")
    shutil.rmtree(run.parent / "reports")
    build([run, other])
    assert _report_check(run).findings == ()
    assert "2 runs" in _report_check(run).checked
    shutil.rmtree(other)
    assert "shows 20261122T160000Z-small, which is not here" in _report_check(run).unchecked[0]


def test_a_damaged_summary_of_a_report_is_found(original: Path, tmp_path: Path) -> None:
    """Which runs the page shows can't be told."""
    run = copied(original, tmp_path / "runs")
    (run.parent / "reports" / run.name / "report.json").write_text("{", encoding="utf-8")
    assert "report.json: is damaged" in _report_check(run).findings[0]


def test_a_capacity_run_is_verified_too(tmp_path: Path) -> None:
    """Its measurements against the manifest, the plan and each other."""
    run = write_capacity_run(tmp_path)
    assert _findings(run) == {}
    Column("round", lambda value: value + 1, file="measurements.parquet")(run)
    found = _findings(run)
    assert found["digests"] == (f"measurements.parquet: {WRITTEN}",)
    assert "is not what run.json plans" in found["measurements"][0]


def test_a_capacity_run_without_its_last_round_is_found(tmp_path: Path) -> None:
    """The run says that it was finished."""
    assert "4 of 5 rounds" in _findings(write_capacity_run(tmp_path, finished=4))["measurements"][0]


def test_a_run_from_before_there_were_manifests_is_checked_as_far_as_it_goes(original: Path, tmp_path: Path) -> None:
    """That it has no digests and no rules is said, and is no finding."""
    run = copied(original, tmp_path / "runs")
    (run / "manifest.json").unlink()
    Json("run.json", {"format_version": 2, "rules": None})(run)
    checks = list(verify_run(run))
    assert not [check for check in checks if check.findings]
    assert {check.name for check in checks if check.unchecked} == {"digests", "validity"}


def _verify(*runs: Path) -> tuple[int, str, str]:
    with redirect_stdout(io.StringIO()) as stdout, redirect_stderr(io.StringIO()) as stderr:
        status = main(["verify", *map(str, runs)])
    return status, stdout.getvalue(), stderr.getvalue()


def test_the_command_prints_a_line_for_each_check(original: Path) -> None:
    """And ends with 0 where nothing was found."""
    status, stdout, stderr = _verify(original)
    assert (status, stderr) == (0, "")
    lines = stdout.splitlines()
    assert lines[0] == str(original)
    assert sum(line.startswith("  ✔ ") for line in lines) == len(lines) - 2 == 8


def test_the_command_fails_with_a_sentence_for_each_finding(original: Path, tmp_path: Path) -> None:
    """The check that found it is marked, and the last line counts."""
    run = copied(original, tmp_path / "runs")
    Json(f"{FIRST}/state.json", {"outcomes.enrolled": 41})(run)
    status, stdout, stderr = _verify(run)
    assert status == 1
    assert f"  ✘ digests: SHA-256 of 21 files against manifest.json\n      {FIRST}/state.json: {WRITTEN}\n" in stdout
    assert stderr.startswith("error: ")
    assert stderr.count("\n") == 1


def test_what_is_no_run_is_a_finding(tmp_path: Path) -> None:
    """One sentence."""
    status, stdout, _ = _verify(tmp_path / "nowhere")
    assert status == 1
    assert "there is no such run directory" in stdout
