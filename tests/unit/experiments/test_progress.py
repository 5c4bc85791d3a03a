"""What a bench says while it runs."""

from __future__ import annotations

import io
from pathlib import Path

from rich.console import Console

from experiments.plan import TEAR_DOWN_S
from experiments.progress import ConsoleProgress, Pace, duration
from experiments.records.schema import PlannedTrial
from experiments.runner.attempt import Attempt
from experiments.runner.summary import headline
from tests.fakes.bench import enrolments, tiny


class Clock:
    """Stands still until it is set."""

    now_s = 0.0

    def __call__(self) -> float:
        """The time."""
        return self.now_s


def _after(off_s: list[float]) -> float:
    """Seconds left for a last step of 20 s after steps of 10 s that took so much longer than planned."""
    clock = Clock()
    pace = Pace([10.0] * len(off_s) + [20.0], clock=clock)
    for seconds in off_s:
        pace.started()
        clock.now_s += 10.0 + seconds
        pace.finished()
    return pace.left_s()


def test_the_time_left_follows_how_far_steps_were_off_their_plan() -> None:
    """Before the first steps it is the plan's figure, then what was measured."""
    assert _after([]) == 20 + TEAR_DOWN_S
    assert _after([7.0] * 5) == 20 + 7 + TEAR_DOWN_S
    assert _after([-3.0] * 5) == 20 - 3 + TEAR_DOWN_S


def test_a_first_step_that_brings_everything_up_does_not_frighten() -> None:
    """Its half a minute is not expected of the others."""
    assert _after([30.0]) == _after([])


def test_a_step_that_was_not_planned_counts() -> None:
    """It comes next: the total grows, and the time left has it until it is over."""
    clock = Clock()
    pace = Pace([10.0, 20.0], clock=clock)
    pace.started()
    clock.now_s += 10.0
    pace.finished()
    pace.added(7.0)
    assert (pace.done, pace.total) == (1, 3)
    assert pace.left_s() == 7 + 20 + TEAR_DOWN_S
    pace.started()
    clock.now_s += 7.0
    pace.finished()
    assert pace.left_s() == 20 + TEAR_DOWN_S


def test_durations_are_said_as_people_say_them() -> None:
    """Seconds below a minute, then minutes with two digits of seconds."""
    assert [duration(seconds) for seconds in (0.4, 59.4, 59.6, 125)] == ["0 s", "59 s", "1 min 00 s", "2 min 05 s"]


def test_without_a_terminal_there_is_a_line_for_each_step_and_no_other() -> None:
    """A log file shows figures and the time left, no control characters, and nothing of what passes."""
    out = io.StringIO()
    with ConsoleProgress(Console(file=out), [10.0] * 4) as progress:
        progress.started("tiny: calm, block 1")
        progress.stage("deploy")
        progress.note("waiting [for] broker")
        progress.finished("calm       block 1  p95 10.0 ms")
        progress.added(10.0)
        progress.started("tiny: calm, block 1, again")
        progress.finished("calm       block 1 again  p95 10.0 ms")
    line, again = out.getvalue().splitlines()
    assert again.startswith("  2/5  ")
    assert line.startswith("  1/4  calm       block 1  p95 10.0 ms  (")
    assert line.endswith(" left)")
    assert "\x1b" not in line


def test_a_trial_s_line_has_its_tail_and_its_failures() -> None:
    """Whoever watches sees what was measured."""
    attempt = Attempt(tiny(), PlannedTrial(position=0, block=0, treatment="calm", seed=1), scratch=Path())
    attempt.load = enrolments(100)
    assert headline(attempt.trial()[0]).startswith("p95 10.0 ms, 0 of 100 failed")


def test_an_invalid_trial_says_why() -> None:
    """Whoever watches sees it before the report does."""
    attempt = Attempt(tiny(), PlannedTrial(position=0, block=0, treatment="calm", seed=1), scratch=Path(), reasons=["too late"])
    assert headline(attempt.trial()[0]) == "INVALID: too late"
