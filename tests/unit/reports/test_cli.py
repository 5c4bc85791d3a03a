"""The command line: what it prints, and one line for whatever is wrong with a run directory."""

from __future__ import annotations

import io
import json
import os
import re
import subprocess
import sys
from collections.abc import Callable
from contextlib import redirect_stderr, redirect_stdout
from dataclasses import dataclass
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from experiments.definition import Phases, Treatment
from reports.build import build, build_index
from reports.cli import main
from reports.errors import ReportError
from tests.unit.reports.example_runs import write_cache_run
from tests.unit.reports.factory import TrialSpec, experiment, steady, write

ROOT = Path(__file__).parents[3]


@dataclass(frozen=True)
class _Done:
    returncode: int
    stdout: str
    stderr: str


def _reports(*arguments: str | Path) -> _Done:
    """The command in this process."""
    with redirect_stdout(io.StringIO()) as stdout, redirect_stderr(io.StringIO()) as stderr:
        status = main([str(argument) for argument in arguments])
    return _Done(status, stdout.getvalue(), stderr.getvalue())


def _small_run(runs_dir: Path, *, finished: bool = True, valid: bool = True, run_id: str = "20261122T120000Z-small") -> Path:
    asked = experiment(treatments=[Treatment(name="plain", title="plain")], phases=Phases(warm_up_s=0, measure_s=1), trials=1)
    spec = TrialSpec(steady(rate_per_s=40, duration_s=1), valid=valid, reasons=() if valid else ("the machine was too busy",))
    return write(runs_dir, asked, {(0, "plain"): spec} if finished else {}, run_id=run_id)


def test_build_prints_the_verdicts_the_page_and_its_size(tmp_path: Path) -> None:
    """A run becomes reports/<run id>/report.html beside it, and the list of runs links to it; also where the terminal lacks a sign."""
    run = _small_run(tmp_path)
    command = [sys.executable, "-m", "reports", "build", str(run)]
    environment = {**os.environ, "PYTHONIOENCODING": "latin-1"}
    done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, encoding="latin-1", check=False, timeout=120)
    page = tmp_path / "reports" / run.name / "report.html"
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.startswith("sample: A sample & its <title>\n  ? pass  Invariants\n")
    assert f"\n{page} (" in done.stdout
    assert done.stdout.endswith(" MB)\n")
    assert f"reports/{run.name}/report.html" in (tmp_path / "index.html").read_text(encoding="utf-8")


def _cut_json(run: Path) -> None:
    (run / "run.json").write_text('{"format_version": 1, "run_id"', encoding="utf-8")


def _binary_json(run: Path) -> None:
    (run / "run.json").write_bytes(b"\xff\xfe\x00\x01")


def _list_json(run: Path) -> None:
    (run / "run.json").write_text("[]", encoding="utf-8")


def _later_version(run: Path) -> None:
    values = json.loads((run / "run.json").read_text(encoding="utf-8"))
    (run / "run.json").write_text(json.dumps(values | {"format_version": 99}), encoding="utf-8")


def _missing_key(run: Path) -> None:
    values = json.loads((run / "run.json").read_text(encoding="utf-8"))
    del values["provenance"]
    (run / "run.json").write_text(json.dumps(values), encoding="utf-8")


def _trial(run: Path) -> Path:
    return next((run / "trials").iterdir())


def _cut_parquet(run: Path) -> None:
    file = _trial(run) / "requests.parquet"
    file.write_bytes(file.read_bytes()[:100])


def _no_samples(run: Path) -> None:
    (_trial(run) / "samples.parquet").unlink()


def _other_columns(run: Path) -> None:
    pq.write_table(pa.table({"a": [1]}), _trial(run) / "requests.parquet")


def _changed(run: Path, column: str, value: object) -> None:
    file = _trial(run) / "requests.parquet"
    table = pq.read_table(file)
    at = table.column_names.index(column)
    pq.write_table(table.set_column(at, column, pa.array([value] * len(table))), file)


def _strange_trial(run: Path) -> None:
    file = _trial(run) / "trial.json"
    file.write_text(file.read_text(encoding="utf-8").replace('"treatment": "plain"', '"treatment": "alien"'), encoding="utf-8")


