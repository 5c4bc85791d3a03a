"""A bare ASGI application on the product's server, as the floor of what a request can cost: ``python -m experiments.baselines.hello``."""

from __future__ import annotations

import argparse
import sys
import threading
from collections.abc import Awaitable, Callable, MutableMapping, Sequence
from typing import Any

import uvicorn

BODY = b'{"hello":"world"}'
HEADERS = [(b"content-type", b"application/json"), (b"content-length", str(len(BODY)).encode())]
KEEP_ALIVE_S = 75
GRACEFUL_TIMEOUT_S = 1

Message = MutableMapping[str, Any]


async def hello(scope: Message, _receive: Callable[[], Awaitable[Message]], send: Callable[[Message], Awaitable[None]]) -> None:
    """Answer any request with the same few bytes."""
    if scope["type"] == "http":
        await send({"type": "http.response.start", "status": 200, "headers": HEADERS})
        await send({"type": "http.response.body", "body": BODY})


def configuration(host: str, port: int) -> uvicorn.Config:
    """The product's server options, so that what is compared is what stands behind them."""
    return uvicorn.Config(
        hello,
        host=host,
        port=port,
        loop="uvloop",
        http="httptools",
        ws="none",
        lifespan="off",
        log_config=None,
        access_log=False,
        proxy_headers=False,
        server_header=False,
        timeout_keep_alive=KEEP_ALIVE_S,
        timeout_graceful_shutdown=GRACEFUL_TIMEOUT_S,
    )


def main(arguments: Sequence[str] | None = None) -> None:
    """Serve until a signal, or until standard input ends: a child given a pipe ends with its parent, however that dies."""
    parser = argparse.ArgumentParser(prog="python -m experiments.baselines.hello", description=__doc__)
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, required=True)
    given = parser.parse_args(arguments)
    server = uvicorn.Server(configuration(given.host, given.port))

    def end_with_parent() -> None:
        sys.stdin.buffer.read()
        server.should_exit = True

    threading.Thread(target=end_with_parent, daemon=True).start()
    server.run()


if __name__ == "__main__":
    main()
