"""A tiny experiment on real servers, from the command line to the page, and every way in which it may be ended."""

from __future__ import annotations

import contextlib
import json
import signal
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import psutil
import pyarrow.parquet as pq
import pytest

from experiments.invariants.history import History
from experiments.records.files import Run, read_run, read_trial_history
from experiments.records.history import CountsRow, CourseRow, EnrollmentRow, ReservationRow, Row, StudentRow
from experiments.records.journal import read_journal
from experiments.records.schema import METRICS
from experiments.runner.chronicle import LAB_JOURNAL, LOAD_JOURNAL
from infra import operations
from tests.end_to_end.conftest import Bench, private_bench, wait_until
from tests.integration.infra import traces

DEPLOYMENT = "bench"
SOURCES: dict[type[Row], set[str]] = {
    EnrollmentRow: {"api", "enrollment-db"},
    CourseRow: {"api", "courses-db", "enrollment-db"},
    ReservationRow: {"courses-db"},
    StudentRow: {"students-db"},
    CountsRow: {"enrollment-db"},
}
"""Where each kind of row of the final read comes from."""


@dataclass(frozen=True)
class Finished:
    """A bench that ran to its end, and what was seen of it meanwhile."""

    bench: Bench
    status: int
    output: str
    errors: str
    secrets: frozenset[str]
    """Passwords of its deployment."""
    second: subprocess.CompletedProcess[str]
    """Another bench that was started while it ran."""
    deployments: list[str]
    """What was deployed afterwards."""

    @property
    def run(self) -> Run:
        """What it recorded."""
        (path,) = self.bench.run_list.read_text(encoding="utf-8").splitlines()
        return read_run(Path(path))


@pytest.fixture(scope="module")
def finished(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Finished]:
    """One run of the tiny experiment for all tests that only look at it."""
    with private_bench(tmp_path_factory.mktemp("finished")) as bench:
        with bench.start() as process:
            wait_until(lambda: _trial_files(bench, "schedule.parquet") != [], "the first load")
            secrets = _passwords(operations.read(DEPLOYMENT).model_dump(mode="json"))
            secrets |= _passwords(json.loads((traces.folder_of(DEPLOYMENT) / "secrets.json").read_text()))
            second = bench.run("experiments", "bench", "cache", "--runs-dir", str(bench.runs_dir))
            output, errors = process.communicate()
        yield Finished(bench, process.returncode, output, errors, frozenset(secrets), second, operations.names())


def test_a_tiny_experiment_runs_to_its_end(finished: Finished) -> None:
    """Every trial of the plan is recorded and named on the output, and nothing stays deployed."""
    assert (finished.status, finished.errors) == (0, ""), finished.output
    run = finished.run
    assert str(run.path) in finished.output
    assert run.record.status == "finished"
    assert [trial.name for trial in run.trial_paths()] == [planned.trial_id for planned in run.record.plan]
    assert finished.deployments == []


def test_every_trial_is_measured_and_checked_whole(finished: Finished) -> None:
    """All requests of the schedule, a reading of every metric, a proven and healed fault, and no rule broken or in doubt."""
    for trial in finished.run.trials():
        record = trial.record
        assert record.valid, record.reasons
        assert all(invariant.verdict == "pass" or invariant.is_vacuous for invariant in record.invariants), record.invariants
        exercised = {invariant.name for invariant in record.invariants if invariant.verdict == "pass"}
        assert exercised >= {"no_loss", "no_ghosts", "one_outcome", "no_over_enrolment", "prerequisites_held", "no_stale_read"}
        assert trial.requests.num_rows == record.offered > 0
        assert trial.state.settled
        assert sum(trial.state.outcomes.values()) > 0
        absent = set() if record.topology.cache.enabled else {"cache_hits", "cache_misses", "cache_available"}
        read = set(trial.samples.column("metric").to_pylist())
        assert read | {"upstream_gave_up_at"} == set(METRICS) - absent  # which is read only where NGINX gave up on something
        assert len(record.faults) == (record.treatment == "crash")
        for fault in record.faults:
            assert fault.proof is not None
            assert fault.ready_s is not None


def test_a_trial_s_history_has_the_load_the_faults_and_what_the_databases_held(finished: Finished) -> None:
    """Every scheduled request is in it, every step of the fault, and rows from the API and from each database; none in between is lost."""
    for path, trial in zip(finished.run.trial_paths(), finished.run.trials(), strict=True):
        history = History(read_trial_history(path))
        assert {op.process for op in history.ops} == set(range(trial.record.offered))
        assert len(history.faults) == 4 * len(trial.record.faults)
        assert [mark.name for mark in history.marks] == ["warm_up", "measure", "cool_down", "load_over", "healed", "quiet"]
        for kind, sources in SOURCES.items():
            assert {row.source for row in history.rows(kind) if row.moment == "final"} == sources
        assert {row.enrollment for row in history.rows(EnrollmentRow) if row.source == "enrollment-db"} >= set(history.accepted)


def test_the_histories_are_exported_in_jepsen_s_form(finished: Finished) -> None:
    """By one command, which names the files."""
    done = finished.bench.run("experiments", "export-jepsen", str(finished.run.path), "--to", str(finished.bench.folder / "jepsen"))
    assert done.returncode == 0, done.stderr
    files = [Path(line) for line in done.stdout.splitlines()]
    assert len([file for file in files if file.name == "enrolments-set.json"]) == len(finished.run.record.plan)
    for file in files:
        exported = json.loads(file.read_text(encoding="utf-8"))
        assert [operation["index"] for operation in exported] == list(range(len(exported))) != []


