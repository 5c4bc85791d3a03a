"""One link: accepts connections, connects on, and passes bytes under the conditions of the moment.

Each way of a connection has a reader and a writer with a bounded queue of chunks between them. Every chunk has the time at which it is
due, so that latency delays without narrowing: as many bytes are under way as the queue takes.
"""

from __future__ import annotations

import asyncio
import contextlib
import random
import socket
import struct
from collections.abc import Callable, Coroutine
from dataclasses import dataclass, field

from infra.links.conditions import NORMAL, Conditions, LinkState, Passage, Route

CHUNK_BYTES = 16 * 1024
CHUNKS_UNDER_WAY = 64
CONNECT_TIMEOUT_S = 5.0
PRECISE_BELOW_S = 0.002
"""asyncio's timers wake on whole milliseconds; a shorter wait yields to the other connections until it is over."""
_RESET_ON_CLOSE = struct.pack("ii", 1, 0)
_BYTES_PER_KIB = 1024
_END = b""
_RESETTING = frozenset({Passage.REFUSED, Passage.RESET})

Holds = Callable[[Conditions], bool]


@dataclass(eq=False)
class _Way:
    """One direction of one connection: what its reader has read, each chunk with the time at which it is due."""

    reader: asyncio.StreamReader
    holds: Holds
    under_way: asyncio.Queue[tuple[float, bytes | OSError]] = field(default_factory=lambda: asyncio.Queue(CHUNKS_UNDER_WAY))
    ended: bool = False
    """Its sender has closed it, or is gone."""


@dataclass(eq=False)
class _Connection:
    """A client's connection with the one to the server, once that stands."""

    client: asyncio.StreamWriter
    server: asyncio.StreamWriter | None = None

    @property
    def sides(self) -> list[asyncio.StreamWriter]:
        """Those that stand."""
        return [side for side in (self.client, self.server) if side is not None]

    def reset(self) -> None:
        """End it as a crash would: both sides get RST."""
        for side in self.sides:
            with contextlib.suppress(OSError):
                side.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET_ON_CLOSE)
            side.transport.abort()


