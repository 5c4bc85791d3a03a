"""A peer for the closed loop: answers well, refuses or fails by path, and tells what bodies it was sent."""

from __future__ import annotations

import asyncio
import json
import socket
import sys
from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any

import uvicorn

Message = MutableMapping[str, Any]

STATUS = {"/ok": 200, "/refused": 503, "/away": 503, "/broken": 500, "/enroll": 202, "/slow": 200}
SLOW_S = 0.3


class Counter:
    """An ASGI application; ``GET /bodies`` gives every body that was posted."""

    def __init__(self) -> None:
        self._bodies: list[Any] = []

    async def __call__(self, scope: Message, receive: Callable[[], Awaitable[Message]], send: Callable[[Message], Awaitable[None]]) -> None:
        """Answer one request."""
        body = (await receive()).get("body", b"")
        path = scope["path"]
        if scope["method"] == "POST":
            self._bodies.append(json.loads(body))
        if path == "/slow":
            await asyncio.sleep(SLOW_S)
        answer = json.dumps(self._bodies if path == "/bodies" else {"path": path}).encode()
        headers = [(b"content-type", b"application/json"), (b"content-length", str(len(answer)).encode())]
        headers += [(b"retry-after", b"1")] if path == "/refused" else []
        await send({"type": "http.response.start", "status": STATUS.get(path, 200), "headers": headers})
        await send({"type": "http.response.body", "body": answer})


def main() -> None:
    """Serve on a free port of the loopback address and print the port."""
    listener = socket.create_server(("127.0.0.1", 0), backlog=1024)
    sys.stdout.write(f"{listener.getsockname()[1]}\n")
    sys.stdout.flush()
    uvicorn.Server(uvicorn.Config(Counter(), log_level="warning", access_log=False, lifespan="off")).run(sockets=[listener])


if __name__ == "__main__":
    main()
