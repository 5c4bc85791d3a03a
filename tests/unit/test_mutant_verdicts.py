"""What the session of planted bugs makes of recorded trials: verdicts, summaries, lines, the table and JSON."""

from __future__ import annotations

import io
import json
from pathlib import Path

import pytest
from rich.console import Console

from experiments.definition import Experiment, changed
from experiments.records.schema import InvariantRecord, TrialRecord, WitnessEvent
from experiments.schedule import build
from experiments.seeding import SeededPopulation
from infra.topology import Topology
from tests.mutants.cli import MOST_TRIALS, jobs, run
from tests.mutants.day import DECISION_BOUND_S
from tests.mutants.mutants import MUTANTS
from tests.mutants.running import SCENARIOS, scenario
from tests.mutants.tables import as_json, line, table
from tests.mutants.verdicts import PRODUCT, Verdict, judged, not_carried_out, summaries

PASSED = InvariantRecord(name="no_ghosts", verdict="pass", detail="3 enrolments", evidence={"enrolments": 3})
DOUBTED = InvariantRecord(name="one_outcome", verdict="unknown", detail="no outcome was seen more than once", evidence={"outcomes": 0})


def _failed(name: str, *times_s: float) -> InvariantRecord:
    witness = tuple(WitnessEvent(at_s=at_s, who="process 1", what="ok") for at_s in times_s)
    return InvariantRecord(name=name, verdict="fail", detail=f"{name} is broken", evidence={"looks": 1}, witness=witness)


def _trial(*invariants: InvariantRecord, reasons: tuple[str, ...] = ()) -> TrialRecord:
    return TrialRecord(
        trial_id="000-b0-day",
        position=0,
        block=0,
        treatment="day",
        seed=7,
        epoch_unix_s=0,
        phases=(),
        topology=Topology(),
        faults=(),
        offered=1,
        slip_p99_ms=0,
        valid=not reasons,
        reasons=reasons,
        invariants=invariants,
    )


def test_what_is_proven_first_counts() -> None:
    """The time is that of the last event of the earliest witness, for without its last event it proves nothing."""
    verdict = judged("bug", "servers", 1, _trial(_failed("no_loss", 1, 9), _failed("no_false_full", 2, 5), PASSED, DOUBTED))
    assert verdict.found
    assert verdict.failed == ("no_loss", "no_false_full")
    assert (verdict.proven_s, verdict.detail) == (5, "no_false_full is broken")
    assert verdict.unknown == ("one_outcome",)


def test_a_bug_is_as_wanted_where_every_run_found_it() -> None:
    """One run without is one too many; what could not be carried out, or showed less than it should have, is no run."""
    found, missed = judged("bug", "servers", 1, _trial(_failed("no_loss", 3))), judged("bug", "servers", 2, _trial(PASSED))
    lost = not_carried_out("bug", "servers", 3, "no server")
    (both,) = summaries([found, found])
    assert (both.found, both.runs, both.invariants, both.median_s, both.is_as_wanted) == (2, 2, {"no_loss": 2}, 3, True)
    assert not summaries([found, missed])[0].is_as_wanted
    assert not summaries([lost])[0].is_as_wanted
    assert summaries([judged("bug", "servers", 5, _trial(_failed("no_loss", 3), reasons=("slow",)))])[0].is_as_wanted
    (counted,) = summaries([found, lost, judged("bug", "servers", 4, _trial(PASSED, reasons=("slow",)))])
    assert (counted.runs, counted.not_counted, counted.is_as_wanted) == (1, 2, True)


