"""RabbitMQ: one work queue with its dead letters, and a connection to it on the event loop.

pika's BlockingConnection takes one confirm at a time, sends no heartbeat while nobody pumps it, and belongs to one thread. On the event
loop, heartbeats go out beside the work, and any number of confirms and deliveries may be under way. It is the process's own loop and
not one in a thread beside it: each of a message's three writes lets go of the interpreter's lock, which a busy loop in the other thread
gives back up to 5 ms later.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, Self

import pika  # type: ignore[import-untyped]  # it ships annotations without the py.typed marker
import pika.exceptions  # type: ignore[import-untyped]
from pika.adapters.asyncio_connection import AsyncioConnection  # type: ignore[import-untyped]
from pydantic import SecretStr

SOCKET_TIMEOUT_S = 2
STACK_TIMEOUT_S = 5
ANSWER_TIMEOUT_S = 5
DELETE_TIMEOUT_S = 15
"""RabbitMQ asks a queue without a leader for 5 s before it deletes it all the same."""
CLOSE_TIMEOUT_S = 1
HEARTBEAT_S = 15
BLOCKED_TIMEOUT_S = 10
"""An alarm (memory, disk) blocks publishers silently; after this the connection counts as lost."""
PRECONDITION_FAILED = 406


class BrokerError(Exception):
    """The broker is away, or took back what it was given; nothing that was not confirmed counts as published."""


class QueueMismatchError(BrokerError):
    """The queue exists with other arguments, from a deployment with another delivery limit."""


class QueueSilentError(BrokerError):
    """The broker answers, and its queue does not: it is slow, or it has lost its leader.

    A broker that is killed within a second of making a quorum queue can have forgotten its registration; the queue that it makes up for it
    takes messages and consumers, and never elects a leader (seen with RabbitMQ 3.10).
    """


@dataclass(frozen=True)
class WorkQueue:
    """A quorum queue; what was delivered ``delivery_limit`` times in vain, or is rejected, goes to its dead letters."""

    name: str
    delivery_limit: int

    @property
    def dead_letter_exchange(self) -> str:
        """The exchange that dead letters pass."""
        return f"{self.name}.dead-letter-exchange"

    @property
    def dead_letters(self) -> str:
        """The queue of the dead letters."""
        return f"{self.name}.dead-letters"

    @property
    def arguments(self) -> dict[str, object]:
        """Set explicitly, for the default delivery limit differs between versions of RabbitMQ (none before 4.0)."""
        return {
            "x-queue-type": "quorum",
            "x-delivery-limit": self.delivery_limit,
            "x-dead-letter-exchange": self.dead_letter_exchange,
        }


class Link:
    """A connection with one channel, to be used with ``async with``; belongs to the event loop that it was opened on.

    Every method raises BrokerError once the connection or the channel is lost, with the first reason that there was.
    """

    def __init__(self, url: SecretStr, queue: WorkQueue, *, name: str) -> None:
        """``name`` is what the broker shows of the connection."""
        self._url = url
        self._name = name
        self.queue = queue
        self._connection: Any = None
        self._channel: Any = None
        self._error: BrokerError | None = None
        self._happened = asyncio.Event()
        self._ended = asyncio.Event()
        self._answer: asyncio.Future[Any] | None = None

    async def __aenter__(self) -> Self:
        """Connect.

        Raises:
            QueueMismatchError: the queue exists with other arguments.
            BrokerError: the broker is away.
        """
        try:
            await self._open()
        except BaseException:
            await self._close()
            raise
        return self

    async def __aexit__(self, *_: object) -> None:
        """Let go of the connection; unsettled messages go back to the queue."""
        await self._close()

    async def wait(self, time_limit_s: float) -> None:
        """Return when something has happened since the last call, :meth:`wake` included, or the time is up."""
        if not self._happened.is_set():
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._happened.wait(), time_limit_s)
        self._happened.clear()
        self.check()

    def wake(self) -> None:
        """End a :meth:`wait` that is under way, or the next one."""
        self._happened.set()

    def check(self) -> None:
        """Return if the connection is there."""
        if self._error is not None:
            raise self._error

    async def delete_queue(self) -> None:
        """Delete the queue and its dead letters with all that is in them; only for who can publish those messages again."""
        await self._delete(self.queue.name)
        await self._delete(self.queue.dead_letters)

    async def _delete(self, name: str) -> None:
        await self._ask(lambda done: self._channel.queue_delete(name, callback=done), timeout_s=DELETE_TIMEOUT_S)

    async def _open(self) -> None:
        """Connect; what a subclass adds is part of opening."""
        await self._ask(self._connect)
        self._channel = await self._ask(lambda done: self._connection.channel(on_open_callback=done))
        self._channel.add_on_close_callback(self._on_lost)

    async def _declare(self) -> None:
        """Make the queue and what belongs to it, where they don't exist."""
        await self._ask(lambda done: self._channel.exchange_declare(self.queue.dead_letter_exchange, "fanout", durable=True, callback=done))
        dead_letters = {"x-queue-type": "quorum"}
        await self._ask(
            lambda done: self._channel.queue_declare(self.queue.dead_letters, durable=True, arguments=dead_letters, callback=done)
        )
        await self._ask(lambda done: self._channel.queue_bind(self.queue.dead_letters, self.queue.dead_letter_exchange, callback=done))
        await self._ask(
            lambda done: self._channel.queue_declare(self.queue.name, durable=True, arguments=self.queue.arguments, callback=done)
        )

    def _connect(self, done: Callable[[Any], None]) -> None:
        self._connection = AsyncioConnection(
            _parameters(self._url, self._name),
            on_open_callback=done,
            on_open_error_callback=self._on_ended,
            on_close_callback=self._on_ended,
        )

    async def _ask(
        self,
        ask: Callable[[Callable[[Any], None]], object],
        *,
        timeout_s: float = ANSWER_TIMEOUT_S,
        error: type[BrokerError] = BrokerError,
    ) -> Any:
        """What the broker answers; ``ask`` is given the callback for it. No answer in that time is an ``error``."""
        self.check()
        answer = self._answer = asyncio.get_running_loop().create_future()

        def done(value: Any) -> None:
            if not answer.done():
                answer.set_result(value)

        with translated():
            ask(done)
        try:
            return await asyncio.wait_for(answer, timeout_s)
        except TimeoutError:
            raise error("the broker does not answer") from None

    def _lose(self, error: BrokerError) -> None:
        """The connection is of no use any more."""
        if self._error is None:
            self._error = error
        if self._answer is not None and not self._answer.done():
            self._answer.set_exception(self._error)
        self.wake()

    def _on_lost(self, _: Any, reason: BaseException) -> None:
        self._lose(_error_of(reason))

    def _on_ended(self, _: Any, reason: BaseException) -> None:
        self._ended.set()
        self._lose(_error_of(reason))

    async def _close(self) -> None:
        if self._connection is None or self._ended.is_set():
            return
        if not self._connection.is_closing:
            self._connection.close()
        try:
            await asyncio.wait_for(self._ended.wait(), CLOSE_TIMEOUT_S)
        except TimeoutError:  # the broker is paused, and pika itself would wait for its farewell for ever
            self._connection._adapter_disconnect_stream()  # noqa: SLF001 -- it has no public way to abort