class Link:
    """The proxy of one route; used from one event loop."""

    def __init__(self, route: Route, *, seed: int = 0) -> None:
        """``seed`` is that of the jitter."""
        self.route = route
        self._conditions = NORMAL
        self._changed = asyncio.Event()
        self._random = random.Random(f"{seed}:{route.name}")  # noqa: S311 - jitter, no secret
        self._listener: asyncio.Server | None = None
        self._connections: dict[_Connection, asyncio.Task[None]] = {}
        self._bytes_to_server = 0
        self._bytes_to_client = 0

    @property
    def state(self) -> LinkState:
        """How it is now."""
        return LinkState(
            name=self.route.name,
            conditions=self._conditions,
            connections=len(self._connections),
            bytes_to_server=self._bytes_to_server,
            bytes_to_client=self._bytes_to_client,
        )

    async def start(self) -> None:
        """Listen.

        Raises:
            OSError: the port is taken.
        """
        route = self.route
        self._listener = await asyncio.start_server(self._accepted, route.listen_host, route.listen_port, limit=CHUNK_BYTES)

    async def stop(self) -> None:
        """Stop listening and end every connection."""
        self._stop_listening()
        self._reset_all()
        tasks = list(self._connections.values())
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    async def set(self, conditions: Conditions) -> None:
        """Let these conditions hold from now on, also for what is under way.

        Raises:
            OSError: it was refusing and can't listen again.
        """
        self._conditions = conditions
        self._changed.set()
        self._changed = asyncio.Event()
        if conditions.passage is Passage.REFUSED:
            self._stop_listening()
        elif self._listener is None:
            await self.start()
        if conditions.passage in _RESETTING:
            self._reset_all()

    def _stop_listening(self) -> None:
        if self._listener is not None:
            self._listener.close()
            self._listener = None

    def _reset_all(self) -> None:
        for connection in list(self._connections):
            connection.reset()

    def _accepted(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        connection = _Connection(writer)
        if self._conditions.passage in _RESETTING:
            connection.reset()
        else:
            self._connections[connection] = asyncio.create_task(self._serve(connection, reader))

    async def _serve(self, connection: _Connection, reader: asyncio.StreamReader) -> None:
        try:
            await self._pass(connection, reader)
        except (OSError, TimeoutError):
            connection.reset()
        finally:
            for side in connection.sides:
                side.close()
            del self._connections[connection]

    async def _pass(self, connection: _Connection, from_client: asyncio.StreamReader) -> None:
        forth = _Way(from_client, _to_server)
        async with contextlib.AsyncExitStack() as tasks:
            _start(tasks, self._read(forth))
            # While nothing arrives at the server it learns of no new connection; who gave up meanwhile never had one.
            await self._until_open(_to_server)
            if forth.ended:
                return
            async with asyncio.timeout(CONNECT_TIMEOUT_S):
                from_server, connection.server = await asyncio.open_connection(
                    self.route.server_host, self.route.server_port, limit=CHUNK_BYTES
                )
            back = _Way(from_server, _to_client)
            _start(tasks, self._read(back))
            writing = {_start(tasks, self._write(forth, connection.server)), _start(tasks, self._write(back, connection.client))}
            done, _ = await asyncio.wait(writing, return_when=asyncio.FIRST_EXCEPTION)
            for task in done:
                task.result()

    async def _read(self, way: _Way) -> None:
        """Queue what comes; an empty chunk is the end."""
        due_s = 0.0
        while not way.ended:
            try:
                chunk: bytes | OSError = await way.reader.read(CHUNK_BYTES)
            except OSError as error:
                chunk = error
            way.ended = chunk == _END or isinstance(chunk, OSError)
            due_s = max(due_s, asyncio.get_running_loop().time() + self._delay_s(way))  # nothing overtakes
            await way.under_way.put((due_s, chunk))

    async def _write(self, way: _Way, writer: asyncio.StreamWriter) -> None:
        """Pass on everything of one way, and its end."""
        while True:
            due_s, chunk = await way.under_way.get()
            await _sleep_until(due_s)
            await self._until_open(way.holds)
            if isinstance(chunk, OSError):
                raise chunk
            if chunk == _END:
                writer.write_eof()
                return
            writer.write(chunk)
            await writer.drain()
            self._count(way, len(chunk))
            if (limit := self._conditions.bandwidth_kib_per_s) is not None and way.holds(self._conditions):
                await asyncio.sleep(len(chunk) / (limit * _BYTES_PER_KIB))

    def _delay_s(self, way: _Way) -> float:
        conditions = self._conditions
        if not way.holds(conditions):
            return 0.0
        jitter_ms = self._random.uniform(-conditions.jitter_ms, conditions.jitter_ms)
        return max(0.0, conditions.latency_ms + jitter_ms) / 1000

    async def _until_open(self, holds: Holds) -> None:
        while self._conditions.passage is Passage.SILENT and holds(self._conditions):
            await self._changed.wait()

    def _count(self, way: _Way, size: int) -> None:
        if way.holds is _to_server:
            self._bytes_to_server += size
        else:
            self._bytes_to_client += size


def _to_server(conditions: Conditions) -> bool:
    return conditions.holds_to_server


def _to_client(conditions: Conditions) -> bool:
    return conditions.holds_to_client


async def _sleep_until(due_s: float) -> None:
    """Let others run until the event loop's clock is ``due_s``; exact to tens of microseconds where the wait is short."""
    loop = asyncio.get_running_loop()
    if (left_s := due_s - loop.time()) >= PRECISE_BELOW_S:
        await asyncio.sleep(left_s)
        return
    await asyncio.sleep(0)
    while loop.time() < due_s:  # noqa: ASYNC110 - no event says that it is time, and timers are too coarse
        await asyncio.sleep(0)


def _start(tasks: contextlib.AsyncExitStack, work: Coroutine[None, None, None]) -> asyncio.Task[None]:
    task = asyncio.create_task(work)

    async def end() -> None:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)

    tasks.push_async_callback(end)
    return task
