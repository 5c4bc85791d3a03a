"""What happens around every request: its id, the replica's name, the limit of its body, and its metrics."""

from __future__ import annotations

import random
import re
import time

from starlette.datastructures import Headers, MutableHeaders
from starlette.requests import Request
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from app.kit.errors import TooLargeError
from app.kit.logging import request_id
from app.kit.metrics import Metrics
from app.kit.problems import internal, problem_response

MAX_PUBLIC_BODY_BYTES = 64 * 1024
MAX_INTERNAL_BODY_BYTES = 1024 * 1024
"""Batches between services; NGINX reads no more by default either."""
CURL_DEFAULT_TYPE = b"application/x-www-form-urlencoded"
INTERNAL_PATH = "/internal/"
_USABLE_REQUEST_ID = re.compile(r"[A-Za-z0-9._:-]{1,200}")


def usable_request_id(given: str) -> str | None:
    """The id if it is short and harmless to log."""
    return given if _USABLE_REQUEST_ID.fullmatch(given) else None


def new_request_id() -> str:
    """An id for a request that came without one; no secret, so it needs no system call."""
    return f"{random.getrandbits(128):032x}"


async def delivered_request_id(request: Request) -> str | None:
    """The X-Request-Id that came with the request; the gateway sends the same one when it delivers a request a second time."""
    return usable_request_id(request.headers.get("x-request-id", ""))


class RequestFrame:
    """Pure ASGI middleware, outermost."""

    def __init__(self, app: ASGIApp, *, replica: str, metrics: Metrics) -> None:
        self._app = app
        self._replica = replica
        self._metrics = metrics

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handle one request."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        started_s = time.perf_counter()
        request = Request(_read_as_json(scope))
        current = await delivered_request_id(request) or new_request_id()
        request_id.set(current)
        body = _BoundedBody(receive, MAX_INTERNAL_BODY_BYTES if request.url.path.startswith(INTERNAL_PATH) else MAX_PUBLIC_BODY_BYTES)
        status: int | None = None

        async def send_framed(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                headers = MutableHeaders(scope=message)
                headers["X-Replica"] = self._replica
                headers["X-Request-Id"] = current
            await send(message)

        try:
            if body.announced_too_large(request.headers):
                await problem_response(body.error())(scope, receive, send_framed)
            else:
                await self._app(scope, body.receive, send_framed)
        except Exception as error:  # the outermost frame: no other place could still answer
            if status is not None:
                raise
            await problem_response(internal(request.method, request.url.path, error))(scope, receive, send_framed)
        finally:
            route = getattr(scope.get("route"), "path", "none")
            self._metrics.request_answered(request.method, route, status or 0, time.perf_counter() - started_s)


def _read_as_json(scope: Scope) -> Scope:
    """Take ``curl -d``'s default content type for JSON: no endpoint reads forms, and people leave the header out."""
    scope["headers"] = [
        (name, b"application/json" if name == b"content-type" and value == CURL_DEFAULT_TYPE else value) for name, value in scope["headers"]
    ]
    return scope


class _BoundedBody:
    def __init__(self, receive: Receive, limit_bytes: int) -> None:
        self._receive = receive
        self._limit_bytes = limit_bytes
        self._received_bytes = 0

    def announced_too_large(self, headers: Headers) -> bool:
        announced = headers.get("content-length", "0")
        return announced.isdecimal() and int(announced) > self._limit_bytes

    def error(self) -> TooLargeError:
        return TooLargeError(f"a body may have at most {self._limit_bytes} bytes")

    async def receive(self) -> Message:
        message = await self._receive()
        self._received_bytes += len(message.get("body", b""))
        if self._received_bytes > self._limit_bytes:
            raise self.error()
        return message
