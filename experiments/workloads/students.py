"""WHAT is sent: the requests of the university's students, a method for each operation."""

from __future__ import annotations

from http import HTTPStatus
from typing import Any, Final

import gevent
from locust import FastHttpUser
from locust.env import Environment

from experiments.definition import Operation
from experiments.schedule import PAGE_SIZE
from experiments.workloads.arrival import Arrival
from experiments.workloads.delivery import OnceOnlyPool
from experiments.workloads.recorder import Recorder

RESPONSE_TIMEOUT_S: Final = 10.0
"""A student's patience, from sending to the last byte; well above what the gateway needs to try every replica."""
UNKNOWN_ENROLLMENT: Final = "00000000-0000-0000-0000-000000000000"
"""Looked up as long as no request was accepted in the trial; the right answer is 404."""


class Students(FastHttpUser):
    """All students behind one pool of connections; each request runs in a greenlet of its own.

    When they act is not their own choice, as it would be with a ``wait_time``: the dispatcher calls :meth:`act`.
    """

    max_redirects = 0

    def __init__(self, environment: Environment, recorder: Recorder, *, connections: int, run_id: str) -> None:
        self.host = environment.host
        self.client_pool = OnceOnlyPool(str(environment.host), connections)
        super().__init__(environment)
        # Every status is an answer for the recorder to judge, and nothing here sets a cookie.
        self.client.client.valid_response_codes = frozenset(range(1000))  # type: ignore[misc] # for this one agent, not its class
        self.client.client.cookiejar = None
        self._recorder = recorder
        self._run_id = run_id

    def act(self, arrival: Arrival) -> None:
        """Send the request of ``arrival`` and wait for its answer."""
        with gevent.Timeout(RESPONSE_TIMEOUT_S):
            match arrival.operation:
                case Operation.READ_COURSE:
                    self.read_course(arrival)
                case Operation.LIST_COURSES:
                    self.list_courses(arrival)
                case Operation.READ_STUDENT:
                    self.read_student(arrival)
                case Operation.ENROLL:
                    self.enroll(arrival)
                case Operation.READ_ENROLLMENT:
                    self.read_enrollment(arrival)

    def read_course(self, arrival: Arrival) -> None:
        """Look at one course."""
        self._send(arrival, "GET", f"/courses/{arrival.course_id}")

    def list_courses(self, arrival: Arrival) -> None:
        """Look at a page of the catalogue."""
        self._send(arrival, "GET", f"/courses?limit={PAGE_SIZE}&offset={arrival.offset}")

    def read_student(self, arrival: Arrival) -> None:
        """Look at one's own record."""
        self._send(arrival, "GET", f"/students/{arrival.student_id}")

    def enroll(self, arrival: Arrival) -> None:
        """Ask for a seat; the key lets the gateway deliver the request to a second replica without a second effect."""
        self._send(
            arrival,
            "POST",
            "/enroll",
            json={"student_id": arrival.student_id, "course_id": arrival.course_id},
            headers={"Idempotency-Key": f"{self._run_id}-{arrival.row}"},
        )

    def read_enrollment(self, arrival: Arrival) -> None:
        """Look at the outcome of an earlier request, or of the latest accepted one if that one was not accepted."""
        known = None if arrival.enrolled_by is None else self._recorder.enrollment_id(arrival.enrolled_by)
        foreseen = frozenset() if known else frozenset({int(HTTPStatus.NOT_FOUND)})
        self._send(arrival, "GET", f"/enroll/{known or UNKNOWN_ENROLLMENT}", foreseen=foreseen)

    def _send(self, arrival: Arrival, method: str, path: str, *, foreseen: frozenset[int] = frozenset(), **content: Any) -> None:
        self._recorder.sent(arrival.row)
        context = {"row": arrival.row, "foreseen": foreseen}
        self.client.request(method, path, name=arrival.operation.value, context=context, **content)
