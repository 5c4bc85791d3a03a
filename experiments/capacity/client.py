"""A small asyncio HTTP client for JSON over kept connections: requests that are counted one by one, which wrk can't send."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable, Iterable, Sequence
from dataclasses import dataclass
from http import HTTPStatus
from types import TracebackType
from typing import Any, Final, Self, TypeVar
from urllib.parse import urlsplit

ANSWER_TIMEOUT_S: Final = 20.0
"""Above what a replica under load takes for anything; a tutorial waits long for its locks."""
HEAD_LIMIT: Final = 64 * 1024

_Item = TypeVar("_Item")
_Answer = TypeVar("_Answer")


@dataclass(frozen=True)
class Answer:
    """Status and body."""

    status: int
    body: bytes

    @property
    def ok(self) -> bool:
        """It is a 2xx."""
        return HTTPStatus.OK <= self.status < HTTPStatus.MULTIPLE_CHOICES

    def json(self) -> Any:
        """The decoded body."""
        return json.loads(self.body)


class Connection:
    """One kept connection, one request at a time; used as an async context."""

    def __init__(self, url: str) -> None:
        address = urlsplit(url)
        self._host, self._port = address.hostname or "", address.port or 80

    async def __aenter__(self) -> Self:
        self._reader, self._writer = await asyncio.open_connection(self._host, self._port, limit=HEAD_LIMIT)
        return self

    async def __aexit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self._writer.close()

    async def get(self, path: str) -> Answer:
        """Answer to a GET.

        Raises:
            OSError: the connection broke, or no answer came in time.
        """
        return await self._exchange("GET", path, b"")

    async def post(self, path: str, content: Any) -> Answer:
        """Answer to a POST of ``content`` as JSON.

        Raises:
            OSError: the connection broke, or no answer came in time.
        """
        return await self._exchange("POST", path, json.dumps(content).encode())

    async def _exchange(self, method: str, path: str, body: bytes) -> Answer:
        head = f"{method} {path} HTTP/1.1\r\nHost: {self._host}:{self._port}\r\n"
        if body:
            head += f"Content-Type: application/json\r\nContent-Length: {len(body)}\r\n"
        self._writer.write(head.encode() + b"\r\n" + body)
        try:
            async with asyncio.timeout(ANSWER_TIMEOUT_S):
                received = await self._reader.readuntil(b"\r\n\r\n")
                status, length = parse_head(received)
                return Answer(status, await self._reader.readexactly(length))
        except (asyncio.IncompleteReadError, asyncio.LimitOverrunError, ValueError) as error:
            raise ConnectionError(f"{method} {path.partition('?')[0]}: no whole answer ({type(error).__name__})") from None


def parse_head(head: bytes) -> tuple[int, int]:
    """Status and length of the body, of an answer that says its length.

    Raises:
        ValueError: it is not HTTP, or doesn't say its length.
    """
    first, *lines = head.decode("latin-1").split("\r\n")
    status = int(first.split(" ")[1]) if first.startswith("HTTP/1.") else -1
    for line in lines:
        name, _, value = line.partition(":")
        if name.lower() == "content-length":
            return status, int(value)
    raise ValueError("no Content-Length")


async def each(
    urls: Sequence[str], clients: int, items: Iterable[_Item], call: Callable[[Connection, _Item], Awaitable[_Answer]]
) -> list[_Answer]:
    """``call`` for each item, over so many connections, spread over the servers; the answers in the order of the items.

    Raises:
        OSError: a server can't be reached, or whatever ``call`` raises.
    """
    waiting = enumerate(items)
    answers: dict[int, _Answer] = {}

    async def work(url: str) -> None:
        async with Connection(url) as connection:
            for number, item in waiting:
                answers[number] = await call(connection, item)

    async with asyncio.TaskGroup() as group:
        for number in range(clients):
            group.create_task(work(urls[number % len(urls)]))
    return [answers[number] for number in sorted(answers)]
