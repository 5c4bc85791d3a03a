"""RabbitMQ: one work queue with its dead letters, published to with confirms and consumed in batches."""

from __future__ import annotations

import contextlib
import logging
from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pika  # type: ignore[import-untyped]  # it ships annotations without the py.typed marker
import pika.exceptions  # type: ignore[import-untyped]
from pydantic import SecretStr

log = logging.getLogger(__name__)

SOCKET_TIMEOUT_S = 2
STACK_TIMEOUT_S = 5
HEARTBEAT_S = 15
BLOCKED_TIMEOUT_S = 10
"""An alarm (memory, disk) blocks publishers silently; after this the connection counts as lost."""
PRECONDITION_FAILED = 406
DEAD_LETTER_PREFETCH = 50


class BrokerError(Exception):
    """The broker is away, or took back what it was given; nothing that was not confirmed counts as published."""


class QueueMismatchError(BrokerError):
    """The queue exists with other arguments, from a deployment with another delivery limit."""


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


@dataclass(frozen=True)
class Delivery:
    """One message as it was handed over."""

    tag: int
    body: bytes
    dead: bool = False
    """It comes from the dead letters."""


class BrokerLink:
    """A connection with one channel; owned by one thread, except for :meth:`wake`."""

    def __init__(self, url: SecretStr, queue: WorkQueue, *, name: str) -> None:
        """Connect and declare the queue.

        Raises:
            QueueMismatchError: the queue exists with other arguments.
            BrokerError: the broker is away.
        """
        self._queue = queue
        self._inbox: deque[Delivery] = deque()
        self._connection = _connect(url, name)
        try:
            with _translated():
                self._channel: Any = self._connection.channel()
                self._channel.confirm_delivery()
                self._declare()
        except BrokerError:
            self.close()
            raise

    def publish(self, message_id: str, body: bytes) -> None:
        """Return once the broker has the message safe (persistent, routed, confirmed).

        Raises:
            BrokerError: it has not, or that is not known.
        """
        properties = pika.BasicProperties(
            content_type="application/json", delivery_mode=pika.DeliveryMode.Persistent.value, message_id=message_id
        )
        with _translated():
            self._channel.basic_publish("", self._queue.name, body, properties, mandatory=True)

    def pump(self, time_limit_s: float) -> None:
        """Wait while the connection stays alive; ends early when something happens or :meth:`wake` is called."""
        with _translated():
            self._connection.process_data_events(time_limit_s)

    def wake(self) -> None:
        """End a :meth:`pump` that is under way; the one method that other threads may call."""
        with contextlib.suppress(pika.exceptions.AMQPError):
            self._connection.add_callback_threadsafe(lambda: None)

    def consume(self, prefetch: int) -> None:
        """Have messages and dead letters delivered, at most so many messages before they are settled."""
        with _translated():
            self._channel.basic_qos(prefetch_count=prefetch)
            self._channel.basic_consume(self._queue.name, self._on_message)
            self._channel.basic_qos(prefetch_count=DEAD_LETTER_PREFETCH)
            self._channel.basic_consume(self._queue.dead_letters, self._on_dead_letter)

    def take(self, wait_s: float) -> list[Delivery]:
        """All messages that are here; waits for the first."""
        if not self._inbox:
            self.pump(wait_s)
        known = -1
        while len(self._inbox) > known:
            known = len(self._inbox)
            self.pump(0)
        taken = list(self._inbox)
        self._inbox.clear()
        return taken

    def acknowledge(self, delivery: Delivery) -> None:
        """The message has had its effect."""
        with _translated():
            self._channel.basic_ack(delivery.tag)

    def reject(self, delivery: Delivery, *, again: bool) -> None:
        """The message could not be handled: deliver it again, which uses up an attempt, or let it be a dead letter."""
        with _translated():
            self._channel.basic_nack(delivery.tag, requeue=again)

    def close(self) -> None:
        """Let go of the connection; unsettled messages go back to the queue."""
        with contextlib.suppress(pika.exceptions.AMQPError, OSError):
            self._connection.close()

    def _declare(self) -> None:
        self._channel.exchange_declare(self._queue.dead_letter_exchange, exchange_type="fanout", durable=True)
        self._channel.queue_declare(self._queue.dead_letters, durable=True, arguments={"x-queue-type": "quorum"})
        self._channel.queue_bind(self._queue.dead_letters, self._queue.dead_letter_exchange)
        self._channel.queue_declare(self._queue.name, durable=True, arguments=self._queue.arguments)

    def _on_message(self, _channel: Any, method: Any, _properties: Any, body: bytes) -> None:
        self._inbox.append(Delivery(method.delivery_tag, body))

    def _on_dead_letter(self, _channel: Any, method: Any, _properties: Any, body: bytes) -> None:
        self._inbox.append(Delivery(method.delivery_tag, body, dead=True))


def delete_queue(url: SecretStr, queue: WorkQueue, *, name: str) -> None:
    """Delete the queue with all that is in it; only for who can publish its messages again.

    Raises:
        BrokerError: the broker is away.
    """
    connection = _connect(url, name)
    with _translated():
        connection.channel().queue_delete(queue.name)
        connection.close()


def _connect(url: SecretStr, name: str) -> Any:
    parameters = pika.URLParameters(url.get_secret_value())
    parameters.socket_timeout = SOCKET_TIMEOUT_S
    parameters.stack_timeout = STACK_TIMEOUT_S
    parameters.heartbeat = HEARTBEAT_S
    parameters.blocked_connection_timeout = BLOCKED_TIMEOUT_S
    parameters.client_properties = {"connection_name": name}
    with _translated():
        return pika.BlockingConnection(parameters)


@contextlib.contextmanager
def _translated() -> Iterator[None]:
    try:
        yield
    except pika.exceptions.ChannelClosedByBroker as error:
        if error.reply_code == PRECONDITION_FAILED:
            raise QueueMismatchError(str(error)) from error
        raise BrokerError(str(error)) from error
    except (pika.exceptions.AMQPError, OSError) as error:
        raise BrokerError(type(error).__name__) from error
