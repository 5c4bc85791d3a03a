"""The thin layer in front of FastAPI that answers the plain cases of hot paths itself.

Routing, dependencies, validation and responses of the framework cost a request about a millisecond of processor time, more than all
the rest of a cached read. A fast path recognises the plain case of one route (a decimal id, the usual headers) and calls the same use
case as the framework's endpoint does; whatever is unusual about a request makes it fall through to that endpoint, which then answers
or explains. The contract tests run against both ways.
"""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from starlette.types import Message, Receive, Scope, Send

from app.kit.errors import MEDIA_TYPE, ProblemError
from app.kit.logging import request_id
from app.kit.metrics import Metrics
from app.kit.middleware import CURL_DEFAULT_TYPE, MAX_PUBLIC_BODY_BYTES, new_request_id, usable_request_id
from app.kit.problems import internal

JSON = b"application/json"


class Reply(NamedTuple):
    """An answer; what every answer carries is added to it."""

    status: int
    body: bytes
    headers: tuple[tuple[bytes, bytes], ...] = ()
    media_type: bytes = JSON


class FastRequest:
    """What a fast path may look at."""

    __slots__ = ("_consumed", "_headers", "_receive", "path", "query")

    def __init__(self, scope: Scope, receive: Receive) -> None:
        self.path: str = scope["path"]
        self.query: bytes = scope["query_string"]
        self._headers: Sequence[tuple[bytes, bytes]] = scope["headers"]
        self._receive = receive
        self._consumed: list[Message] = []

    def header(self, name: bytes) -> bytes | None:
        """The value of the header, its name in lower case; None where there is none."""
        for key, value in self._headers:
            if key == name:
                return value
        return None

    @property
    def request_id(self) -> str | None:
        """The X-Request-Id that came with it, where it is usable."""
        given = self.header(b"x-request-id")
        return None if given is None else usable_request_id(given.decode("latin-1"))

    async def body(self, limit_bytes: int = MAX_PUBLIC_BODY_BYTES) -> bytes | None:
        """The body; None where it is not announced as JSON of an acceptable length."""
        if self.header(b"content-type") not in {JSON, CURL_DEFAULT_TYPE}:
            return None
        length = self.header(b"content-length")
        if length is None or not length.isdigit() or int(length) > limit_bytes:
            return None
        parts = []
        while True:
            message = await self._receive()
            self._consumed.append(message)
            if message["type"] != "http.request":
                return None
            parts.append(message.get("body", b""))
            if not message.get("more_body", False):
                return b"".join(parts)

    def replay(self) -> Receive:
        """For the framework: what was read here comes again first."""
        if not self._consumed:
            return self._receive
        consumed = iter(self._consumed)

        async def receive() -> Message:
            message = next(consumed, None)
            return await self._receive() if message is None else message

        return receive


@dataclass(frozen=True, slots=True)
class FastPath:
    """The plain case of one route."""

    method: str
    path: str
    """The whole path, or its beginning where it ends with a slash."""
    route: str
    """The template that metrics know the route by, as the framework's endpoint has it."""
    handle: Callable[[FastRequest], Awaitable[Reply | None]]
    """None: not the plain case."""


class FastLayer:
    """Finds and runs fast paths."""

    def __init__(self, paths: Sequence[FastPath], *, replica: str, metrics: Metrics) -> None:
        self._exact = {(path.method, path.path): path for path in paths if not path.path.endswith("/")}
        self._prefixes = {(path.method, path.path): path for path in paths if path.path.endswith("/")}
        self._replica = (b"x-replica", replica.encode())
        self._metrics = metrics

    def find(self, scope: Scope) -> FastPath | None:
        """The fast path that this request may be for."""
        method, path = scope["method"], scope["path"]
        found = self._exact.get((method, path))
        if found is None:
            found = self._prefixes.get((method, path[: path.rfind("/") + 1]))
        return found

    async def answer(self, path: FastPath, scope: Scope, receive: Receive, send: Send) -> Receive | None:
        """Answer the request; or give what the framework has to read it from, where it is not the plain case."""
        started_s = time.perf_counter()
        request = FastRequest(scope, receive)
        current = request.request_id or new_request_id()
        request_id.set(current)
        try:
            reply = await path.handle(request)
        except ProblemError as error:
            reply = _problem(error)
        except Exception as error:  # noqa: BLE001 -- the outermost frame: no other place could still answer
            reply = _problem(internal(path.method, request.path, error))
        if reply is None:
            return request.replay()
        headers = [
            (b"content-type", reply.media_type),
            (b"content-length", str(len(reply.body)).encode()),
            self._replica,
            (b"x-request-id", current.encode()),
            *reply.headers,
        ]
        await send({"type": "http.response.start", "status": reply.status, "headers": headers})
        await send({"type": "http.response.body", "body": reply.body})
        self._metrics.request_answered(path.method, path.route, reply.status, time.perf_counter() - started_s)
        return None


def _problem(error: ProblemError) -> Reply:
    headers = tuple((name.lower().encode(), value.encode()) for name, value in error.headers().items())
    return Reply(error.status.value, error.problem().model_dump_json(exclude_none=True).encode(), headers, MEDIA_TYPE.encode())
