"""The worker's loop: takes what is there, has it handled, and settles it; an outage pauses it and costs no message an attempt.

The connection lives on the event loop. Batches are handled in threads, so that one is decided while the one before it is being stored.
"""

from __future__ import annotations

import asyncio
import hashlib
import logging
from collections.abc import Callable, Sequence

from pydantic import ValidationError

from app.enrollment.clients import LARGEST_CALL
from app.enrollment.messages import Message
from app.enrollment.renewal import Renewal
from app.enrollment.worker.batch import Batch, BatchHandler
from app.kit.background import pause
from app.kit.backoff import Backoff
from app.kit.broker import BrokerError, QueueSilentError
from app.kit.errors import OverloadedError, UnavailableError
from app.kit.metrics import Metrics
from app.kit.subscription import Delivery, Subscription

log = logging.getLogger(__name__)

AT_ONCE = 2
"""Batches under way: one waits for another service while the other waits for the database. More only compete for the same locks."""
TAKE_WAIT_S = 1.0
FIRST_RECONNECT_S = 0.1
LONGEST_RECONNECT_S = 1.0
FIRST_PAUSE_S = 0.1
LONGEST_PAUSE_S = 2.0

Readable = tuple[Delivery, Message]


class Consumer:
    """One a process; it owns its connection to the broker."""

    def __init__(self, connect: Callable[[], Subscription], handler: BatchHandler, renewal: Renewal, metrics: Metrics) -> None:
        self._connect = connect
        self._handler = handler
        self._renewal = renewal
        self._subscription: Subscription | None = None
        self._deliveries = metrics.counter("deliveries", "messages settled: acknowledged, failed (tried again) or unreadable", "result")

    def check(self) -> None:
        """Return if messages are delivered to this worker.

        Raises:
            UnavailableError: they are not.
        """
        if self._subscription is None:
            raise UnavailableError("the broker is away")

    def wake(self) -> None:
        """It is time to stop; from the event loop."""
        if self._subscription is not None:
            self._subscription.wake()

    async def run(self, stop: asyncio.Event) -> None:
        """Consume until told to stop, over as many connections as it takes."""
        backoff = Backoff(FIRST_RECONNECT_S, LONGEST_RECONNECT_S)
        while not stop.is_set():
            try:
                async with self._connect() as self._subscription:
                    backoff.reset()
                    self._renewal.answered()
                    await self._consume(self._subscription, stop)
            except BrokerError as error:
                log.warning("the broker is away", extra={"error": str(error)})
                if isinstance(error, QueueSilentError):
                    await self._renewal.silent()
                else:
                    self._renewal.answered()
                await pause(stop, backoff.next_s())
            finally:
                self._subscription = None

    async def _consume(self, subscription: Subscription, stop: asyncio.Event) -> None:
        """Until told to stop or the connection is lost; what is in hand is finished first in both cases."""
        under_way: set[asyncio.Task[None]] = set()
        try:
            while not stop.is_set():
                if len(under_way) == AT_ONCE:
                    done, under_way = await asyncio.wait(under_way, return_when=asyncio.FIRST_COMPLETED)
                    for task in done:
                        task.result()
                deliveries = await subscription.take(LARGEST_CALL, TAKE_WAIT_S)
                if deliveries:
                    under_way.add(asyncio.create_task(self._settle(subscription, deliveries, stop)))
        finally:
            for result in await asyncio.gather(*under_way, return_exceptions=True):
                if isinstance(result, BaseException) and not isinstance(result, BrokerError):
                    log.error("a batch failed", exc_info=result)

    async def _settle(self, subscription: Subscription, deliveries: Sequence[Delivery], stop: asyncio.Event) -> None:
        readable: list[Readable] = []
        for delivery in deliveries:
            try:
                readable.append((delivery, Message.model_validate_json(delivery.body)))
            except ValidationError:
                self._settle_unreadable(subscription, delivery)
        if readable:
            await self._settle_readable(subscription, readable, stop)

    async def _settle_readable(self, subscription: Subscription, readable: Sequence[Readable], stop: asyncio.Event) -> None:
        try:
            handled = await self._handle_patiently(_batch(readable), stop)
        except Exception:  # whatever is wrong with one message must not take the others along
            if len(readable) > 1:
                for item in readable:
                    await self._settle_readable(subscription, [item], stop)
                return
            log.exception("a message could not be handled", extra={"enrollment_id": str(readable[0][1].enrollment_id)})
            self._deliveries.labels("failed").inc()
            subscription.reject(readable[0][0], again=True)
            return
        if handled:
            subscription.acknowledge([delivery for delivery, _ in readable])
            self._deliveries.labels("acknowledged").inc(len(readable))

    async def _handle_patiently(self, batch: Batch, stop: asyncio.Event) -> bool:
        """True once the batch is handled; False if it was told to stop while a dependency was away: the messages go back then."""
        backoff = Backoff(FIRST_PAUSE_S, LONGEST_PAUSE_S)
        while True:
            try:
                await asyncio.to_thread(self._handler.handle, batch)
            except (UnavailableError, OverloadedError) as error:
                log.warning("decisions pause until a dependency is back", extra={"error": error.detail})
            else:
                return True
            if stop.is_set():
                return False
            await pause(stop, backoff.next_s())

    def _settle_unreadable(self, subscription: Subscription, delivery: Delivery) -> None:
        """Not from our relay, or damaged; if it was ours, its request is sent again from the outbox."""
        digest = hashlib.sha256(delivery.body).hexdigest()
        log.error("a message is unreadable", extra={"size_bytes": len(delivery.body), "sha256": digest, "dead": delivery.dead})
        self._deliveries.labels("unreadable").inc()
        if delivery.dead:
            subscription.acknowledge([delivery])
        else:
            subscription.reject(delivery, again=False)


def _batch(readable: Sequence[Readable]) -> Batch:
    return Batch.of([(message, delivery.dead, delivery.correlation_id) for delivery, message in readable])
