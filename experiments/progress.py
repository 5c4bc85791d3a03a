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

from experiments.plan import TEAR_DOWN_S

SECONDS_PER_MINUTE: Final = 60


class Pace:
    """How long the rest will take: each step's planned duration, and how far the steps done were off theirs.

    By the median, since a step that first brings the deployment up says nothing of the others; the plan counts as two steps, so
    that the first one alone doesn't decide.
    """

    def __init__(self, planned_s: Sequence[float], *, clock: Callable[[], float] = time.monotonic) -> None:
        self._planned_s = list(planned_s)
        self._clock = clock
        self._done = 0
        self._started_s = clock()
        self._off_s = [0.0, 0.0]

    def added(self, step_s: float) -> None:
        """A step that was not planned comes next, and takes about ``step_s``."""
        self._planned_s.insert(self._done, step_s)

    def started(self) -> None:
        """A step begins."""
        self._started_s = self._clock()

    def finished(self) -> None:
        """The step that was begun last has ended."""
        self._off_s.append(self._clock() - self._started_s - self._planned_s[self._done])
        self._done += 1

    @property
    def done(self) -> int:
        """Steps that have ended."""
        return self._done

    @property
    def total(self) -> int:
        """Steps planned."""
        return len(self._planned_s)

    def left_s(self) -> float:
        """Seconds until everything is done and removed."""
        rest = self._planned_s[self._done :]
        return max(0.0, sum(rest) + median(self._off_s) * len(rest)) + TEAR_DOWN_S


class Progress(Protocol):
    """What a run tells of itself; a step is a trial or a measurement."""

    def added(self, step_s: float) -> None:
        """A step that was not planned comes next, and takes about ``step_s``."""

    def started(self, title: str) -> None:
        """A step begins."""

    def stage(self, name: str) -> None:
        """A stage of it begins."""

    def note(self, text: str) -> None:
        """What is being done now, in a few words; may come from any thread."""

    def finished(self, line: str) -> None:
        """It is measured; ``line`` says what came of it."""

    def say(self, text: str) -> None:
        """A line that stays."""


class ConsoleProgress:
    """Progress on a console: one that is a terminal gets the live line, any other only lines that stay."""

    def __init__(self, console: Console, planned_s: Sequence[float]) -> None:
        self._pace = Pace(planned_s)
        self._console = console
        self._bar = RichBar(
            SpinnerColumn(),
            BarColumn(bar_width=24),
            TextColumn("{task.completed}/{task.total} done, {task.fields[left]}  [bold]{task.fields[step]}[/] {task.fields[now]}"),
            console=console,
            transient=True,
            disable=not console.is_terminal,
        )
        self._task = self._bar.add_task("bench", total=len(planned_s), left=self._left(), step="", now="")

    def __enter__(self) -> Self:
        self._bar.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self._bar.stop()

    def added(self, step_s: float) -> None:
        """Count it."""
        self._pace.added(step_s)
        self._bar.update(self._task, total=self._pace.total)

    def started(self, title: str) -> None:
        """Name the step."""
        self._pace.started()
        self._bar.update(self._task, step=escape(title), left=self._left())

    def stage(self, name: str) -> None:
        """Show the stage."""
        self.note(name)

    def note(self, text: str) -> None:
        """Show it on the live line only."""
        self._bar.update(self._task, now=escape(text), left=self._left())

    def finished(self, line: str) -> None:
        """Write the step's line."""
        self._pace.finished()
        self._bar.update(self._task, completed=self._pace.done, left=self._left())
        self.say(f"{self._pace.done:>3}/{self._pace.total}  {line}  ({self._left()})")

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
