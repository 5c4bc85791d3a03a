"""The command line: mistakes are one line and an exit status, and looking starts nothing."""

from __future__ import annotations

import shlex
from pathlib import Path

import pytest

from experiments import catalog
from experiments.choosing import Changes, chosen, command
from experiments.cli import console, main
from tests.fakes.capacity import write_example


@pytest.mark.parametrize(
    ("arguments", "status", "message"),
    [
        (["bench", "nope"], 1, "there is no experiment 'nope'"),
        (["bench", "cache", "--set", "courses.replica=3"], 1, "did you mean courses.replicas?"),
        (["bench", "cache", "--set", "courses.replicas"], 1, "is not factor=value"),
        (["bench", "cache", "--set", "courses.replicas=0"], 1, "courses.replicas=0"),
        (["bench", "cache", "--set", "courses.replicas=abc"], 1, "courses.replicas=abc"),
        (["bench", "cache", "--set", "cache=off"], 1, "can't be set from outside"),
        (["bench", "failover", "--set", "courses.replicas=1"], 1, "no node 'courses-2'"),
        (["bench", "cache", "--file", "own.py"], 1, "name one or the other"),
        (["bench", "--file", "gone.py"], 1, "gone.py: there is no such file"),
        (["bench", "--budget", "0.1"], 1, "--budget 0.1 is too short"),
        (["bench", "cache", "--faults-per-minute", "3"], 1, "cache leaves no fault to chance"),
        (["bench", "chaos", "--faults-per-minute", "-3"], 1, "treatments.0.chance.per_minute"),
        (["bench", "failover", "--duration", "3"], 1, "the load ends at 5 s"),
        (["bench", "failover", "--bring-ups", "6"], 1, "bring_ups are 6 and there are 5 blocks"),
        (["bench", "hotpath", "--bring-ups", "2"], 1, "hotpath is a capacity experiment"),
        (["bench", "failover", "--bring-ups", "0"], 2, "--bring-ups"),
        (["bench", "cache", "--shrink", "-1"], 2, "--shrink"),
        (["shrink", "nowhere"], 1, "nowhere: there is no such run directory"),
        (["bench", "cache", "--runs-dir", "/dev/null/runs"], 1, "/dev/null/runs: runs can't be written there"),
        (["bench", "cache", "--trials", "0"], 2, "--trials"),
        (["bench", "cache", "--trials", "many"], 2, "--trials"),
        (["bench", "cache", "--seed", "-1"], 2, "--seed"),
        (["bench", "--fast"], 2, "No such option"),
        (["benhc"], 2, "No such command"),
        (["bench", "--plan", "cache", "--runs-dir"], 2, "--runs-dir"),
    ],
)
def test_a_mistake_is_one_line_and_a_status(capsys: pytest.CaptureFixture[str], arguments: list[str], status: int, message: str) -> None:
    """The line says what is wrong; 1 for what is asked, 2 for how."""
    assert main(arguments) == status
    captured = capsys.readouterr()
    assert message in captured.err
    assert captured.err.startswith("error: ")
    assert captured.err.count("\n") == 1
    assert captured.out == ""


