"""The enrollment service's view of its peers: the courses and students services, over HTTP."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any, TypeVar
from uuid import UUID

import httpx
from pydantic_core import from_json, to_json

from app.enrollment.decisions import Seat
from app.kit.breaker import HalfOpenBreaker
from app.kit.errors import UnavailableError
from app.kit.metrics import Metrics

T = TypeVar("T")

REFUSED = frozenset({HTTPStatus.UNPROCESSABLE_ENTITY, HTTPStatus.REQUEST_ENTITY_TOO_LARGE})
LARGEST_CALL = 100
"""Students, seats or releases: the most that a peer takes in one call."""
RETRY_INTERVAL_S = 0.25
"""While a peer is away it is asked this often: a silent one must not hold every thread of a replica until its time is up."""
LOOKUP = "/internal/students/lookup"
RESERVE = "/internal/courses/reservations"
RELEASE = "/internal/courses/releases"


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
        self._client = httpx.Client(
            base_url=base_url,
            timeout=httpx.Timeout(timeout_s, connect=connect_timeout_s),
            headers={"Content-Type": "application/json"},
            trust_env=False,
        )
        self._breakers = {
            path: HalfOpenBreaker(retry_interval_s=RETRY_INTERVAL_S, clock=time.monotonic) for path in (LOOKUP, RESERVE, RELEASE)
        }

    def watch(self, metrics: Metrics) -> None:
        """Have the state of the circuit breakers told."""
        metrics.watch(
            "peers_available",
            "1 while the other services are asked, 0 while the circuit breaker of a kind of call is open",
            lambda: float(all(breaker.closed for breaker in self._breakers.values())),
        )

    def students(self, student_ids: Sequence[int]) -> dict[int, StudentRecord]:
        """Those of the students that exist."""
        found = {}
        for ids in _batches(sorted(set(student_ids))):
            answer = self._post(LOOKUP, {"student_ids": ids})
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
                        "reservation_id": item.enrollment_id,
                        "course_id": item.course_id,
                        "student_id": item.student_id,
                        "student_version": item.student.version if item.student else None,
                        "completed_courses": item.student.completed_courses if item.student else None,
                    }
                    for item in batch
                ]
            }
            for item in self._post(RESERVE, body)["reservations"]:
                answers[UUID(item["reservation_id"])] = Seat(item["outcome"], item["evidence"])
        return answers

    def release(self, seats: Sequence[tuple[UUID, int]]) -> None:
        """Give up the seats of these enrolments in these courses."""
        for batch in _batches(seats):
            releases = [{"reservation_id": enrollment_id, "course_id": course_id} for enrollment_id, course_id in batch]
            self._post(RELEASE, {"releases": releases})

    def close(self) -> None:
        """Close the connections."""
        self._client.close()

    def _post(self, path: str, body: dict[str, Any]) -> Any:
        breaker = self._breakers[path]
        if not breaker.admits():
            raise UnavailableError("another service of the system is away")
        try:
            response = self._client.post(path, content=to_json(body))
        except httpx.TransportError as error:
            breaker.failed()
            raise UnavailableError("another service of the system is away") from error
        if response.status_code in REFUSED:
            raise PeerRefusedError(f"{path}: {response.text[:500]}")
        if response.status_code != HTTPStatus.OK:
            breaker.failed()
            raise UnavailableError(f"another service of the system answered {response.status_code}")
        breaker.succeeded()
        return from_json(response.content)


def _batches(items: Sequence[T]) -> Iterator[Sequence[T]]:
    for start in range(0, len(items), LARGEST_CALL):
        yield items[start : start + LARGEST_CALL]
