"""Shows how a bench gets on: a live line with the time left on a terminal, sparse plain lines elsewhere."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from statistics import median
from types import TracebackType
from typing import Final, Protocol, Self

from rich.console import Console
from rich.markup import escape
from rich.progress import BarColumn, SpinnerColumn, TextColumn
from rich.progress import Progress as RichBar

from experiments.definition import Experiment
from experiments.plan import SWITCH_S, TEAR_DOWN_S, TRIAL_OVERHEAD_S
from experiments.records.schema import PlannedTrial, TrialRecord

SECONDS_PER_MINUTE: Final = 60


class Pace:
    """How long the rest will take: each trial's load is known, what comes on top of it is learnt from the trials done.

    By their median, since a trial that first brings the deployment up says nothing of the others; the planned overhead counts as
    two trials, so that the first one alone doesn't decide.
    """

    def __init__(self, loads_s: Sequence[float], *, clock: Callable[[], float] = time.monotonic) -> None:
        self._loads_s = list(loads_s)
        self._clock = clock
        self._done = 0
        self._started_s = clock()
        self._overheads_s = [TRIAL_OVERHEAD_S + SWITCH_S / 2] * 2

    def started(self) -> None:
        """A trial begins."""
        self._started_s = self._clock()

    def finished(self) -> None:
        """The trial that was begun last has ended."""
        self._overheads_s.append(max(0.0, self._clock() - self._started_s - self._loads_s[self._done]))
        self._done += 1

    @property
    def done(self) -> int:
        """Trials that have ended."""
        return self._done

    @property
    def total(self) -> int:
        """Trials planned."""
        return len(self._loads_s)

    def left_s(self) -> float:
        """Seconds until everything is done and removed."""
        rest = self._loads_s[self._done :]
        return sum(rest) + median(self._overheads_s) * len(rest) + TEAR_DOWN_S


class Progress(Protocol):
    """What a run tells of itself."""

    def trial_started(self, experiment: Experiment, planned: PlannedTrial) -> None:
        """A trial begins."""

    def stage(self, name: str) -> None:
        """A stage of it begins."""

    def note(self, text: str) -> None:
        """What is being done now, in a few words; may come from any thread."""

    def trial_finished(self, record: TrialRecord, headline: str) -> None:
        """It is recorded."""

    def say(self, text: str) -> None:
        """A line that stays."""


class ConsoleProgress:
    """Progress on a console: one that is a terminal gets the live line, any other only lines that stay."""

    def __init__(self, console: Console, experiments: Sequence[Experiment]) -> None:
        loads_s = [item.phases.total_s for item in experiments for _ in range(item.trials * len(item.treatments))]
        self._pace = Pace(loads_s)
        self._console = console
        self._bar = RichBar(
            SpinnerColumn(),
            BarColumn(bar_width=24),
            TextColumn("{task.completed}/{task.total} trials, {task.fields[left]}  [bold]{task.fields[trial]}[/] {task.fields[now]}"),
            console=console,
            transient=True,
            disable=not console.is_terminal,
        )
        self._task = self._bar.add_task("bench", total=len(loads_s), left=self._left(), trial="", now="")

    def __enter__(self) -> Self:
        self._bar.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self._bar.stop()

    def trial_started(self, experiment: Experiment, planned: PlannedTrial) -> None:
        """Name the trial."""
        self._pace.started()
        self._bar.update(self._task, trial=f"{experiment.name}: {planned.treatment}, block {planned.block + 1}", left=self._left())

    def stage(self, name: str) -> None:
        """Show the stage."""
        self.note(name)

    def note(self, text: str) -> None:
        """Show it on the live line only."""
        self._bar.update(self._task, now=escape(text), left=self._left())

    def trial_finished(self, record: TrialRecord, headline: str) -> None:
        """Write the trial's line."""
        self._pace.finished()
        self._bar.update(self._task, completed=self._pace.done, left=self._left())
        self.say(f"{self._pace.done:>3}/{self._pace.total}  {record.treatment:<10} block {record.block + 1}  {headline}  ({self._left()})")

    def say(self, text: str) -> None:
        """Write a line that stays."""
        self._console.print(escape(text), highlight=False, soft_wrap=True)

    def _left(self) -> str:
        return f"{duration(self._pace.left_s())} left"


def duration(seconds: float) -> str:
    """Minutes and seconds as people say them: ``6 min 05 s``, ``12 s``."""
    whole = round(seconds)
    minutes, rest = divmod(whole, SECONDS_PER_MINUTE)
    return f"{minutes} min {rest:02d} s" if minutes else f"{rest} s"
