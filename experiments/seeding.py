"""Creating an experiment's population through the system's own API, and the ids that it gave."""

from __future__ import annotations

import http.client
import json
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import FIRST_COMPLETED, ThreadPoolExecutor, wait
from dataclasses import asdict, dataclass
from http import HTTPStatus
from typing import Any, Final, TypeVar
from urllib.parse import quote, urlsplit

from experiments.errors import ExperimentError
from experiments.population import Course, Population, Student

CONNECTIONS: Final = 8
"""As many as one replica of a service has threads by default: more would only wait there."""
ANSWER_TIMEOUT_S: Final = 10.0
ATTEMPTS: Final = 6
FIRST_PAUSE_S: Final = 0.1
"""Doubles with each attempt: 3 s in all, longer than a replica is out of rotation after a failure."""
NOTE_PERIOD_S: Final = 2.0

Note = Callable[[str], None]


class SeedError(ExperimentError):
    """The system doesn't take the population."""


@dataclass(frozen=True)
class SeededPopulation:
    """The ids of the courses and students that the system holds, the most popular first."""

    course_ids: tuple[int, ...]
    student_ids: tuple[int, ...]


def seed(gateway_url: str, population: Population, *, note: Note) -> SeededPopulation:
    """Create the population, or find it where it was created before.

    Each row is sent with an X-Request-Id of its own, which the services recognize together with the body: what is sent a second time,
    because an answer was lost or the same population is seeded again, gives the row of the first time.

    Raises:
        SeedError: the gateway doesn't answer, refuses a row, or holds a course of the same code with other data.
    """
    note(f"seeding {len(population.courses)} courses and {len(population.students)} students")
    started_s = time.monotonic()
    course_ids = _create_all(gateway_url, population.courses, _create_course, "courses", note)
    student_ids = _create_all(gateway_url, population.students, _create_student, "students", note)
    note(f"seeded in {time.monotonic() - started_s:.1f} s")
    return SeededPopulation(course_ids=course_ids, student_ids=student_ids)


class _Api:
    """One connection to the gateway, for one thread."""

    def __init__(self, gateway_url: str) -> None:
        self._gateway_url = gateway_url
        address = urlsplit(gateway_url)
        self._connection = http.client.HTTPConnection(address.hostname or "", address.port, timeout=ANSWER_TIMEOUT_S)

    def call(self, method: str, path: str, body: Mapping[str, Any] | None = None, *, request_id: str | None = None) -> tuple[int, Any]:
        """Status and decoded body, after as many attempts as a replica's failover needs."""
        headers = {"Content-Type": "application/json"} | ({"X-Request-Id": request_id} if request_id else {})
        payload = None if body is None else json.dumps(body).encode()
        failure = ""
        for attempt in range(ATTEMPTS):
            if attempt:
                time.sleep(FIRST_PAUSE_S * 2 ** (attempt - 1))
            try:
                self._connection.request(method, path, payload, headers)
                response = self._connection.getresponse()
                content = response.read()
                if response.status < HTTPStatus.INTERNAL_SERVER_ERROR:
                    return response.status, json.loads(content)
                failure = f"{response.status} {response.reason}"
            except (OSError, http.client.HTTPException, ValueError) as error:
                self._connection.close()
                failure = str(error) or type(error).__name__
        raise SeedError(f"{method} {self._gateway_url}{path}: {failure}; `python -m infra status` shows what is wrong")

    def close(self) -> None:
        self._connection.close()


Row = TypeVar("Row", Course, Student)


def _create_all(gateway_url: str, rows: Sequence[Row], create: Callable[[_Api, int, Row], int], what: str, note: Note) -> tuple[int, ...]:
    """The ids of ``rows``, created over several connections at once."""
    ids = [0] * len(rows)
    stop = threading.Event()

    def work(first: int) -> None:
        api = _Api(gateway_url)
        try:
            for number in range(first, len(rows), CONNECTIONS):
                if stop.is_set():
                    return
                ids[number] = create(api, number, rows[number])
        finally:
            api.close()

    with ThreadPoolExecutor(CONNECTIONS) as executor:
        pending = {executor.submit(work, first) for first in range(CONNECTIONS)}
        try:
            while pending:
                finished, pending = wait(pending, timeout=NOTE_PERIOD_S, return_when=FIRST_COMPLETED)
                for future in finished:
                    future.result()
                if not finished:
                    note(f"seeded {sum(map(bool, ids))} of {len(rows)} {what}")
        finally:
            stop.set()
    return tuple(ids)


def _create_course(api: _Api, number: int, course: Course) -> int:
    body = asdict(course)
    status, answer = api.call("POST", "/courses", body, request_id=f"seed-course-{number}")
    if status == HTTPStatus.CONFLICT:
        return _existing_course(api, course)
    return _id(status, answer, f"course {course.code}")


def _existing_course(api: _Api, course: Course) -> int:
    """The id of a course that is there already and is just as wanted."""
    status, found = api.call("GET", f"/courses?code={quote(course.code)}")
    for row in found if status == HTTPStatus.OK else ():
        if (row["name"], row["capacity"], tuple(row["prerequisites"])) == (course.name, course.capacity, course.prerequisites):
            return int(row["id"])
    raise SeedError(
        f"course {course.code} is there already with other data than this experiment's; "
        f"start from nothing with `python -m infra down --volumes`"
    )


def _create_student(api: _Api, number: int, student: Student) -> int:
    status, answer = api.call("POST", "/students", asdict(student), request_id=f"seed-student-{number}")
    return _id(status, answer, f"student {number} ({student.name})")


def _id(status: int, answer: Any, what: str) -> int:
    if status != HTTPStatus.CREATED:
        raise SeedError(f"{what} was refused with {status}: {json.dumps(answer)}")
    return int(answer["id"])
