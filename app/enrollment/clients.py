"""The enrollment service's view of its peers: the courses and students services, over HTTP."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any, TypeVar
from uuid import UUID

import httpx

from app.enrollment.decisions import Seat
from app.kit.errors import UnavailableError

T = TypeVar("T")

REFUSED = frozenset({HTTPStatus.UNPROCESSABLE_ENTITY, HTTPStatus.REQUEST_ENTITY_TOO_LARGE})
BATCH = 100
"""The most that a peer takes in one call."""


class PeerRefusedError(Exception):
    """A peer found the call itself invalid; sending it again can't help."""


@dataclass(frozen=True)
class StudentRecord:
    """A student as a decision sees them."""

    version: int
    completed_courses: Sequence[str]


@dataclass(frozen=True)
class SeatWanted:
    """A request for a seat; without a record there is no such student, and the courses service records that as its answer."""

    enrollment_id: UUID
    course_id: int
    student_id: int
    student: StudentRecord | None


class Peers:
    """Calls to the internal endpoints, all of which may safely be repeated.

    Every method raises UnavailableError where a peer is away and PeerRefusedError where it refuses the call.
    """

    def __init__(self, base_url: str, *, timeout_s: float, connect_timeout_s: float = 0.5) -> None:
        self._client = httpx.Client(base_url=base_url, timeout=httpx.Timeout(timeout_s, connect=connect_timeout_s), trust_env=False)

    def students(self, student_ids: Sequence[int]) -> dict[int, StudentRecord]:
        """Those of the students that exist."""
        found = {}
        for ids in _batches(sorted(set(student_ids))):
            answer = self._post("/internal/students/lookup", {"student_ids": ids})
            for item in answer["students"]:
                found[item["id"]] = StudentRecord(item["version"], item["completed_courses"])
        return found

    def reserve(self, wanted: Sequence[SeatWanted]) -> dict[UUID, Seat]:
        """The answer to each request for a seat."""
        answers = {}
        for batch in _batches(wanted):
            body = {
                "reservations": [
                    {
                        "reservation_id": str(item.enrollment_id),
                        "course_id": item.course_id,
                        "student_id": item.student_id,
                        "student_version": item.student.version if item.student else None,
                        "completed_courses": item.student.completed_courses if item.student else None,
                    }
                    for item in batch
                ]
            }
            for item in self._post("/internal/courses/reservations", body)["reservations"]:
                answers[UUID(item["reservation_id"])] = Seat(item["outcome"], item["evidence"])
        return answers

    def release(self, seats: Sequence[tuple[UUID, int]]) -> None:
        """Give up the seats of these enrolments in these courses."""
        for batch in _batches(seats):
            releases = [{"reservation_id": str(enrollment_id), "course_id": course_id} for enrollment_id, course_id in batch]
            self._post("/internal/courses/releases", {"releases": releases})

    def close(self) -> None:
        """Close the connections."""
        self._client.close()

    def _post(self, path: str, body: dict[str, Any]) -> Any:
        try:
            response = self._client.post(path, json=body)
        except httpx.TransportError as error:
            raise UnavailableError("another service of the system is away") from error
        if response.status_code in REFUSED:
            raise PeerRefusedError(f"{path}: {response.text[:500]}")
        if response.status_code != HTTPStatus.OK:
            raise UnavailableError(f"another service of the system answered {response.status_code}")
        return response.json()


def _batches(items: Sequence[T]) -> Iterator[Sequence[T]]:
    for start in range(0, len(items), BATCH):
        yield items[start : start + BATCH]