async def delete_queue(url: SecretStr, queue: WorkQueue, *, name: str) -> None:
    """Delete the queue and its dead letters, whatever their arguments are; only for who can publish those messages again.

    Raises:
        BrokerError: the broker is away.
    """
    async with Link(url, queue, name=name) as link:
        await link.delete_queue()


def _parameters(url: SecretStr, name: str) -> Any:
    parameters = pika.URLParameters(url.get_secret_value())
    parameters.socket_timeout = SOCKET_TIMEOUT_S
    parameters.stack_timeout = STACK_TIMEOUT_S
    parameters.heartbeat = HEARTBEAT_S
    parameters.blocked_connection_timeout = BLOCKED_TIMEOUT_S
    parameters.client_properties = {"connection_name": name}
    return parameters


@contextlib.contextmanager
def translated() -> Iterator[None]:
    """Around calls of pika: its errors as ours."""
    try:
        yield
    except (pika.exceptions.AMQPError, OSError) as error:
        raise _error_of(error) from error


def _error_of(reason: BaseException) -> BrokerError:
    if isinstance(reason, pika.exceptions.ChannelClosedByBroker):
        return (QueueMismatchError if reason.reply_code == PRECONDITION_FAILED else BrokerError)(str(reason))
    return BrokerError(type(reason).__name__)
