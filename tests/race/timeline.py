"""What a history says of any moment: versions, capacities, and who may or must have held a seat; pure."""

from __future__ import annotations

import math
from bisect import bisect_left, bisect_right
from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from tests.race.history import HELD_A_SEAT, NEVER_S, Enrollment, History, Span, Written


@dataclass
class Holders:
    """Intervals in which seats of one course were held."""

    starts_s: list[float] = field(default_factory=list)
    ends_s: list[float] = field(default_factory=list)

    def add(self, start_s: float, end_s: float) -> None:
        """One seat, from then until then."""
        if start_s < end_s:
            self.starts_s.append(start_s)
            self.ends_s.append(end_s)

    def ready(self) -> Holders:
        """The same, to be asked."""
        return Holders(sorted(self.starts_s), sorted(self.ends_s))

    def at(self, moment_s: float) -> int:
        """Seats held at that moment, both ends included."""
        return bisect_right(self.starts_s, moment_s) - bisect_left(self.ends_s, moment_s)

    def starts_within(self, first_s: float, last_s: float) -> list[float]:
        """The moments in between at which there is one more."""
        return self.starts_s[bisect_left(self.starts_s, first_s) : bisect_right(self.starts_s, last_s)]


class Timeline:
    """The bounds that clients' observations put on what was true inside the system."""

    def __init__(self, history: History) -> None:
        self.writes: Mapping[str, list[Written]] = _by_path(history.writes)
        self.bodies = {path: _bodies(writes) for path, writes in self.writes.items()}
        self.asked_s = _first_asked(history)
        self.decided_s = _first_decided(history)
        self.dropped_s = {drop.enrollment_id: drop.span for drop in reversed(history.drops) if drop.status == 200}
        self._drop_sent_s = _first_drop_sent(history)
        self.possible: dict[int, Holders] = self._holders(history, self._possibly_held)
        self.certain: dict[int, Holders] = self._holders(history, self._certainly_held)

    def acknowledged_version(self, path: str, moment_s: float) -> int:
        """The last version whose writer had its answer before that moment."""
        return max(
            (write.body["version"] for write in self.writes.get(path, ()) if write.body and write.span.answered_s < moment_s), default=0
        )

    def may_be_deleted(self, path: str, moment_s: float) -> bool:
        """A deletion that succeeded was sent by that moment."""
        return any(write.deletes and write.span.sent_s <= moment_s for write in self.writes.get(path, ()))

    def must_be_deleted(self, path: str, moment_s: float) -> bool:
        """A deletion was answered before that moment."""
        return any(write.deletes and write.span.answered_s < moment_s for write in self.writes.get(path, ()))

    def capacities(self, course_id: int, moment_s: float) -> set[int]:
        """The capacities that the course may have had at that moment: the last one acknowledged, and those being written."""
        found: set[int] = set()
        for write in self.writes.get(course_path(course_id), ()):
            if write.body is None or write.span.sent_s > moment_s:
                continue
            if write.span.answered_s < moment_s:
                found.clear()
            found.add(write.body["capacity"])
        return found

    def moments(self, course_id: int, holders: Holders, first_s: float, last_s: float) -> list[float]:
        """Those in between at which one seat more is held, or the capacities that the course may have change."""
        spans = [write.span for write in self.writes.get(course_path(course_id), ())]
        changes = [moment_s for span in spans for moment_s in (span.sent_s, math.nextafter(span.answered_s, NEVER_S))]
        return [*(moment_s for moment_s in changes if first_s <= moment_s <= last_s), *holders.starts_within(first_s, last_s)]

    def window(self, entry: Enrollment) -> Span:
        """Within this the request was decided."""
        return Span(self.asked_s[entry.id], self.decided_s.get(entry.id, NEVER_S))

    def could_be_full(self, entry: Enrollment) -> bool:
        """At some moment within its window the seats of its course could all have been taken."""
        window = self.window(entry)
        holders = self.possible.get(entry.course_id, Holders())
        moments = [window.sent_s, window.answered_s, *self.moments(entry.course_id, holders, window.sent_s, window.answered_s)]
        return any(holders.at(moment_s) >= min(self.capacities(entry.course_id, moment_s), default=0) for moment_s in moments)

    def _possibly_held(self, entry: Enrollment) -> Span | None:
        """From when it was asked for until the answer that it was dropped."""
        if entry.status not in HELD_A_SEAT:
            return None
        dropped = self.dropped_s.get(entry.id)
        return Span(self.asked_s[entry.id], dropped.answered_s if dropped else NEVER_S)

    def _certainly_held(self, entry: Enrollment) -> Span | None:
        """From when it was seen enrolled until somebody asked to drop it."""
        if entry.status not in HELD_A_SEAT or entry.id not in self.decided_s:
            return None
        return Span(self.decided_s[entry.id], self._drop_sent_s.get(entry.id, NEVER_S))

    def _holders(self, history: History, held: Any) -> dict[int, Holders]:
        found: defaultdict[int, Holders] = defaultdict(Holders)
        for entry in history.enrollments.values():
            if (span := held(entry)) is not None:
                found[entry.course_id].add(span.sent_s, span.answered_s)
        return {course_id: holders.ready() for course_id, holders in found.items()}


def course_path(course_id: int) -> str:
    """The path of a course."""
    return f"/courses/{course_id}"


def student_path(student_id: int) -> str:
    """The path of a student."""
    return f"/students/{student_id}"


def _by_path(writes: Iterable[Written]) -> dict[str, list[Written]]:
    found: defaultdict[str, list[Written]] = defaultdict(list)
    for write in sorted(writes, key=lambda write: write.span.sent_s):
        found[write.path].append(write)
    return dict(found)


def _bodies(writes: Iterable[Written]) -> dict[int, Mapping[str, Any]]:
    """What each version says. One that no answer told of is from a request that was delivered twice, so it says the same as the next."""
    found: dict[int, Mapping[str, Any]] = {}
    last = 0
    for write in writes:
        if write.body is not None:
            found.update({version: {**write.body, "version": version} for version in range(last + 1, write.body["version"] + 1)})
            last = write.body["version"]
    return found


def _first_asked(history: History) -> dict[str, float]:
    """When each request was first sent; of one that no client was told of, when the first of those that it may be was sent."""
    unanswered: dict[tuple[int, int], float] = {}
    found: dict[str, float] = {}
    for ask in sorted(history.asked, key=lambda ask: ask.span.sent_s):
        if ask.status is None:
            unanswered.setdefault(ask.body, ask.span.sent_s)
        elif ask.enrollment_id is not None:
            found.setdefault(ask.enrollment_id, ask.span.sent_s)
    for entry in history.enrollments.values():
        earlier_s = unanswered.get((entry.student_id, entry.course_id), NEVER_S)
        found[entry.id] = min(found.get(entry.id, NEVER_S), earlier_s)
    return found


def _first_decided(history: History) -> dict[str, float]:
    """When each request was first known to be enrolled or rejected."""
    found: dict[str, float] = {}
    for sighting in history.sightings:
        if sighting.enrollment.status in {"enrolled", "rejected"}:
            known_s = found.get(sighting.enrollment.id, NEVER_S)
            found[sighting.enrollment.id] = min(known_s, sighting.span.answered_s)
    return found


def _first_drop_sent(history: History) -> dict[str, float]:
    found: dict[str, float] = {}
    for drop in history.drops:
        found[drop.enrollment_id] = min(found.get(drop.enrollment_id, NEVER_S), drop.span.sent_s)
    return found
