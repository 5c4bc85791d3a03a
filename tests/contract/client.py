"""What a client of the system does, in few words; every course and student of a test is its own."""

from __future__ import annotations

import time
import uuid
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import Any, TypeVar

import httpx
import pika  # type: ignore[import-untyped]  # it ships annotations without the py.typed marker

T = TypeVar("T")

PATIENCE_S = 30.0
"""Until a test gives up on what must happen soon; no test measures time."""
POLL_S = 0.02


class Client:
    """Talks to the gateway."""

    def __init__(self, base_url: str) -> None:
        self.http = httpx.Client(base_url=base_url, timeout=10, trust_env=False)

    def course(self, *, capacity: int = 10, prerequisites: Sequence[str] = ()) -> dict[str, Any]:
        """A new course."""
        body = {"name": "Web Systems", "code": unique_code(), "capacity": capacity, "prerequisites": list(prerequisites)}
        return self.made("/courses", body)

    def student(self, *completed: str) -> dict[str, Any]:
        """A new student."""
        return self.made("/students", {"name": "John Doe", "completed_courses": list(completed)})

    def made(self, path: str, body: dict[str, Any]) -> dict[str, Any]:
        """What a POST of that body makes."""
        response = self.http.post(path, json=body)
        assert response.status_code == 201, response.text
        return json_object(response)

    def enroll(self, student_id: int, course_id: int, headers: dict[str, str] | None = None) -> httpx.Response:
        """The answer to a request for enrolment."""
        return self.http.post("/enroll", json={"student_id": student_id, "course_id": course_id}, headers=headers)

    def outcome(self, enrollment_id: str) -> dict[str, Any]:
        """The request once it is decided."""
        return eventually(lambda: self.enrollment(enrollment_id), lambda found: found["status"] != "pending")

    def enrolled(self, student_id: int, course_id: int) -> dict[str, Any]:
        """The outcome of a new request."""
        response = self.enroll(student_id, course_id)
        assert response.status_code == 202, response.text
        return self.outcome(response.json()["id"])

    def enrollment(self, enrollment_id: str) -> dict[str, Any]:
        """The request as it is now."""
        return json_object(self.http.get(f"/enroll/{enrollment_id}"))

    def seats(self, course_id: int) -> dict[str, Any]:
        """The seats of a course now."""
        return json_object(self.http.get(f"/courses/{course_id}/seats"))

    def close(self) -> None:
        """Close the connections."""
        self.http.close()


class Broker:
    """Puts messages of its own into the queues."""

    def __init__(self, url: str) -> None:
        self._connection: Any = pika.BlockingConnection(pika.URLParameters(url))
        self._channel: Any = self._connection.channel()
        self._channel.confirm_delivery()

    def publish(self, queue: str, *bodies: str) -> None:
        """Add messages to the queue, which must exist."""
        for body in bodies:
            self._channel.basic_publish("", queue, body.encode(), mandatory=True)

    def drained(self, *queues: str) -> None:
        """Return when no message waits in the queues."""
        for queue in queues:
            eventually(partial(self._waiting, queue), lambda waiting: waiting == 0)

    def _waiting(self, queue: str) -> int:
        return int(self._channel.queue_declare(queue, passive=True).method.message_count)

    def close(self) -> None:
        """Close the connection."""
        self._connection.close()


def unique_code() -> str:
    """A course code that no other test uses."""
    return f"T{uuid.uuid4().hex[:12].upper()}"


def json_object(response: httpx.Response) -> dict[str, Any]:
    """The JSON object of a successful answer."""
    assert response.is_success, response.text
    body = response.json()
    assert isinstance(body, dict)
    return body


def eventually(read: Callable[[], T], holds: Callable[[T], bool], patience_s: float = PATIENCE_S) -> T:
    """What ``read`` gives as soon as it ``holds``."""
    deadline_s = time.monotonic() + patience_s
    while not holds(value := read()):
        assert time.monotonic() < deadline_s, f"still {value!r}"
        time.sleep(POLL_S)
    return value


def at_once(calls: Sequence[Callable[[], T]]) -> list[T]:
    """The results of calls that are made at the same time."""
    with ThreadPoolExecutor(max_workers=len(calls)) as pool:
        return [future.result() for future in [pool.submit(call) for call in calls]]


def problem(response: httpx.Response, status: int, name: str) -> dict[str, Any]:
    """The problem details of an answer, checked against RFC 9457 and the expected kind."""
    assert response.status_code == status, response.text
    assert response.headers["content-type"] == "application/problem+json"
    body = response.json()
    assert body["type"] == f"urn:spire:problem:{name}"
    assert body["status"] == status
    assert body["title"]
    assert body["detail"]
    assert isinstance(body, dict)
    return body
