"""What the checkers are given: what clients were told in a trial, and what the system said afterwards."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from experiments.records.schema import CourseState

TERMINAL = frozenset({"enrolled", "rejected", "dropped"})
"""States that a request doesn't leave by itself."""
MISSING = "missing"
"""State of a request that was accepted and that the system doesn't know."""
PENDING = "pending"
"""State of a request that is not decided yet."""


@dataclass(frozen=True)
class RequestState:
    """An enrolment request as the API shows it after the trial."""

    status: str
    reason: str | None = None


@dataclass(frozen=True)
class FinalState:
    """The business state after the load, read through the API."""

    settled: bool
    """Nothing was pending any more when it was read."""
    requests: Mapping[str, RequestState]
    """Each request accepted in this trial, by id."""
    courses: tuple[CourseState, ...]
    """The courses that they are about."""
    unacknowledged: tuple[str, ...]
    """Ids in the histories of these courses that no client was ever given: accepted, but the answer was lost, or ghosts."""


@dataclass(frozen=True)
class History:
    """One trial as its clients saw it, and how it ended."""

    accepted: tuple[str, ...]
    """Ids that 202 answers gave, one for each request."""
    unanswered: int
    """Enrolment requests without a 202, of this trial and of earlier ones that were not found yet: they may have taken effect or not."""
    final: FinalState | None
    """None: it could not be read."""
