"""Consuming a work queue and its dead letters, with acknowledgements of many messages at once."""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from pydantic import SecretStr

from app.kit.broker import BrokerError, Link, QueueSilentError, WorkQueue, translated
from app.kit.tags import Unsettled

DEAD_LETTER_PREFETCH = 50


@dataclass(frozen=True, slots=True)
class Delivery:
    """One message as it was handed over."""

    tag: int
    body: bytes
    correlation_id: str | None
    """The request that it belongs to, as its publisher said."""
    dead: bool
    """It comes from the dead letters."""


class Subscription(Link):
    """A connection that messages are delivered on."""

    def __init__(self, url: SecretStr, queue: WorkQueue, *, name: str, prefetch: int) -> None:
        """At most ``prefetch`` messages, and some dead letters, are delivered and unsettled."""
        super().__init__(url, queue, name=name)
        self._prefetch = prefetch
        self._waiting: deque[Delivery] = deque()
        self._unsettled = Unsettled()

    async def take(self, most: int, wait_s: float) -> list[Delivery]:
        """The messages that have come; waits for the first, and gives none where none came in that time or :meth:`wake` was called."""
        self.check()
        if not self._waiting:
            await self.wait(wait_s)
        return [self._waiting.popleft() for _ in range(min(most, len(self._waiting)))]

    def acknowledge(self, deliveries: Sequence[Delivery]) -> None:
        """These messages have had their effect; the broker learns of it when those before them are settled too."""
        self.check()
        self._acknowledge_up_to(self._unsettled.handled(delivery.tag for delivery in deliveries))

    def reject(self, delivery: Delivery, *, again: bool) -> None:
        """The message could not be handled: deliver it again, which uses up an attempt, or let it be a dead letter."""
        self.check()
        with translated():
            self._channel.basic_nack(delivery.tag, requeue=again)
        self._acknowledge_up_to(self._unsettled.rejected(delivery.tag))

    async def _open(self) -> None:
        await super()._open()
        await self._declare()
        self._channel.add_on_cancel_callback(self._on_cancel)
        for queue, prefetch, dead in ((self.queue.name, self._prefetch, False), (self.queue.dead_letters, DEAD_LETTER_PREFETCH, True)):
            await self._consume(queue, prefetch, dead=dead)

    async def _consume(self, queue: str, prefetch: int, *, dead: bool) -> None:
        def on_message(_channel: Any, method: Any, properties: Any, body: bytes) -> None:
            self._unsettled.delivered(method.delivery_tag)
            self._waiting.append(Delivery(method.delivery_tag, body, properties.correlation_id, dead))
            self.wake()

        await self._ask(lambda done: self._channel.basic_qos(prefetch_count=prefetch, callback=done))
        await self._ask(lambda done: self._channel.basic_consume(queue, on_message, callback=done), error=QueueSilentError)

    def _acknowledge_up_to(self, tag: int | None) -> None:
        if tag is not None:
            with translated():
                self._channel.basic_ack(tag, multiple=True)

    def _on_cancel(self, _frame: Any) -> None:
        """A relay has made the queue anew, with another delivery limit; opening the next connection declares it."""
        self._lose(BrokerError("the queue is gone"))
