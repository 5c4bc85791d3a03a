"""The worker's loop: takes what is there, has it handled, and settles it; an outage pauses it and costs no message an attempt."""

from __future__ import annotations

import hashlib
import logging
import threading
from collections.abc import Callable, Sequence

from pydantic import ValidationError

from app.enrollment.messages import Message
from app.enrollment.worker.batch import Batch, BatchHandler
from app.kit.broker import BrokerError, BrokerLink, Delivery
from app.kit.errors import UnavailableError
from app.kit.metrics import Metrics

log = logging.getLogger(__name__)

TAKE_WAIT_S = 0.5
RECONNECT_S = 0.5
FIRST_PAUSE_S = 0.1
LONGEST_PAUSE_S = 2.0


class Consumer:
    """One thread; it owns its connection to the broker."""

    def __init__(self, connect: Callable[[], BrokerLink], prefetch: int, handler: BatchHandler, metrics: Metrics) -> None:
        self._connect = connect
        self._prefetch = prefetch
        self._handler = handler
        self._consuming = False
        self._deliveries = metrics.counter("deliveries", "messages settled: acknowledged, failed (tried again) or unreadable", "result")

    def check(self) -> None:
        """Return if messages are delivered to this worker.

        Raises:
            UnavailableError: they are not.
        """
        if not self._consuming:
            raise UnavailableError("the broker is away")

    def run(self, stop: threading.Event) -> None:
        """Consume until told to stop, over as many connections as it takes."""
        while not stop.is_set():
            try:
                link = self._connect()
                try:
                    link.consume(self._prefetch)
                    self._consuming = True
                    while not stop.is_set():
                        self._settle(link, link.take(TAKE_WAIT_S), stop)
                finally:
                    self._consuming = False
                    link.close()
            except BrokerError as error:
                log.warning("the broker is away", extra={"error": str(error)})
                stop.wait(RECONNECT_S)

    def _settle(self, link: BrokerLink, deliveries: Sequence[Delivery], stop: threading.Event) -> None:
        readable: list[tuple[Delivery, Message]] = []
        for delivery in deliveries:
            try:
                readable.append((delivery, Message.model_validate_json(delivery.body)))
            except ValidationError:
                self._settle_unreadable(link, delivery)
        if readable:
            self._settle_readable(link, readable, stop)

    def _settle_readable(self, link: BrokerLink, readable: Sequence[tuple[Delivery, Message]], stop: threading.Event) -> None:
        try:
            handled = self._handle_patiently(link, Batch.of([(message, delivery.dead) for delivery, message in readable]), stop)
        except BrokerError:
            raise
        except Exception:  # whatever is wrong with one message must not take the others along
            if len(readable) > 1:
                for item in readable:
                    self._settle_readable(link, [item], stop)
                return
            log.exception("a message could not be handled", extra={"enrollment_id": str(readable[0][1].enrollment_id)})
            self._deliveries.labels("failed").inc()
            link.reject(readable[0][0], again=True)
            return
        if handled:
            for delivery, _ in readable:
                link.acknowledge(delivery)
            self._deliveries.labels("acknowledged").inc(len(readable))

    def _handle_patiently(self, link: BrokerLink, batch: Batch, stop: threading.Event) -> bool:
        """True once the batch is handled; False if it was told to stop while a dependency was away: the messages go back then."""
        pause_s = FIRST_PAUSE_S
        while True:
            try:
                self._handler.handle(batch)
            except UnavailableError as error:
                log.warning("decisions pause until a dependency is back", extra={"error": error.detail})
            else:
                return True
            if stop.is_set():
                return False
            link.pump(pause_s)
            pause_s = min(pause_s * 2, LONGEST_PAUSE_S)

    def _settle_unreadable(self, link: BrokerLink, delivery: Delivery) -> None:
        """Not from our relay, or damaged; if it was ours, its request is sent again from the outbox."""
        digest = hashlib.sha256(delivery.body).hexdigest()
        log.error("a message is unreadable", extra={"size_bytes": len(delivery.body), "sha256": digest, "dead": delivery.dead})
        self._deliveries.labels("unreadable").inc()
        if delivery.dead:
            link.acknowledge(delivery)
        else:
            link.reject(delivery, again=False)
