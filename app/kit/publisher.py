"""Publishing with many confirms outstanding, instead of a journey to the broker's disk and back for each message."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

import pika  # type: ignore[import-untyped]  # it ships annotations without the py.typed marker
from pydantic import SecretStr

from app.kit.broker import BrokerError, Link, QueueSilentError, WorkQueue, translated
from app.kit.tags import Confirms

T = TypeVar("T")

CONFIRM_TIMEOUT_S = 10.0
"""A queue that is slow, or has no leader, takes messages and confirms nothing: after this the connection counts as lost."""


@dataclass(frozen=True, slots=True)
class Outgoing:
    """A message to publish."""

    message_id: str
    body: bytes
    correlation_id: str | None
    """The request that it belongs to."""


class Publisher(Link, Generic[T]):
    """A connection in confirm mode; ``T`` is what the publisher knows a message by.

    What the broker takes back (a negative confirm, or a return because the queue is gone) ends the connection: opening the next one
    declares the queue anew, and whatever was not confirmed by then is to be published again.
    """

    def __init__(self, url: SecretStr, queue: WorkQueue, *, name: str, limit: int) -> None:
        """At most ``limit`` messages are unsettled: outstanding, or confirmed and not taken."""
        super().__init__(url, queue, name=name)
        self._limit = limit
        self._confirms: Confirms[T] = Confirms()
        self._blocked = False

    @property
    def room(self) -> int:
        """How many more messages may be published now."""
        return self._limit - self._confirms.unsettled_count

    @property
    def outstanding(self) -> list[T]:
        """What was published and not confirmed: the broker may have it or not."""
        return self._confirms.outstanding

    def publish(self, item: T, message: Outgoing) -> None:
        """Send the message, persistent and mandatory; ``item`` is confirmed once the broker has it safe.

        Raises:
            BrokerError: the connection is lost.
        """
        self.check()
        properties = pika.BasicProperties(
            content_type="application/json",
            delivery_mode=pika.DeliveryMode.Persistent.value,
            message_id=message.message_id,
            correlation_id=message.correlation_id,
        )
        with translated():
            self._channel.basic_publish("", self.queue.name, message.body, properties, mandatory=True)
        self._confirms.published(item, time.monotonic())

    def take_confirmed(self) -> list[T]:
        """What was confirmed since the last call; also of a connection that is lost."""
        return self._confirms.take_confirmed()

    def check(self) -> None:
        """Return if the connection is there and confirms."""
        super().check()
        oldest_s = self._confirms.oldest_s
        if oldest_s is not None and time.monotonic() - oldest_s > CONFIRM_TIMEOUT_S:
            silent = BrokerError if self._blocked else QueueSilentError
            self._lose(silent("the broker does not confirm"))
            super().check()

    async def _open(self) -> None:
        await super()._open()
        self._connection.add_on_connection_blocked_callback(self._on_blocked)  # an alarm: no queue is to blame
        await self._declare()
        self._channel.add_on_return_callback(self._on_return)
        await self._ask(lambda done: self._channel.confirm_delivery(self._on_confirm, callback=done))

    def _on_confirm(self, frame: Any) -> None:
        if self._error is not None:
            return  # after a return the confirm of that very message follows, and means only that it was routed nowhere
        if isinstance(frame.method, pika.spec.Basic.Nack):
            self._lose(BrokerError("the broker took a message back"))
            return
        self._confirms.confirmed(frame.method.delivery_tag, multiple=frame.method.multiple)
        self.wake()

    def _on_blocked(self, _connection: Any, _frame: Any) -> None:
        self._blocked = True

    def _on_return(self, _channel: Any, _method: Any, _properties: Any, _body: bytes) -> None:
        self._lose(BrokerError("the queue is gone"))
