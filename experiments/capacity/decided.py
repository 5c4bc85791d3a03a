"""What the workers made of a registration, from the histories of its courses. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Self

PENDING = "pending"
ENROLLED = "enrolled"


@dataclass(frozen=True)
class Entry:
    """One request for a seat."""

    course_id: int
    status: str
    decided_at: datetime | None

    @classmethod
    def of(cls, entry: Mapping[str, Any]) -> Self:
        """The entry of a history as the API has it."""
        decided_at = entry["decided_at"]
        return cls(entry["course_id"], entry["status"], None if decided_at is None else datetime.fromisoformat(decided_at))


def pending(entries: Sequence[Entry]) -> int:
    """How many wait for a decision."""
    return sum(entry.status == PENDING for entry in entries)


def decisions_per_s(entries: Sequence[Entry]) -> float | None:
    """Decisions after the first instant at which there were any, by the time from it to the last; None where all fell in one instant.

    What was decided at the first instant was worked on before it, so it is left out above the line too.
    """
    times = sorted(entry.decided_at for entry in entries if entry.decided_at is not None)
    if not times or times[0] == times[-1]:
        return None
    return sum(time > times[0] for time in times) / (times[-1] - times[0]).total_seconds()


def overbooked_seats(entries: Sequence[Entry], seats: int) -> dict[int, int]:
    """Students enrolled beyond the seats, by course; courses without any are left out."""
    enrolled: dict[int, int] = {}
    for entry in entries:
        if entry.status == ENROLLED:
            enrolled[entry.course_id] = enrolled.get(entry.course_id, 0) + 1
    return {course_id: count - seats for course_id, count in enrolled.items() if count > seats}