def test_a_list_that_can_not_be_written_is_found_before_anything_starts(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    """The error names the file."""
    assert main(["bench", "cache", "--runs-dir", str(tmp_path), "--write-run-list", str(tmp_path / "nowhere" / "list")]) == 1
    assert "nowhere/list: the list of runs can't be written" in capsys.readouterr().err


def test_a_wrong_variable_of_the_environment_is_named(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    """It says which setting and why."""
    monkeypatch.setenv("SPIRELAB_SLIP_FLOOR_MS", "fast")
    assert main(["runs"]) == 1
    assert "SPIRELAB_SLIP_FLOOR_MS=fast: " in capsys.readouterr().err


def test_the_catalog_is_listed_with_its_questions(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    """Every experiment has a line."""
    monkeypatch.setattr(console, "width", 300)  # nothing is broken into lines
    assert main(["bench", "--list"]) == 0
    listed = capsys.readouterr().out
    for name in catalog.names():
        assert catalog.load(name).question in listed


def test_a_plan_is_shown_and_nothing_started(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    """Order, duration, memory and ports; the runs folder is not even made."""
    runs_dir = tmp_path / "runs"
    assert main(["bench", "--plan", "failover", "--trials", "2", "--runs-dir", str(runs_dir), "--set", "gateway.port=8090"]) == 0
    shown = capsys.readouterr().out
    assert "block 2: " in shown
    assert "block 3: " not in shown
    assert "MiB of memory" in shown
    assert "gateway 8090" in shown
    assert not runs_dir.exists()


def test_a_plan_shows_its_bring_ups(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    """Which block is measured on which."""
    assert main(["bench", "--plan", "failover", "--trials", "4", "--bring-ups", "2", "--runs-dir", str(tmp_path)]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert "4 trials of 3 treatments, 2 bring-ups, seed" in lines[0]
    assert [line.partition(": ")[0].strip() for line in lines[1:5]] == [
        "bring-up 1, block 1",
        "bring-up 1, block 2",
        "bring-up 2, block 3",
        "bring-up 2, block 4",
    ]


@pytest.mark.parametrize(("bring_ups", "said"), [(None, False), (1, False), (2, True)])
def test_the_command_that_does_it_again_names_the_bring_ups(bring_ups: int | None, said: bool) -> None:  # noqa: FBT001 - pytest passes by position
    """Where there are several of them."""
    changes = Changes([], trials=4, seed=7, duration_s=None, faults_per_minute=None, bring_ups=bring_ups)
    (experiment,) = chosen(["failover"], None, changes, None)
    words = shlex.split(command(experiment, None, changes))
    assert words[:5] == ["nox", "-s", "bench", "--", "failover"]
    assert words[5:] == ["--trials", "4", "--seed", "7", *(("--bring-ups", "2") if said else ())]


def test_a_plan_shows_the_load_of_each_treatment_that_has_its_own(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    """Rate and popularity, whether it changes one of them or both."""
    assert main(["bench", "--plan", "cache_curve", "--trials", "2", "--runs-dir", str(tmp_path)]) == 0
    shown = capsys.readouterr().out.splitlines()
    assert "  on_1000: poisson, 1000 requests/s, Zipf exponent 1.1" in shown
    assert "  on_1000_zipf_0_8: poisson, 1000 requests/s, Zipf exponent 0.8" in shown
    main(["bench", "--plan", "cache", "--runs-dir", str(tmp_path)])
    assert "Zipf exponent" not in capsys.readouterr().out


def test_a_capacity_plan_shows_rounds_and_both_deployments(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    """Which implementation of a path comes first stands beside it."""
    assert main(["bench", "--plan", "hotpath", "--trials", "2", "--runs-dir", str(tmp_path)]) == 0
    shown = capsys.readouterr().out
    assert "hotpath: 2 rounds of " in shown
    assert "round 2: " in shown
    assert "cached_course (product, tutorial)" in shown or "cached_course (tutorial, product)" in shown
    assert "MiB of memory" in shown


def test_both_kinds_of_runs_are_listed(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    """With what is finished of each."""
    write_example(tmp_path, rounds=2)
    assert main(["runs", "--runs-dir", str(tmp_path)]) == 0
    assert "2/2" in capsys.readouterr().out


def test_no_runs_yet_is_said(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    """Listing an empty or absent folder is no error."""
    assert main(["runs", "--runs-dir", str(tmp_path / "runs")]) == 0
    assert "no runs in" in capsys.readouterr().out


def test_a_damaged_run_is_listed_as_damaged(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    """One bad run directory hides no other."""
    (tmp_path / "20260101T000000Z-cache").mkdir()
    (tmp_path / "20260101T000000Z-cache" / "run.json").write_text("{")
    assert main(["runs", "--runs-dir", str(tmp_path)]) == 0
    assert "damaged" in capsys.readouterr().out
