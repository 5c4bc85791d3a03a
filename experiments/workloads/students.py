"""WHAT is sent: the requests of the university's students and operators, a method for each operation."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from http import HTTPStatus
from typing import Any, Final

import gevent
from gevent.event import Event
from locust import FastHttpUser
from locust.env import Environment

from experiments.definition import Operation
from experiments.read_paths import read_path
from experiments.workloads.answers import Ending
from experiments.workloads.arrival import Arrival
from experiments.workloads.delivery import OnceOnlyPool
from experiments.workloads.recorder import Recorder, Request

RESPONSE_TIMEOUT_S: Final = 10.0
"""A student's patience, from sending to the last byte; well above what the gateway needs to try every replica."""
FIRST_RESEND_PAUSE_S: Final = 0.5
"""Before an enrolment is sent again; doubled each time."""
UNKNOWN_ENROLLMENT: Final = "00000000-0000-0000-0000-000000000000"
"""Looked up or dropped as long as the request that is meant was not accepted; the right answer is 404."""
NOT_FOUND: Final = frozenset({int(HTTPStatus.NOT_FOUND)})
DIGEST_LENGTH: Final = 16
"""Hexadecimal digits of a body's digest, enough to tell bodies apart."""


def longest_s(resends: int) -> float:
    """The longest that an arrival may take with all that follows from it, s: an enrolment whose key is then used twice again."""
    return (resends + 1 + 2) * RESPONSE_TIMEOUT_S + FIRST_RESEND_PAUSE_S * float(2**resends - 1)


