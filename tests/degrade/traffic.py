"""Requests that go on beside what a test does, and a record of each answer."""

from __future__ import annotations

import contextlib
import http.client
import json
import threading
import time
from collections.abc import Callable, Collection, Container, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

PAUSE_S = 0.005
TIMEOUT_S = 20.0


@dataclass(frozen=True)
class Answer:
    """What came back, and when."""

    request: str
    """Method and path."""
    began_s: float
    ended_s: float
    status: int
    """0 where the connection failed."""
    headers: Mapping[str, str]
    """Names in lower case."""
    body: bytes

    @property
    def time_ms(self) -> float:
        """How long it took."""
        return (self.ended_s - self.began_s) * 1000

    @property
    def problem(self) -> str:
        """The kind of error that the problem details name; empty where it is none."""
        is_problem = self.headers.get("content-type") == "application/problem+json"
        return str(json.loads(self.body)["type"]).removeprefix("urn:spire:problem:") if is_problem else ""

    def json(self) -> dict[str, Any]:
        """The decoded body, an object."""
        return dict(json.loads(self.body))


class Recorder:
    """Sends requests over one kept connection and keeps the answers; costs little of the processors that the servers need, too."""

    def __init__(self, url: str) -> None:
        self.answers: list[Answer] = []
        address = urlsplit(url)
        self._connection = http.client.HTTPConnection(address.hostname or "", address.port, timeout=TIMEOUT_S)

    def send(self, method: str, path: str, body: object = None, headers: Mapping[str, str] | None = None) -> Answer:
        """One request; a connection that fails is an answer too, and the next request opens another."""
        request = f"{method} {path}"
        content = None if body is None else json.dumps(body)
        began_s = time.monotonic()
        try:
            self._connection.request(method, path, content, {"Content-Type": "application/json", **(headers or {})})
            response = self._connection.getresponse()
            found = {name.lower(): value for name, value in response.getheaders()}
            answer = Answer(request, began_s, time.monotonic(), response.status, found, response.read())
        except (OSError, http.client.HTTPException) as error:
            self._connection.close()
            answer = Answer(request, began_s, time.monotonic(), 0, {}, repr(error).encode())
        self.answers.append(answer)
        return answer

    def close(self) -> None:
        """Close the connection."""
        self._connection.close()


@contextlib.contextmanager
def going_on(*steps: Callable[[], object], pause_s: float = PAUSE_S) -> Iterator[None]:
    """Each step is repeated in a thread of its own, with a pause after each time."""
    stop = threading.Event()

    def repeat(step: Callable[[], object]) -> None:
        while not stop.is_set():
            step()
            stop.wait(pause_s)

    threads = [threading.Thread(target=repeat, args=(step,)) for step in steps]
    for thread in threads:
        thread.start()
    try:
        yield
    finally:
        stop.set()
        for thread in threads:
            thread.join()


@contextlib.contextmanager
def recorders(*urls: str) -> Iterator[list[Recorder]]:
    """A recorder for each server."""
    made = [Recorder(url) for url in urls]
    try:
        yield made
    finally:
        for recorder in made:
            recorder.close()


def between(answers: Iterable[Answer], began_s: float, ended_s: float) -> list[Answer]:
    """Those whose request began in that time."""
    return [answer for answer in answers if began_s <= answer.began_s < ended_s]


def other_than(statuses: Container[int], answers: Collection[Answer]) -> list[str]:
    """Those with another status, each in words: what a failed assertion has to tell; that there is none at all is told too."""
    if not answers:
        return ["no answer at all"]
    return [
        f"{answer.request}: {answer.status} {answer.problem} after {answer.time_ms:.0f} ms, from {answer.headers.get('x-replica')}"
        for answer in answers
        if answer.status not in statuses
    ]
