"""HTTP/1.1 over one kept connection: httpx takes more processor time for a request than the whole system does to answer it."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

NO_BODY = 204
HEAD_LIMIT_BYTES = 64 * 1024


class NoAnswerError(Exception):
    """The connection was lost, or the time was up, before the whole answer was there."""


@dataclass(frozen=True, slots=True)
class Answer:
    """Status, headers by their names in lower case, and body."""

    status: int
    headers: Mapping[str, str]
    body: bytes

    def json(self) -> Any:
        """The decoded body."""
        return json.loads(self.body)


class Connection:
    """One request at a time; opened when it is needed, and anew after an error."""

    def __init__(self, host: str, port: int, timeout_s: float) -> None:
        self._host = host
        self._port = port
        self._timeout_s = timeout_s
        self._streams: tuple[asyncio.StreamReader, asyncio.StreamWriter] | None = None

    async def request(self, method: str, path: str, body: Any, headers: Mapping[str, str]) -> Answer:
        """The answer.

        Raises:
            NoAnswerError: there is none, and whether the request was received is unknown.
        """
        try:
            async with asyncio.timeout(self._timeout_s):
                return await self._exchange(_written(method, path, body, headers))
        except (OSError, EOFError, TimeoutError) as error:
            self.close()
            raise NoAnswerError from error

    def close(self) -> None:
        """Close what is open."""
        if self._streams is not None:
            self._streams[1].close()
            self._streams = None

    async def _exchange(self, request: bytes) -> Answer:
        if self._streams is None:
            self._streams = await asyncio.open_connection(self._host, self._port, limit=HEAD_LIMIT_BYTES)
        reader, writer = self._streams
        writer.write(request)
        first, *lines = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").split("\r\n")
        headers = {name.lower(): value.strip() for name, colon, value in (line.partition(":") for line in lines) if colon}
        status = int(first.split()[1])
        answer = Answer(status, headers, b"" if status == NO_BODY else await reader.readexactly(int(headers["content-length"])))
        if headers.get("connection") == "close":
            self.close()
        return answer


def _written(method: str, path: str, body: Any, headers: Mapping[str, str]) -> bytes:
    content = b"" if body is None else json.dumps(body).encode()
    lines = [f"{method} {path} HTTP/1.1", "Host: gateway", *(f"{name}: {value}" for name, value in headers.items())]
    if body is not None:
        lines += ["Content-Type: application/json", f"Content-Length: {len(content)}"]
    return "\r\n".join([*lines, "", ""]).encode("latin-1") + content