@pytest.mark.parametrize(
    ("damage", "expected"),
    [
        (_cut_json, "run.json: not readable as JSON"),
        (_binary_json, "run.json: not readable as JSON"),
        (_list_json, "run.json: format_version is None"),
        (_later_version, "run.json: format_version is 99"),
        (_missing_key, "run.json: provenance: Field required"),
        (_cut_parquet, "requests.parquet: not Parquet with the documented columns"),
        (_no_samples, "samples.parquet: missing"),
        (_other_columns, "requests.parquet: has no column intended_s"),
        (lambda run: _changed(run, "intended_s", "soon"), "with the documented columns"),
        (lambda run: _changed(run, "intended_s", None), "with the documented columns"),
        (lambda run: _changed(run, "ended_s", float("nan")), "ended_s has a value that is not a finite number"),
        (lambda run: _changed(run, "operation", "dance"), "the operation 'dance' is none of"),
        (_strange_trial, "the treatment 'alien' is not one of the run's"),
    ],
)
def test_a_damaged_run_is_one_clear_error(tmp_path: Path, damage: Callable[[Path], None], expected: str) -> None:
    """The sentence names the file and what is wrong with it; nothing is written."""
    run = _small_run(tmp_path)
    damage(run)
    with pytest.raises(ReportError) as caught:
        build([run])
    assert expected in str(caught.value)
    assert not (tmp_path / "reports").exists()


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        (("build", "nowhere"), "there is no such run directory"),
        (("build", str(ROOT / "tests")), "run.json: missing"),
        (("build", str(ROOT / "pyproject.toml")), "pyproject.toml: there is no such run directory"),
        (("index", "nowhere"), "nowhere: there is no such folder of runs"),
    ],
)
def test_a_mistake_is_one_line_and_a_failure(arguments: tuple[str, ...], expected: str) -> None:
    """Exit status 1, nothing on standard output, no traceback."""
    done = _reports(*arguments)
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr.startswith("error: ")
    assert done.stderr.count("\n") == 1
    assert expected in done.stderr


def test_a_corrupt_run_gives_one_line_through_the_command(tmp_path: Path) -> None:
    """Even where the library that reads it complains at length."""
    run = _small_run(tmp_path)
    _cut_parquet(run)
    done = _reports("build", run)
    assert done.returncode == 1
    assert done.stderr.startswith("error: ")
    assert done.stderr.count("\n") == 1


def test_help_teaches() -> None:
    """The commands and what they write are explained."""
    text = "".join(_reports(*command, "--help").stdout for command in ((), ("build",), ("verify",)))
    for word in ("build", "index", "verify", "RUN...", "--out", "CSV", "manifest.json"):
        assert word in text


def test_a_run_without_a_finished_trial_has_no_page(tmp_path: Path) -> None:
    """There is nothing to report, and the sentence says so."""
    with pytest.raises(ReportError, match="nothing was finished"):
        build([_small_run(tmp_path, finished=False)])


def test_a_run_without_a_valid_trial_has_a_page_and_fails(tmp_path: Path) -> None:
    """The reasons are on the page; whoever waits for verdicts is told that there are none."""
    done = _reports("build", _small_run(tmp_path, valid=False))
    assert done.returncode == 1
    assert done.stderr.count("\n") == 1
    assert "none of its 1 finished trials is valid" in done.stderr
    page = next((tmp_path / "reports").glob("*/report.html")).read_text(encoding="utf-8")
    assert "the machine was too busy" in page
    assert "No trial is valid" in page


def test_an_interrupted_run_has_a_page_of_what_was_finished(tmp_path: Path) -> None:
    """Two of five blocks are shown and judge nothing that takes an interval; an empty run beside it does not spoil the page."""
    run = write_cache_run(tmp_path, finished=2)
    built = build([run, _small_run(tmp_path, finished=False)])
    text = built.path.read_text(encoding="utf-8")
    assert re.fullmatch(r"suite-20261122T120000Z-[0-9a-f]{8}", built.path.parent.name)
    assert "2 trials: a verdict takes 5" in text
    assert "left no record" in text
    assert [sentence.partition(":")[0] for sentence in built.unjudged] == ["20261122T120000Z-small"]


def test_runs_of_several_folders_need_a_place_for_their_page(tmp_path: Path) -> None:
    """There is no folder that would be theirs; with --out there is."""
    pair = [_small_run(tmp_path / name) for name in ("a", "b")]
    with pytest.raises(ReportError, match="--out"):
        build(pair)
    assert build(pair, tmp_path / "out").path == tmp_path / "out" / "report.html"


def test_a_place_that_can_not_be_written_is_one_clear_error(tmp_path: Path) -> None:
    """A file where the folder should be."""
    (tmp_path / "out").write_text("", encoding="utf-8")
    with pytest.raises(ReportError, match="can't be written"):
        build([_small_run(tmp_path)], tmp_path / "out")


def test_the_list_of_runs_survives_damaged_ones(tmp_path: Path) -> None:
    """A run that can't be read is named, the others are listed, the newest first; what has no page says how to get one."""
    build([_small_run(tmp_path, run_id="20261122T100000Z-first")])
    _small_run(tmp_path, run_id="20261122T110000Z-second")
    _cut_json(_small_run(tmp_path, run_id="20261122T120000Z-third"))
    text = build_index(tmp_path).read_text(encoding="utf-8")
    assert text.index("20261122T110000Z-second") < text.index("20261122T100000Z-first")
    assert "python -m reports build" in text
    assert "20261122T120000Z-third/run.json: not readable as JSON" in text
    assert str(tmp_path) not in text
