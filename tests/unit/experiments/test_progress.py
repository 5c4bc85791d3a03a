"""What a bench says while it runs."""

from __future__ import annotations

import io
from pathlib import Path

from rich.console import Console

from experiments.plan import SWITCH_S, TEAR_DOWN_S, TRIAL_OVERHEAD_S
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


def _after(overheads_s: list[float]) -> float:
    """Seconds left for a last trial of 20 s after trials of 10 s that took so much longer than their load."""
    clock = Clock()
    pace = Pace([10.0] * len(overheads_s) + [20.0], clock=clock)
    for overhead_s in overheads_s:
        pace.started()
        clock.now_s += 10.0 + overhead_s
        pace.finished()
    return pace.left_s()


def test_the_time_left_follows_what_trials_took_on_top_of_their_load() -> None:
    """Before the first trials it is the plan's figure, then what was measured."""
    planned_s = TRIAL_OVERHEAD_S + SWITCH_S / 2
    assert _after([]) == 20 + planned_s + TEAR_DOWN_S
    assert _after([7.0] * 5) == 20 + 7 + TEAR_DOWN_S


def test_a_first_trial_that_brings_everything_up_does_not_frighten() -> None:
    """Its half a minute is not expected of the others."""
    assert _after([30.0]) == _after([])


def test_durations_are_said_as_people_say_them() -> None:
    """Seconds below a minute, then minutes with two digits of seconds."""
    assert [duration(seconds) for seconds in (0.4, 59.4, 59.6, 125)] == ["0 s", "59 s", "1 min 00 s", "2 min 05 s"]


def test_without_a_terminal_there_is_a_line_for_each_trial_and_no_other() -> None:
    """A log file shows figures and the time left, no control characters, and nothing of what passes."""
    out = io.StringIO()
    experiment = tiny()
    planned = PlannedTrial(position=0, block=0, treatment="calm", seed=1)
    attempt = Attempt(experiment, planned, scratch=Path())
    attempt.load = enrolments(100)
    trial = attempt.trial()
    with ConsoleProgress(Console(file=out), [experiment]) as progress:
        progress.trial_started(experiment, planned)
        progress.stage("deploy")
        progress.note("waiting [for] broker")
        progress.trial_finished(trial.record, headline(trial))
    (line,) = out.getvalue().splitlines()
    assert line.startswith("  1/4  calm       block 1  p95 10.0 ms, 0 of 100 failed")
    assert line.endswith(" left)")
    assert "\x1b" not in line


def test_an_invalid_trial_says_why() -> None:
    """Whoever watches sees it before the report does."""
    attempt = Attempt(tiny(), PlannedTrial(position=0, block=0, treatment="calm", seed=1), scratch=Path(), reasons=["too late"])
    assert headline(attempt.trial()) == "INVALID: too late"