@pytest.mark.parametrize(
    ("verdict", "is_as_wanted", "said"),
    [
        (judged(PRODUCT, "servers", 1, _trial(PASSED, DOUBTED)), True, "no alarm (unknown: one_outcome)"),
        (judged(PRODUCT, "servers", 1, _trial(_failed("no_loss", 3))), False, "ALARM by no_loss, proven 3.0 s after"),
        (judged(PRODUCT, "servers", 1, _trial(PASSED, reasons=("not healed",))), False, "no alarm; the trial is invalid: not healed"),
        (not_carried_out(PRODUCT, "servers", 1, "no server"), False, "NOT CARRIED OUT: no server"),
        (judged("bug", "servers", 1, _trial(PASSED)), False, "NOT FOUND"),
        (judged("bug", "servers", 1, _trial(_failed("no_loss", 3))), True, "found by no_loss, proven 3.0 s after"),
        (judged(PRODUCT, "servers", 1, _trial(_failed("no_loss", 3), reasons=("slow",))), False, "ALARM by no_loss, proven 3.0 s after"),
    ],
)
def test_a_run_is_told_in_a_line(verdict: Verdict, is_as_wanted: bool, said: str) -> None:  # noqa: FBT001 - pytest passes by position
    """An alarm is one in any run; a day that showed less than it should have says nothing else."""
    assert line(verdict).startswith(said)
    assert summaries([verdict])[0].is_as_wanted is is_as_wanted


def test_the_table_and_the_file_tell_the_same() -> None:
    """A row for each bug and for each day of the product; who is not as wanted is marked."""
    verdicts = [
        judged(PRODUCT, "servers", 1, _trial(PASSED, DOUBTED)),
        judged("bug", "servers", 1, _trial(_failed("no_loss", 3))),
        judged("bug", "servers", 2, _trial(_failed("no_loss", 4))),
        judged("other", "cache", 1, _trial(PASSED)),
    ]
    found = summaries(verdicts)
    console = Console(width=160, file=io.StringIO())
    with console.capture() as captured:
        console.print(table(found))
    rows = [row.split() for row in captured.get().splitlines()[1:4]]
    assert rows == [
        ["ok", "the", "product", "servers", "0", "of", "1", "one_outcome", "1"],
        ["ok", "bug", "servers", "2", "of", "2", "no_loss", "2", "3.5"],
        ["!!", "other", "cache", "0", "of", "1"],
    ]
    written = json.loads(as_json(verdicts, found))
    assert [item["found"] for item in written["summaries"]] == [0, 2, 0]
    assert [item["failed"] for item in written["runs"]] == [[], ["no_loss"], ["no_loss"], []]


def test_the_product_goes_through_every_day_first() -> None:
    """Several trials of it share a deployment; each run of a bug has its own, since what it spoils would be found again."""
    found = list(jobs(MUTANTS, runs=2, clean=MOST_TRIALS + 1, seed=5))
    clean = [job for job in found if job.mutant is None]
    assert found[: len(clean)] == clean
    assert {job.scenario for job in clean} == {mutant.scenario for mutant in MUTANTS}
    assert [(job.seed, job.trials) for job in clean[:2]] == [(5, MOST_TRIALS), (5 + MOST_TRIALS, 1)]
    bugs = found[len(clean) :]
    assert [(job.subject, job.seed, job.trials) for job in bugs] == [(mutant.name, seed, 1) for seed in (5, 6) for mutant in MUTANTS]


@pytest.mark.parametrize("name", sorted(path.stem for path in SCENARIOS.glob("[a-z]*.py")))
def test_a_scenario_is_looked_into(name: str) -> None:
    """It is an experiment of that name, looked into by some bug; a request may not wait for ever, and students suffice for all trials."""
    found: Experiment = scenario(name)
    assert found.name == name
    assert name in {mutant.scenario for mutant in MUTANTS}
    assert found.decision_bound_s == DECISION_BOUND_S
    dataset = found.dataset
    seeded = SeededPopulation(course_ids=tuple(range(dataset.courses)), student_ids=tuple(range(dataset.students)))
    longest = changed(found, trials=MOST_TRIALS)
    assert all(build(longest, seeded, longest.treatments[0], trial_seed=seed, block=0).offered for seed in range(20))


def test_an_unknown_bug_is_one_line(capfd: pytest.CaptureFixture[str]) -> None:
    """With the one that was meant."""
    assert run(["stale_sett"]) == 2
    assert capfd.readouterr().err == "error: Invalid value: there is no planted bug 'stale_sett'; did you mean stale_set?\n"


def test_a_file_that_can_not_be_written_is_told_before_anything_runs(capfd: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    """Not after an hour."""
    assert run(["--write", str(tmp_path / "missing" / "verdicts.json")]) == 1
    assert "the verdicts can't be written (No such file or directory); choose another --write" in capfd.readouterr().err
