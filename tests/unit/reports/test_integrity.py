"""What a report does about a run whose files are not as they should be: leaves out, refuses, warns or computes again."""

from __future__ import annotations

import io
from contextlib import redirect_stderr, redirect_stdout
from pathlib import Path

import pytest

from experiments.definition import Phases, Treatment
from reports.build import build
from reports.cli import main
from reports.errors import ReportError
from reports.integrity import MOST_NAMED, Finding, Kind, warning_sentences
from reports.loading import RunData, load
from tests.unit.reports import tampering
from tests.unit.reports.capacity_runs import write_capacity_run
from tests.unit.reports.factory import Request, TrialSpec, experiment, load_trials, write
from tests.unit.reports.tampering import BUSY, FIRST, LATE, Column, Json, Tamper, copied, write_small_run


@pytest.fixture(scope="module")
def original(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run without a report."""
    return write_small_run(tmp_path_factory.mktemp("integrity") / "runs")


def _tampered(original: Path, tmp_path: Path, tamper: Tamper) -> Path:
    run = copied(original, tmp_path / "runs")
    tamper(run)
    return run


def test_a_run_that_was_left_alone_has_no_warning(original: Path) -> None:
    """And all of its trials."""
    run = load_trials(original)
    assert (len(run.trials), run.warnings) == (4, ())


@pytest.mark.parametrize(
    ("tamper", "trials", "expected"),
    [
        (tampering.stray_file, 4, "Left out, because it is no part of this run: trials/Thumbs.db: is no trial of the run's plan."),
        (tampering.extra_trial, 4, "trials/004-b0-off: is no trial of the run's plan"),
        (tampering.foreign_trial, 3, f"{FIRST}/trial.json: belongs to the run 20261122T150000Z-small"),
        (tampering.changed_history, 4, f"can't be relied on: {FIRST}/history.jsonl.zst: is not as the run wrote it."),
        (Column("ended_s", lambda value: value + 1), 4, f"{FIRST}/requests.parquet: is not as the run wrote it"),
        (Json("run.json", {"experiment.claims.0.at_most": 500}), 4, "run.json: is not as the run wrote it"),
        (tampering.deleted_trial, 3, f"can't be relied on: {FIRST}: was written by the run and is missing."),
        (tampering.no_manifest, 4, "manifest.json: is missing"),
        (tampering.damaged_manifest, 4, "manifest.json: is damaged"),
    ],
)
def test_what_is_not_the_runs_is_left_out_and_what_was_changed_is_warned_of(
    original: Path, tmp_path: Path, tamper: Tamper, trials: int, expected: str
) -> None:
    """The same sentence stands on top of the run's section and in the terminal, and the page is made."""
    run = _tampered(original, tmp_path, tamper)
    assert len(load_trials(run).trials) == trials
    with redirect_stdout(io.StringIO()), redirect_stderr(io.StringIO()) as stderr:
        assert main(["build", str(run)]) == 0
    (section,) = build([run]).document.sections
    assert any(expected in warning for warning in section.warnings)
    assert all(f"warning: {run.name}: {warning}\n" in stderr.getvalue() for warning in section.warnings if expected in warning)


@pytest.mark.parametrize(
    ("tamper", "expected"),
    [
        (Column("ended_s", lambda value: value - 0.5, slice(1)), "requests.parquet: 1 of 200 requests ended before they were sent"),
        (Column("sent_s", lambda value: value - 3, slice(1)), "requests.parquet: 1 of 200 requests were sent before they were due"),
        (Column("phase", lambda _: "measure", slice(1)), "requests.parquet: 1 of 200 requests have a phase that contradicts"),
        (tampering.more_rows, "requests.parquet: has 201 requests and only 200 were offered"),
        (Json(f"{FIRST}/trial.json", {"seed": 1}), "trial.json: its seed is 1, and in the run's plan it is 100"),
    ],
)
def test_what_contradicts_itself_is_refused(original: Path, tmp_path: Path, tamper: Tamper, expected: str) -> None:
    """The sentence names the file and the mend; without the trial the others would be no fair sample any more."""
    run = _tampered(original, tmp_path, tamper)
    with pytest.raises(ReportError) as caught:
        load(run)
    assert f"{run}/{FIRST}/{expected}" in str(caught.value)
    assert "move the trial out of the run" in str(caught.value)


@pytest.mark.parametrize(
    ("file", "changes", "valid"),
    [
        (FIRST, {"valid": False}, True),
        (BUSY, {"valid": True}, False),
        (BUSY, {"reasons": []}, True),
        (LATE, {"valid": True, "reasons": []}, False),
    ],
)
def test_validity_is_that_of_the_data(original: Path, tmp_path: Path, file: str, changes: dict[str, object], *, valid: bool) -> None:
    """Whatever trial.json says; that it says otherwise is a warning."""
    run = load_trials(_tampered(original, tmp_path, Json(f"{file}/trial.json", changes)))
    (trial,) = [trial.record for trial in run.trials if file.endswith(trial.record.trial_id)]
    assert trial.valid is valid
    assert bool(trial.reasons) is not valid
    assert any(f"{file}/trial.json: says that the trial is" in warning for warning in run.warnings)


def test_the_load_generators_lateness_is_that_of_the_data(original: Path, tmp_path: Path) -> None:
    """Whatever trial.json says; that it says otherwise is a warning."""
    run = load_trials(_tampered(original, tmp_path, Json(f"{LATE}/trial.json", {"slip_p99_ms": 0.5})))
    late_ms = {trial.record.trial_id: trial.record.slip_p99_ms for trial in run.trials}
    assert late_ms == {"000-b0-off": 0, "001-b0-on": 0, "002-b1-on": pytest.approx(60), "003-b1-off": 0}
    assert any("late by 0.500 ms (p99), and by the data it is 60.000 ms" in warning for warning in run.warnings)


def test_a_run_from_before_there_were_manifests_needs_none(original: Path, tmp_path: Path) -> None:
    """Nothing is missing of it."""
    run = _tampered(original, tmp_path, tampering.no_manifest)
    Json("run.json", {"format_version": 2, "rules": None})(run)
    assert load_trials(run).warnings == ()


def test_a_changed_capacity_run_is_warned_of(tmp_path: Path) -> None:
    """Its page says it on top of its section."""
    run = write_capacity_run(tmp_path)
    Column("value", lambda value: value * 2, file="measurements.parquet")(run)
    (section,) = build([run]).document.sections
    assert "measurements.parquet: is not as the run wrote it" in section.warnings[0]


def test_a_request_on_the_border_of_two_phases_is_of_the_later_one(tmp_path: Path) -> None:
    """Borders belong to the phase that begins there; the very end of the load to its last phase."""
    asked = experiment(treatments=[Treatment(name="plain", title="plain")], phases=Phases(warm_up_s=0.3, measure_s=0.6), trials=1)
    spec = TrialSpec([Request(at_s, 5.0) for at_s in (0.0, 0.3, 0.9)])
    run = load(write(tmp_path, asked, {(0, "plain"): spec}))
    assert isinstance(run, RunData)
    assert run.trials[0].requests["phase"].tolist() == ["warm_up", "measure", "measure"]


def test_a_long_list_of_files_is_cut_short() -> None:
    """One sentence for each kind, and the command that names all."""
    many = [Finding(Kind.CHANGED, f"file-{number}", "is missing") for number in range(MOST_NAMED + 3)]
    first, second = warning_sentences([*many, Finding(Kind.FOREIGN, "Thumbs.db", "is no trial")])
    assert first == "Left out, because it is no part of this run: Thumbs.db: is no trial."
    assert second.endswith("file-5: is missing; and 3 more, which `nox -s verify` names.")
