"""Reads the business state through the API that clients use."""

from __future__ import annotations

import time
from collections.abc import Callable, Collection, Iterable
from concurrent.futures import ThreadPoolExecutor
from http import HTTPStatus
from types import TracebackType
from typing import Any, Final, Self, TypeVar

import httpx

from experiments.errors import TrialError
from experiments.invariants.history import MISSING, PENDING
from experiments.records.history import CourseRow, Decision, EnrollmentRow, Row
from experiments.runner.looks import Asked, Clock

CONCURRENCY: Final = 8
"""As many requests at a time as one replica works on."""
REQUEST_TIMEOUT_S: Final = 5.0
"""Above the gateway's own timeouts, so that its answer is seen."""
ATTEMPTS: Final = 4
"""A read may meet the last moments of a replica that is being healed, or one that has too much to do."""
FIRST_PAUSE_S: Final = 0.1
"""Before the second attempt; doubled each time."""
PAGE: Final = 500
"""Entries of a history that one request may ask for."""

_Item = TypeVar("_Item")
_Answer = TypeVar("_Answer")


class ApiReader:
    """A client of the gateway that reads many things at once."""

    def __init__(self, gateway_url: str, clock: Clock, transport: httpx.BaseTransport | None = None) -> None:
        self._client = httpx.Client(base_url=gateway_url, timeout=REQUEST_TIMEOUT_S, trust_env=False, transport=transport)
        self._clock = clock

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self._client.close()

    def pending(self, accepted: Collection[str]) -> list[str]:
        """Those of the enrolments that are not decided yet.

        Raises:
            TrialError: the API doesn't answer, or not as its contract says.
        """
        return [row.enrollment for row in self._each(accepted, self._enrollment) if row.state == PENDING]

    def after(self, asked: Asked) -> list[Row]:
        """Each accepted enrolment, and the courses with their seats and histories.

        Raises:
            TrialError: the API doesn't answer, or not as its contract says, or a course is gone.
        """
        rows: list[Row] = [*self._each(asked.accepted, self._enrollment)]
        for course, others in self._each(sorted(asked.courses), lambda course: self._course(course, asked)):
            rows += [course, *others]
        return rows

    def read_each(self, paths: Iterable[str]) -> None:
        """Read each path once and drop the answers.

        Raises:
            TrialError: one is not there, or the API doesn't answer.
        """

        def read(path: str) -> None:
            if self._get(path) is None:
                raise TrialError(f"{path} is not there, and it was when the data was seeded")

        self._each(paths, read)

    def _each(self, items: Iterable[_Item], read: Callable[[_Item], _Answer]) -> list[_Answer]:
        with ThreadPoolExecutor(CONCURRENCY) as pool:
            return list(pool.map(read, items))

    def _enrollment(self, enrollment: str) -> EnrollmentRow:
        began_s = self._clock()
        entry = self._get(f"/enroll/{enrollment}")
        at: dict[str, Any] = self._at(began_s)
        return EnrollmentRow(**at, enrollment=enrollment, state=MISSING) if entry is None else _enrollment(at, entry)

    def _course(self, course: int, asked: Asked) -> tuple[CourseRow, list[EnrollmentRow]]:
        """The course, and the enrolments in its history that no client was told of."""
        began_s = self._clock()
        seats = self._get(f"/courses/{course}/seats")
        if seats is None:
            raise TrialError(f"course {course} is gone, and students asked to be enrolled in it")
        entries: list[dict[str, Any]] = []
        while True:
            page = self._get(f"/enroll/course/{course}?limit={PAGE}&offset={len(entries)}") or []
            entries += page
            if len(page) < PAGE:
                break
        at: dict[str, Any] = self._at(began_s)
        states = [entry["status"] for entry in entries]
        row = CourseRow(
            **at,
            course=course,
            capacity=seats["capacity"],
            taken=seats["taken"],
            free=seats.get("free"),
            enrolled=states.count("enrolled"),
            pending=states.count(PENDING),
        )
        told = {*asked.accepted, *asked.known}
        return row, [_enrollment(at, entry) for entry in entries if entry["id"] not in told]

    def _at(self, began_s: float) -> dict[str, Any]:
        return {"source": "api", "moment": "final", "began_s": began_s, "at_s": self._clock()}

    def _get(self, path: str) -> Any:
        """The JSON answer; None for 404."""
        problem = ""
        for attempt in range(ATTEMPTS):
            if attempt:
                time.sleep(FIRST_PAUSE_S * 2 ** (attempt - 1))
            try:
                answer = self._client.get(path)
            except httpx.HTTPError as error:
                problem = type(error).__name__
                continue
            if answer.status_code == HTTPStatus.NOT_FOUND:
                return None
            if answer.status_code == HTTPStatus.OK:
                return answer.json()
            problem = f"status {answer.status_code}"
        raise TrialError(f"GET {path.partition('?')[0]} failed {ATTEMPTS} times ({problem})")


def _enrollment(at: dict[str, Any], entry: dict[str, Any]) -> EnrollmentRow:
    return EnrollmentRow(
        **at,
        enrollment=entry["id"],
        student=entry.get("student_id"),
        course=entry.get("course_id"),
        state=entry["status"],
        reason=entry.get("reason"),
        decision=Decision.of(entry.get("decision")),
    )