class Students(FastHttpUser):
    """All students and operators behind one pool of connections; each request runs in a greenlet of its own.

    When they act is not their own choice, as it would be with a ``wait_time``: the dispatcher calls :meth:`act`.
    """

    max_redirects = 0

    def __init__(self, environment: Environment, recorder: Recorder, *, connections: int, run_id: str, resends: int) -> None:
        self.host = environment.host
        self.client_pool = OnceOnlyPool(str(environment.host), connections, self._leave)
        super().__init__(environment)
        # Every status is an answer for the recorder to judge, and nothing here sets a cookie.
        self.client.client.valid_response_codes = frozenset(range(1000))  # type: ignore[misc] # for this one agent, not its class
        self.client.client.cookiejar = None
        self._recorder = recorder
        self._run_id = run_id
        self._resends = resends
        self._under_way: dict[gevent.Greenlet, Request] = {}
        self._departures: dict[gevent.Greenlet, Event] = {}
        self._acts: dict[Operation, Callable[[Arrival], object]] = {
            Operation.READ_COURSE: self.read_course,
            Operation.LIST_COURSES: self.list_courses,
            Operation.READ_STUDENT: self.read_student,
            Operation.ENROLL: self.enroll,
            Operation.READ_ENROLLMENT: self.read_enrollment,
            Operation.DROP: self.drop,
            Operation.READ_SEATS: self.read_seats,
            Operation.UPDATE_CAPACITY: self.update_capacity,
            Operation.UPDATE_STUDENT: self.update_student,
            Operation.REUSE_KEY: self.reuse_key,
        }

    def act(self, arrival: Arrival, departure: Event) -> None:
        """Make the request of ``arrival``, send it at its ``departure``, wait for its answer, and do what follows from it."""
        self._departures[gevent.getcurrent()] = departure
        try:
            self._acts[arrival.operation](arrival)
        finally:
            self._departures.pop(gevent.getcurrent(), None)

    def read_course(self, arrival: Arrival, *, is_scheduled: bool = True) -> None:
        """Look at one course."""
        course = arrival.course_id
        path = read_path(Operation.READ_COURSE, course)
        self._send(arrival, Operation.READ_COURSE, "GET", path, {"course": course}, is_scheduled=is_scheduled)

    def list_courses(self, arrival: Arrival) -> None:
        """Look at a page of the catalogue."""
        self._send(arrival, Operation.LIST_COURSES, "GET", read_path(Operation.LIST_COURSES, arrival.offset), {})

    def read_student(self, arrival: Arrival, *, is_scheduled: bool = True) -> None:
        """Look at one's own record."""
        student = arrival.student_id
        path = read_path(Operation.READ_STUDENT, student)
        self._send(arrival, Operation.READ_STUDENT, "GET", path, {"student": student}, is_scheduled=is_scheduled)

    def enroll(self, arrival: Arrival) -> Ending | None:
        """Ask for a seat, and again with the same key while nobody says what became of that; how it ended.

        The key also lets the gateway deliver the request to a second replica without a second effect.
        """
        ended: Ending | None = None
        for sending in range(self._resends + 1):
            if sending:
                gevent.sleep(FIRST_RESEND_PAUSE_S * 2 ** (sending - 1))
            ended = self._ask(arrival, Operation.ENROLL, arrival.course_id, is_scheduled=sending == 0)
            if ended != "unknown":
                break
        return ended

    def reuse_key(self, arrival: Arrival) -> None:
        """Ask for a seat, and, once that is accepted, use its key for the next course by mistake; then send the request itself again."""
        if self.enroll(arrival) == "ok":
            self._ask(arrival, Operation.REUSE_KEY, (arrival.course_id or 0) + 1, is_scheduled=False)
            self._ask(arrival, Operation.ENROLL, arrival.course_id, is_scheduled=False)

    def _ask(self, arrival: Arrival, operation: Operation, course_id: int | None, *, is_scheduled: bool) -> Ending | None:
        """Ask for a seat in a course with the arrival's key."""
        body = json.dumps({"student_id": arrival.student_id, "course_id": course_id})
        key = f"{self._run_id}-{arrival.row}"
        asked = {
            "student": arrival.student_id,
            "course": course_id,
            "key": key,
            "digest": hashlib.sha256(body.encode()).hexdigest()[:DIGEST_LENGTH],
        }
        headers = {"Content-Type": "application/json", "Idempotency-Key": key}
        return self._send(arrival, operation, "POST", "/enroll", asked, is_scheduled=is_scheduled, data=body.encode(), headers=headers)

    def read_enrollment(self, arrival: Arrival) -> None:
        """Look at the outcome of an earlier request, or of the latest accepted one if that one was not accepted."""
        known = None if arrival.enrolled_by is None else self._recorder.enrollment_id(arrival.enrolled_by)
        self._about(arrival, Operation.READ_ENROLLMENT, "GET", known)

    def drop(self, arrival: Arrival) -> None:
        """Give up one's own seat, or the wish for it."""
        known = None if arrival.enrolled_by is None else self._recorder.own_enrollment_id(arrival.enrolled_by)
        self._about(arrival, Operation.DROP, "DELETE", known)

    def read_seats(self, arrival: Arrival) -> None:
        """Look how many seats are free."""
        self._send(arrival, Operation.READ_SEATS, "GET", f"/courses/{arrival.course_id}/seats", {"course": arrival.course_id})

    def update_capacity(self, arrival: Arrival) -> None:
        """Give a course more or fewer seats, and look at the course, which must be as it was just made."""
        asked = {"course": arrival.course_id, "capacity": arrival.capacity}
        path, body = f"/courses/{arrival.course_id}", {"capacity": arrival.capacity}
        if self._send(arrival, Operation.UPDATE_CAPACITY, "PATCH", path, asked, json=body) == "ok":
            self.read_course(arrival, is_scheduled=False)

    def update_student(self, arrival: Arrival) -> None:
        """Change a student's name, and look at the record, which must be as it was just made."""
        path, body = f"/students/{arrival.student_id}", {"name": f"Student {arrival.row}"}
        if self._send(arrival, Operation.UPDATE_STUDENT, "PATCH", path, {"student": arrival.student_id}, json=body) == "ok":
            self.read_student(arrival, is_scheduled=False)

    def _about(self, arrival: Arrival, operation: Operation, method: str, known: str | None) -> None:
        enrollment = known or UNKNOWN_ENROLLMENT
        foreseen = frozenset() if known else NOT_FOUND
        self._send(arrival, operation, method, f"/enroll/{enrollment}", {"enrollment": enrollment}, foreseen=foreseen)

    def _send(
        self,
        arrival: Arrival,
        operation: Operation,
        method: str,
        path: str,
        asked: dict[str, Any],
        *,
        is_scheduled: bool = True,
        foreseen: frozenset[int] = frozenset(),
        **content: Any,
    ) -> Ending | None:
        request = self._recorder.made(arrival.row, operation, asked, is_scheduled=is_scheduled, foreseen=foreseen)
        context = {"request": request}
        self._under_way[gevent.getcurrent()] = request
        try:
            with gevent.Timeout(RESPONSE_TIMEOUT_S):
                self.client.request(method, path, name=operation.value, context=context, **content)
        except gevent.Timeout as timeout:  # it struck where the library doesn't wait for the answer
            self._recorder.answered(context=context, response=None, exception=timeout)
        finally:
            del self._under_way[gevent.getcurrent()]
        return request.ending

    def _leave(self) -> None:
        """The request of this greenlet is made: the first one, which is the scheduled one, leaves when it is due, and others at once."""
        me = gevent.getcurrent()
        if departure := self._departures.pop(me, None):
            departure.wait()
        self._recorder.leaves(self._under_way[me])
