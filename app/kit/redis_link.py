"""One connection to Redis that every request of the process shares, for the reads on the fast path.

A pool gives each request a connection of its own and each command a system call or two; here all commands that are issued in one turn of
the event loop leave in one write, and the answers come back in one read (https://redis.io/docs/latest/develop/using-commands/pipelining/).
That is what a client library for asyncio doesn't do by itself, and it costs a tenth of the processor time. Everything that is not on the
fast path (invalidation, probes) goes through redis-py.
"""

from __future__ import annotations

import asyncio
import logging
from collections import deque
from typing import Any, cast
from urllib.parse import unquote, urlsplit

import hiredis
from pydantic import SecretStr

log = logging.getLogger(__name__)

RECONNECT_S = 0.25
GRACE_S = 0.01
"""Once more around the event loop before an answer counts as missing: it may have come while the loop was busy."""
MOST_PENDING = 4096
"""Commands without an answer; beyond it Redis is too slow to be of use."""
DEFAULT_HOST = "127.0.0.1"
DEFAULT_PORT = 6379
CONNECT_TIMEOUT_S = 1.0


class LinkError(Exception):
    """Redis is away, silent, or has answered with an error."""


class RedisLink:
    """Used from its event loop alone; connects, and reconnects, by itself."""

    def __init__(self, url: SecretStr, *, timeout_s: float, name: str) -> None:
        """Commands that are not answered in ``timeout_s`` fail, and with them the connection: answers come in order."""
        self._url = urlsplit(url.get_secret_value())
        self._timeout_s = timeout_s
        self._name = name
        self._wire: _Wire | None = None
        self._keeper: asyncio.Task[None] | None = None

    def start(self) -> None:
        """Begin to connect; must be called on the event loop."""
        self._keeper = asyncio.get_running_loop().create_task(self._keep_connected())

    def stop(self) -> None:
        """Close the connection."""
        if self._keeper is not None:
            self._keeper.cancel()
        if self._wire is not None:
            self._wire.fail("stopped")

    @property
    def connected(self) -> bool:
        """Whether commands go out."""
        return self._wire is not None

    def call(self, *command: bytes | str | int) -> asyncio.Future[Any]:
        """Send a command in this turn of the loop; its answer, later.

        Raises:
            LinkError: from the call or from the future: not connected, no answer in time, or an error as the answer.
        """
        if self._wire is None:
            raise LinkError("not connected")
        return self._wire.send(command)

    async def _keep_connected(self) -> None:
        while True:
            try:
                wire = await asyncio.wait_for(self._connect(), timeout=CONNECT_TIMEOUT_S)
            except (LinkError, OSError, TimeoutError) as error:
                log.info("waiting for the cache", extra={"error": type(error).__name__})
                await asyncio.sleep(RECONNECT_S)
                continue
            self._wire = wire
            try:
                await wire.lost.wait()
            finally:
                self._wire = None

    async def _connect(self) -> _Wire:
        host, port = self._url.hostname or DEFAULT_HOST, self._url.port or DEFAULT_PORT
        _, wire = await asyncio.get_running_loop().create_connection(lambda: _Wire(self._timeout_s), host, port)
        try:
            if self._url.password is not None:
                user = (unquote(self._url.username),) if self._url.username else ()
                await wire.send(("AUTH", *user, unquote(self._url.password)))
            await wire.send(("CLIENT", "SETNAME", self._name))
            await wire.send(("SELECT", self._url.path.lstrip("/") or "0"))
        except BaseException:
            wire.fail("could not connect")
            raise
        return wire


class _Wire(asyncio.Protocol):
    """One connection, from its making to its loss."""

    def __init__(self, timeout_s: float) -> None:
        self.lost = asyncio.Event()
        self._timeout_s = timeout_s
        self._loop = asyncio.get_running_loop()
        self._transport: asyncio.Transport | None = None
        self._reader = hiredis.Reader()
        self._pending: deque[asyncio.Future[Any]] = deque()
        self._outgoing: list[bytes] = []
        self._answered = 0
        self._watchdog: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Of asyncio's protocol."""
        self._transport = cast("asyncio.Transport", transport)

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002 -- asyncio's signature
        """Of asyncio's protocol."""
        self.fail("the connection was lost")

    def data_received(self, data: bytes) -> None:
        """Of asyncio's protocol."""
        self._reader.feed(data)
        while (answer := self._reader.gets()) is not False:
            self._answered += 1
            future = self._pending.popleft()
            if future.done():
                continue
            if isinstance(answer, hiredis.ReplyError):
                _set_error(future, str(answer))
            else:
                future.set_result(answer)

    def send(self, command: tuple[bytes | str | int, ...]) -> asyncio.Future[Any]:
        """Send the command with all others of this turn of the loop."""
        future: asyncio.Future[Any] = self._loop.create_future()
        if self.lost.is_set():
            _set_error(future, "the connection was lost")
            return future
        if len(self._pending) >= MOST_PENDING:
            _set_error(future, "too many commands wait for their answers")
            return future
        if not self._outgoing:
            self._loop.call_soon(self._flush)
        self._outgoing.append(hiredis.pack_command(cast("Any", command)))
        self._pending.append(future)
        if self._watchdog is None:
            self._watch_from_now()
        return future

    def fail(self, reason: str) -> None:
        """Give up the connection, and every command that has no answer yet."""
        self.lost.set()
        if self._watchdog is not None:
            self._watchdog.cancel()
            self._watchdog = None
        if self._transport is not None:
            self._transport.abort()
            self._transport = None
        self._outgoing.clear()
        while self._pending:
            future = self._pending.popleft()
            if not future.done():
                _set_error(future, reason)

    def _flush(self) -> None:
        if self._transport is not None and self._outgoing:
            self._transport.write(b"".join(self._outgoing))
        self._outgoing.clear()

    def _watch_from_now(self) -> None:
        due = self._answered + len(self._pending)
        self._watchdog = self._loop.call_later(self._timeout_s, self._check, due)

    def _check(self, due: int) -> None:
        """All that was sent when the watch began is answered by now, or else a last look is taken after the loop has read."""
        self._watchdog = None
        if self._answered >= due:
            if self._pending:
                self._watch_from_now()
        else:
            self._watchdog = self._loop.call_later(GRACE_S, self._give_up, due)

    def _give_up(self, due: int) -> None:
        self._watchdog = None
        if self._answered < due:
            self.fail("no answer in time")
        elif self._pending:
            self._watch_from_now()


def _set_error(future: asyncio.Future[Any], reason: str) -> None:
    future.set_exception(LinkError(reason))
    future.exception()  # seen: a fill that nobody waits for is no error that asyncio has to report
