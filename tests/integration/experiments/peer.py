"""A peer for the load generator: answers like the system's gateway, and stands still when told to."""

from __future__ import annotations

import json
import socket
import sys
import time
import uuid
from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any

import uvicorn

STALL_S = 2.0

Message = MutableMapping[str, Any]


class Peer:
    """An ASGI application that takes only requests of the contract's form; what isn't gets 400."""

    def __init__(self) -> None:
        self._enrollments: set[str] = set()
        self._keys: dict[str, tuple[str, bytes]] = {}
        """The enrolment of each Idempotency-Key, and the body that it came with."""
        self._reused: set[str] = set()
        """Keys that also came with another body, and so may come with their own again."""
        self._loses = False
        """The first answer to each request for enrolment is lost, after it took effect."""
        self._clients: set[tuple[str, int]] = set()

    async def __call__(self, scope: Message, receive: Callable[[], Awaitable[Message]], send: Callable[[Message], Awaitable[None]]) -> None:
        """Answer one request."""
        if scope["type"] != "http":
            return
        body = (await receive()).get("body", b"")
        headers = {name.decode(): value.decode() for name, value in scope["headers"]}
        status, answer = self._answer(f"{scope['method']} {scope['path']}", scope["query_string"].decode(), headers, body)
        if not scope["path"].startswith("/peer/"):
            self._clients.add(tuple(scope["client"]))
        told = [(b"content-type", b"application/json"), (b"x-replica", b"courses-1"), (b"x-cache", b"miss")]
        await send({"type": "http.response.start", "status": status, "headers": told})
        await send({"type": "http.response.body", "body": json.dumps(answer).encode()})

    def _answer(self, request: str, query: str, headers: dict[str, str], body: bytes) -> tuple[int, Any]:
        method, path = request.split(" ")
        status = 200
        answer: Any = None
        match method, *path.strip("/").split("/"):
            case "GET", "peer", "stall":
                started_s = time.monotonic()
                # The whole event loop is to stand still.
                time.sleep(STALL_S)
                answer = {"started_s": started_s, "ended_s": time.monotonic()}
            case "GET", "peer", "clients":
                answer = len(self._clients)
            case "GET", "peer", "lose":
                self._loses = True
            case "GET", "courses" if query.startswith("limit=20&offset="):
                answer = []
            case "GET", ("courses" | "students"), identity if identity.isdecimal():
                answer = {"id": int(identity), "version": 1}
            case "GET", "courses", identity, "seats" if identity.isdecimal():
                answer = {"course_id": int(identity), "capacity": 3, "taken": 1, "free": 2}
            case "PATCH", ("courses" | "students"), identity if identity.isdecimal():
                change = "capacity" if path.startswith("/courses") else "name"
                status = 200 if set(json.loads(body)) == {change} else 400
                answer = {"id": int(identity), "version": 1}
            case "POST", "enroll":
                status, answer = self._enroll(headers, body)
            case (("GET" | "DELETE"), "enroll", identity):
                status = 200 if identity in self._enrollments else 404
                answer = {"status": "dropped" if method == "DELETE" else "enrolled"}
            case _:
                status = 400
        return status, answer

    def _enroll(self, headers: dict[str, str], body: bytes) -> tuple[int, Any]:
        wanted = json.loads(body)
        key = headers["idempotency-key"]
        is_again = key in self._keys
        if headers["content-type"] != "application/json" or set(wanted) != {"student_id", "course_id"}:
            return 400, {}
        identity, first_body = self._keys.setdefault(key, (str(uuid.uuid4()), body))
        if body != first_body:
            self._reused.add(key)
            return 422, {}
        if is_again and not self._loses and key not in self._reused:
            return 400, {}
        self._enrollments.add(identity)
        return (202 if is_again or not self._loses else 503), {"id": identity, "status": "pending"}


def main() -> None:
    """Serve on a free port of the loopback address and print the port."""
    listener = socket.create_server(("127.0.0.1", 0), backlog=1024)
    sys.stdout.write(f"{listener.getsockname()[1]}\n")
    sys.stdout.flush()
    uvicorn.Server(uvicorn.Config(Peer(), log_level="warning", access_log=False, lifespan="off")).run(sockets=[listener])


if __name__ == "__main__":
    main()
