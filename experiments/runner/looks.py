"""What is looked at before and after the load of a trial, as values."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field

from experiments.records.history import Mark, Row

Clock = Callable[[], float]
"""Seconds since the trial's epoch."""


@dataclass(frozen=True)
class Before:
    """The business state before the load."""

    rows: tuple[Row, ...] = ()
    """On the machine's monotonic clock: the trial's epoch comes later."""
    known: Mapping[str, str] = field(default_factory=dict)
    """The state of each enrolment that is there already, by id."""


@dataclass(frozen=True)
class Asked:
    """What a trial's clients asked for: the part of the business state that is looked at after it."""

    accepted: Collection[str]
    """Ids that 202 answers gave."""
    students: Collection[int]
    courses: Collection[int]
    known: Mapping[str, str]
    """As before the load."""


After = tuple[Mark | Row, ...]
"""Whether the system became quiet, and the business state then."""