def test_the_run_becomes_a_page(finished: Finished) -> None:
    """The report of the run directory asks the experiment's question, and run and report are what was measured."""
    path = finished.run.path
    built = finished.bench.run("reports", "build", str(path))
    assert (built.returncode, built.stderr) == (0, "")
    page = next(path.parent.rglob("report.html"))
    assert "Does all of it work together?" in page.read_text(encoding="utf-8")
    verified = finished.bench.run("reports", "verify", str(path))
    assert (verified.returncode, verified.stderr) == (0, ""), verified.stdout
    assert "  ? " not in verified.stdout


def test_a_run_directory_holds_no_secret(finished: Finished) -> None:
    """No password of the deployment is in any file of the run, in plain text, within a Parquet column or compressed."""
    assert finished.secrets
    for path in finished.run.path.rglob("*"):
        if path.is_file():
            content = _text(path)
            assert [secret for secret in finished.secrets if secret in content] == [], path


def test_two_benches_do_not_take_each_others_deployment(finished: Finished) -> None:
    """The second said in one line who was in its way and touched nothing."""
    assert finished.second.returncode == 1
    assert finished.second.stderr.startswith("error: another bench is running")
    assert finished.second.stderr.count("\n") == 1


def test_ctrl_c_in_a_trial_keeps_the_finished_ones_and_leaves_nothing(bench: Bench) -> None:
    """Also pressed three times: exit status 130, a run that says interrupted, and no process, port, segment or folder."""
    with bench.start() as process:
        left = _in_the_second_load(bench)
        for _ in range(3):
            process.send_signal(signal.SIGINT)
        output, errors = process.communicate()
    assert (process.returncode, errors) == (130, ""), output
    (path,) = map(Path, bench.run_list.read_text(encoding="utf-8").splitlines())
    run = read_run(path)
    assert run.record.status == "interrupted"
    assert len(list(run.trials())) == 1
    assert [entry.name for entry in path.iterdir() if entry.name.startswith(".")] == []
    assert left.left() == []
    assert _generators(bench) == []


def test_ctrl_c_while_it_comes_up_leaves_nothing(bench: Bench) -> None:
    """There is no run yet, and nothing of the half-made deployment stays."""
    with bench.start() as process:
        wait_until((traces.folder_of(DEPLOYMENT) / "nodes" / "broker" / "pid").exists, "the broker's process")
        process.send_signal(signal.SIGINT)
        process.communicate()
    assert process.returncode == 130
    assert operations.names() == []
    assert list(bench.runs_dir.iterdir()) == []


def test_after_a_kill_9_down_leaves_nothing(bench: Bench) -> None:
    """The load generator ends by itself, ``infra down`` removes the rest; the finished trial and the other one's journals can be read."""
    with bench.start() as process:
        left = _in_the_second_load(bench)
        process.kill()
        process.communicate()
    wait_until(lambda: _generators(bench) == [], "the end of the load generator")
    assert left.left() != []
    down = bench.run("infra", "down")
    assert down.returncode == 0, down.stderr
    assert left.left() == []
    (path,) = bench.runs_dir.iterdir()
    assert len(list(read_run(path).trials())) == 1
    journals = {file.name: read_journal(file) for file in path.glob(".scratch/*/*.jsonl")}
    assert set(journals) == {LAB_JOURNAL, LOAD_JOURNAL}


def test_a_bench_whose_nox_is_killed_ends_by_itself(bench: Bench) -> None:
    """Told to end with its parent, it removes its deployment when that is killed, and keeps the finished trial."""
    bench.environment["SPIRELAB_STOP_WITH_PARENT"] = "1"
    with bench.start(sys.executable, "-c", "import subprocess, sys; sys.exit(subprocess.call(sys.argv[1:]))") as parent:
        left = _in_the_second_load(bench)
        parent.kill()
        parent.communicate()  # until the bench, which has the same output, has ended
    assert left.left() == []
    (path,) = bench.runs_dir.iterdir()
    assert read_run(path).record.status == "interrupted"
    assert len(list(read_run(path).trials())) == 1


def _in_the_second_load(bench: Bench) -> traces.Traces:
    """Wait until one trial is finished and another one's load is under way; what the deployment then has."""
    wait_until(lambda: _trial_files(bench, "trial.json") != [], "a finished trial")
    finished = {path.parent.name for path in _trial_files(bench, "trial.json")}
    wait_until(
        lambda: any(path.parent.name not in finished and path.stat().st_size for path in _trial_files(bench, LOAD_JOURNAL)),
        "the second load",
    )
    return traces.of(operations.read(DEPLOYMENT))


def _trial_files(bench: Bench, name: str) -> list[Path]:
    return [path for path in bench.runs_dir.rglob(name) if ".partial" not in str(path)]


def _generators(bench: Bench) -> list[psutil.Process]:
    """Processes of this bench's load generator."""
    found = []
    for process in psutil.process_iter():
        with contextlib.suppress(psutil.Error):
            if process.status() != psutil.STATUS_ZOMBIE and str(bench.runs_dir) in " ".join(process.cmdline()):
                found.append(process)
    return found


def _passwords(value: object) -> set[str]:
    """Every string of a JSON value that is made like our passwords: long, and without a blank, slash or dot."""
    if isinstance(value, dict):
        return set().union(*map(_passwords, value.values()))
    if isinstance(value, list):
        return set().union(*map(_passwords, value))
    return {value} if isinstance(value, str) and len(value) >= 16 and value.isalnum() else set()


def _text(path: Path) -> str:
    match path.suffix:
        case ".parquet":
            return str(pq.read_table(path).to_pydict())
        case ".zst":
            return str(read_trial_history(path.parent))
        case _:
            return path.read_text(encoding="utf-8")
