"""The system's API as the race's clients use it: whatever is sent is logged with its answer."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Sequence
from typing import Any
from urllib.parse import urlsplit

from tests.race.connection import Answer, Connection, NoAnswerError
from tests.race.history import Asked, Dropped, Enrollment, Log, Read, SeatsRead, Sighting, Span, Written

CONNECTIONS = 64
TIMEOUT_S = 15.0
"""Longer than the gateway takes to try every replica."""
PAUSE_S = 0.2
"""Before a request that got no answer is sent again."""
ATTEMPTS = 100
PAGE = 500
SERVER_ERRORS = 500
"""Statuses from here on say nothing of what became of a request."""


class UnansweredError(AssertionError):
    """A request got no answer however often it was sent."""


class Api:
    """One pool of connections to the gateway, for every client."""

    def __init__(self, gateway_url: str, log: Log) -> None:
        address = urlsplit(gateway_url)
        self._connections = [Connection(address.hostname or "", address.port or 80, TIMEOUT_S) for _ in range(CONNECTIONS)]
        self._idle: asyncio.LifoQueue[Connection] = asyncio.LifoQueue()
        for connection in self._connections:
            self._idle.put_nowait(connection)
        self._log = log

    async def ask(self, student_id: int, course_id: int, key: str | None = None) -> Asked:
        """POST /enroll, sent again with its key, or without one, until it is answered; gives the last attempt."""
        headers = {} if key is None else {"Idempotency-Key": key}
        for _ in range(ATTEMPTS):
            span, answer = await self._send("POST", "/enroll", {"student_id": student_id, "course_id": course_id}, headers)
            accepted_id = answer.json()["id"] if answer is not None and answer.status == 202 else None
            asked = Asked(span, student_id, course_id, key, _status(answer), accepted_id)
            self._log.asked.append(asked)
            if answer is not None:
                return asked
            await asyncio.sleep(PAUSE_S)
        raise UnansweredError("POST /enroll")

    async def drop(self, enrollment_id: str) -> None:
        """DELETE an enrolment, until it is answered."""
        for _ in range(ATTEMPTS):
            span, answer = await self._send("DELETE", f"/enroll/{enrollment_id}")
            self._log.drops.append(Dropped(span, enrollment_id, _status(answer)))
            if answer is not None:
                return
            await asyncio.sleep(PAUSE_S)
        raise UnansweredError("DELETE /enroll")

    async def write(self, method: str, path: str, body: dict[str, Any] | None = None) -> Written:
        """POST, PATCH or DELETE a course or a student, until it is answered."""
        first_sent_s = time.monotonic()
        for _ in range(ATTEMPTS):
            span, answer = await self._send(method, path, body)
            if answer is not None:
                after = answer.json() if answer.status in {200, 201} else None
                written = Written(Span(first_sent_s, span.answered_s), method, answer.headers.get("location", path), answer.status, after)
                self._log.writes.append(written)
                return written
            await asyncio.sleep(PAUSE_S)
        raise UnansweredError(f"{method} {path}")

    async def read(self, path: str) -> None:
        """GET a course or a student; a read that fails says nothing."""
        span, answer = await self._send("GET", path)
        if answer is not None:
            self._log.reads.append(Read(span, path, answer.json() if answer.status == 200 else None))

    async def read_courses_of_code(self, code: str) -> None:
        """GET the page of courses that have the code: one, or none once it is deleted."""
        span, answer = await self._send("GET", f"/courses?code={code}")
        if answer is not None:
            self._log.reads += [Read(span, f"/courses/{body['id']}", body) for body in answer.json()]

    async def seats(self, course_id: int) -> SeatsRead | None:
        """GET the seats of a course; None where there is none."""
        span, answer = await self._answered(f"/courses/{course_id}/seats")
        if answer.status == 404:
            return None
        found = SeatsRead(span, **answer.json())
        self._log.seats.append(found)
        return found

    async def see(self, enrollment_id: str) -> Enrollment | None:
        """GET a request for enrolment; None where there is none."""
        span, answer = await self._answered(f"/enroll/{enrollment_id}")
        return self._seen(span, answer.json()) if answer.status == 200 else None

    async def see_history(self, of: str) -> Sequence[Enrollment]:
        """GET all requests of a student or for a course, page after page."""
        found: list[Enrollment] = []
        while True:
            span, answer = await self._answered(f"/enroll/{of}?limit={PAGE}&offset={len(found)}")
            page = [self._seen(span, body) for body in answer.json()]
            found += page
            if len(page) < PAGE:
                return found

    def close(self) -> None:
        """Close the connections."""
        for connection in self._connections:
            connection.close()

    def _seen(self, span: Span, body: dict[str, Any]) -> Enrollment:
        entry = Enrollment.of(body)
        self._log.sightings.append(Sighting(span, entry))
        return entry

    async def _answered(self, path: str) -> tuple[Span, Answer]:
        for _ in range(ATTEMPTS):
            span, answer = await self._send("GET", path)
            if answer is not None:
                return span, answer
            await asyncio.sleep(PAUSE_S)
        raise UnansweredError(f"GET {path}")

    async def _send(
        self, method: str, path: str, body: dict[str, Any] | None = None, headers: dict[str, str] | None = None
    ) -> tuple[Span, Answer | None]:
        """The answer; None where none came, or one that says that the system could not answer."""
        connection = await self._idle.get()
        sent_s = time.monotonic()
        try:
            answer: Answer | None = await connection.request(method, path, body, headers or {})
        except NoAnswerError:
            answer = None
        finally:
            self._idle.put_nowait(connection)
        span = Span(sent_s, time.monotonic())
        if answer is not None and answer.status >= SERVER_ERRORS:
            self._log.server_errors.append(answer.status)
            answer = None
        return span, answer


def _status(answer: Answer | None) -> int | None:
    return None if answer is None else answer.status
