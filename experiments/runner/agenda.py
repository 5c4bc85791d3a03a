"""Which trial comes next: those of the plan, and after each block those of it again that turned out invalid."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import groupby

from experiments.records.schema import PlannedTrial


class Agenda:
    """The trials of a run in their order, which is decided as it goes.

    An invalid trial that is only left out makes estimates depend on why it was invalid: if the load generator starves while a
    treatment is slow, the slowest trials are missing. It is repeated in its block, so that it meets the same state of the machine
    as what it is compared with; bounded, since what is invalid again and again is not so by chance.
    """

    def __init__(self, plan: Sequence[PlannedTrial], *, repeats: int, most: int) -> None:
        """``repeats`` is how often one trial is repeated at most, ``most`` bounds all repeats of the run together."""
        self._plan = plan
        self._repeats = repeats
        self._most = most
        self._repeated = 0
        self._invalid: list[PlannedTrial] = []

    def __iter__(self) -> Iterator[PlannedTrial]:
        for _, block in groupby(self._plan, key=lambda planned: planned.block):
            due = list(block)
            while due:
                self._invalid = []
                yield from due
                again = [planned for planned in self._invalid if planned.attempt <= self._repeats]
                due = [self._next_attempt(planned) for planned in again[: self._most - self._repeated]]

    def was_invalid(self, planned: PlannedTrial) -> None:
        """The trial was run and does not count."""
        self._invalid.append(planned)

    def _next_attempt(self, planned: PlannedTrial) -> PlannedTrial:
        position = len(self._plan) + self._repeated
        self._repeated += 1
        return planned.model_copy(update={"position": position, "attempt": planned.attempt + 1})
