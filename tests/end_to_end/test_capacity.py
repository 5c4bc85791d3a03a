"""A tiny capacity experiment on real servers, from the command line to the page, and what is left when it is ended."""

from __future__ import annotations

import contextlib
import signal
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import psutil
import pytest

from experiments.definition import Quantity
from experiments.records.files import MEASUREMENTS_FILE, RUN_FILE, CapacityRun, read_any_run
from experiments.records.manifest import MANIFEST_FILE
from infra import operations
from tests.end_to_end.conftest import Bench, private_bench, wait_until
from tests.integration.infra import traces

DEPLOYMENTS = ("bench-product", "bench-tutorial")

DEFINITION = """
from experiments.definition import (
    CapacityExperiment, ColdKeyPath, Comparison, Dataset, Implementation, Measured, Quantity, ReadPath, RegistrationPath, ZipfPath,
)

HELLO = ReadPath(name="hello", title="hello", target="/", implementations=(Implementation.HELLO,))
CACHED = ReadPath(name="cached", title="cached", target="/courses/{id}", connections=4)
EVERYTHING = (
    HELLO,
    CACHED,
    ColdKeyPath(name="cold", title="cold", clients=4, keys=2),
    ZipfPath(name="zipf", title="zipf", reads=50, clients=4),
    RegistrationPath(name="day", title="day", connections=4, courses=8, seats=3, applicants=5, courses_at_once=2),
    ReadPath(name="overload", title="overload", target="/courses/{id}", cache=False, connections=40, overload=True),
)

EXPERIMENT = CapacityExperiment(
    name="tiny",
    title="Tiny",
    question="Can both be measured side by side?",
    dataset=Dataset(courses=20, students=100),
    paths=PATHS,
    comparisons=(
        Comparison(
            title="cached reads",
            against="the tutorial",
            subject=Measured(path="cached", implementation=Implementation.PRODUCT, quantity=Quantity.THROUGHPUT_PER_S),
            reference=Measured(path="cached", implementation=Implementation.TUTORIAL, quantity=Quantity.THROUGHPUT_PER_S),
            direction="at_least",
            must=0.1,
            aim=1,
        ),
    ),
    warm_up_s=0,
    measure_s=0.5,
    trials=ROUNDS,
)
"""
ONCE = DEFINITION.replace("PATHS", "EVERYTHING").replace("ROUNDS", "1")
FOR_LONG = DEFINITION.replace("PATHS", "(HELLO, CACHED)").replace("ROUNDS", "200")


@dataclass(frozen=True)
class Finished:
    """A bench that ran to its end."""

    bench: Bench
    status: int
    output: str
    errors: str
    deployments: list[str]
    """What was deployed afterwards."""

    @property
    def run(self) -> CapacityRun:
        """What it recorded."""
        return _run(self.bench)


@pytest.fixture(scope="module")
def finished(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Finished]:
    """One run for all tests that only look at it."""
    with private_bench(tmp_path_factory.mktemp("finished")) as bench:
        with bench.start(definition=ONCE) as process:
            output, errors = process.communicate()
        yield Finished(bench, process.returncode, output, errors, operations.names())


def test_every_path_is_measured_on_each_of_its_implementations(finished: Finished) -> None:
    """All that is planned is recorded with all its quantities, and nothing stays deployed."""
    assert (finished.status, finished.errors) == (0, ""), finished.output
    run = finished.run
    assert run.record.status == "finished"
    assert run.record.provenance.load_generator.startswith("wrk ")
    rows = run.measurements.to_pylist()
    for planned in run.record.plan:
        mine = [row for row in rows if row["position"] == planned.position]
        assert {row["reason"] for row in mine} == {None}, planned
        assert {Quantity(row["quantity"]) for row in mine} == run.record.experiment.path(planned.path).quantities, planned
    assert finished.deployments == []


def test_statements_and_decisions_are_the_systems_own(finished: Finished) -> None:
    """A cold key costs at least a statement, each key of the Zipf reads too; decisions are as many as were accepted or more."""
    values = {(row["path"], row["implementation"], row["quantity"]): row["value"] for row in finished.run.measurements.to_pylist()}
    for side in ("product", "tutorial"):
        assert 1 <= values["cold", side, "sql_statements"] <= 4
        assert values["zipf", side, "sql_statements"] >= values["zipf", side, "keys"] > 1
        assert values["day", side, "decisions"] >= values["day", side, "requests"] > 0
    assert values["day", "product", "overbooked_courses"] == 0


def test_the_run_becomes_a_page(finished: Finished) -> None:
    """The report of the run directory asks the experiment's question."""
    path = finished.run.path
    built = finished.bench.run("reports", "build", str(path))
    assert built.returncode == 0, built.stderr
    assert "Can both be measured side by side?" in next(path.parent.rglob("report.html")).read_text(encoding="utf-8")


def test_ctrl_c_keeps_the_finished_rounds_and_leaves_nothing(bench: Bench) -> None:
    """Exit status 130, a run that says interrupted, and no process, port, segment or folder of either deployment."""
    with bench.start(definition=FOR_LONG) as process:
        left = _after_a_round(bench)
        for _ in range(3):
            process.send_signal(signal.SIGINT)
        output, errors = process.communicate()
    assert (process.returncode, errors) == (130, ""), output
    run = _run(bench)
    assert run.record.status == "interrupted"
    assert run.finished_rounds >= 1
    assert run.measurements.num_rows % run.finished_rounds == 0
    assert sorted(entry.name for entry in run.path.iterdir()) == [MANIFEST_FILE, MEASUREMENTS_FILE, RUN_FILE]
    assert [words for deployment in left for words in deployment.left()] == []
    assert _children(bench) == []


def test_after_a_kill_9_down_leaves_nothing(bench: Bench) -> None:
    """The closed loop and the hello end by themselves, ``infra down`` removes both deployments, and the finished rounds can be read."""
    with bench.start(definition=FOR_LONG) as process:
        left = _after_a_round(bench)
        assert _children(bench) != []
        process.kill()
        process.communicate()
    wait_until(lambda: _children(bench) == [], "the end of wrk and the hello")
    assert all(deployment.left() for deployment in left)
    down = bench.run("infra", "down")
    assert down.returncode == 0, down.stderr
    assert [words for deployment in left for words in deployment.left()] == []
    (path,) = bench.runs_dir.iterdir()
    run = read_any_run(path)
    assert isinstance(run, CapacityRun)
    assert run.finished_rounds >= 1


def _run(bench: Bench) -> CapacityRun:
    (path,) = bench.run_list.read_text(encoding="utf-8").splitlines()
    run = read_any_run(Path(path))
    assert isinstance(run, CapacityRun)
    return run


def _after_a_round(bench: Bench) -> list[traces.Traces]:
    """Wait until a round is finished; what the deployments then have."""
    wait_until(lambda: list(bench.runs_dir.rglob(MEASUREMENTS_FILE)) != [], "a finished round")
    return [traces.of(operations.read(name)) for name in DEPLOYMENTS]


def _children(bench: Bench) -> list[psutil.Process]:
    """What the bench itself has started and that is no node: wrk and the hello."""
    found = []
    for process in psutil.process_iter():
        with contextlib.suppress(psutil.Error):
            words = " ".join(process.cmdline())
            ours = process.environ().get("SPIRELAB_STATE_DIR") == bench.environment["SPIRELAB_STATE_DIR"]
            if ours and ("closed_loop.lua" in words or "baselines.hello" in words) and process.status() != psutil.STATUS_ZOMBIE:
                found.append(process)
    return found
