"""The relay: carries tasks from the outbox to the queue, and marks them sent once the broker has confirmed them."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Sequence

from app.enrollment import repository
from app.enrollment.messages import Message
from app.enrollment.repository import Task
from app.kit.broker import BrokerError, BrokerLink, QueueMismatchError
from app.kit.database import Database
from app.kit.errors import UnavailableError
from app.kit.metrics import Metrics

log = logging.getLogger(__name__)

BATCH = 50
IDLE_POLL_S = 1.0
"""A request wakes the relay of its own replica; the poll finds what another replica accepted and could not send."""
RECONNECT_S = 0.5
BACKLOG_EVERY_S = 5.0


class Relay:
    """One thread in each replica; it owns its connections to the database and to the broker."""

    def __init__(self, database: Database, connect: Callable[[], BrokerLink], delete_queue: Callable[[], None], metrics: Metrics) -> None:
        self._database = database
        self._connect = connect
        self._delete_queue = delete_queue
        self._link: BrokerLink | None = None
        self._backlog: tuple[int, float] = (0, 0.0)
        self._backlog_read_s = float("-inf")
        self._sent = metrics.counter("outbox_sent", "tasks that the broker has confirmed")
        metrics.watch("outbox_unsent", "tasks in the outbox that were never sent", lambda: float(self._backlog[0]))
        metrics.watch("outbox_oldest_age_seconds", "age of the oldest task that was never sent", lambda: self._backlog[1])

    def wake(self) -> None:
        """There is something to send; from any thread."""
        link = self._link
        if link is not None:
            link.wake()

    def run(self, stop: threading.Event) -> None:
        """Relay until told to stop, over as many connections as it takes."""
        while not stop.is_set():
            try:
                self._link = self._connect()
                try:
                    self._relay(self._link, stop)
                finally:
                    link, self._link = self._link, None
                    link.close()
            except QueueMismatchError:
                log.warning("the queue was made with another delivery limit: it is made anew, and what was in it is sent again")
                self._renew_queue(stop)
            except BrokerError as error:
                log.warning("the broker is away", extra={"error": str(error)})
                stop.wait(RECONNECT_S)

    def _relay(self, link: BrokerLink, stop: threading.Event) -> None:
        while not stop.is_set():
            try:
                self._read_backlog()
                tasks = self._database.write(lambda session: repository.claim(session, BATCH))
            except UnavailableError:
                link.pump(IDLE_POLL_S)
                continue
            if tasks:
                self._publish(link, tasks)
            else:
                link.pump(IDLE_POLL_S)

    def _publish(self, link: BrokerLink, tasks: Sequence[Task]) -> None:
        sent: list[int] = []
        try:
            for task in tasks:
                message = Message(kind=task.kind, enrollment_id=task.enrollment_id)
                link.publish(str(task.enrollment_id), message.model_dump_json().encode())
                sent.append(task.outbox_id)
        finally:
            self._sent.inc(len(sent))
            self._settle(sent, [task.outbox_id for task in tasks if task.outbox_id not in sent])

    def _settle(self, sent: Sequence[int], unsent: Sequence[int]) -> None:
        try:
            if sent:
                self._database.write(lambda session: repository.mark_sent(session, sent))
            if unsent:
                self._database.write(lambda session: repository.give_back(session, unsent))
        except UnavailableError:
            log.warning("could not mark tasks as sent: they are sent twice, which has no second effect")

    def _renew_queue(self, stop: threading.Event) -> None:
        try:
            self._delete_queue()
            self._database.write(repository.send_all_again)
        except (BrokerError, UnavailableError) as error:
            log.warning("the queue could not be made anew yet", extra={"error": str(error)})
            stop.wait(RECONNECT_S)

    def _read_backlog(self) -> None:
        now_s = time.monotonic()
        if now_s - self._backlog_read_s >= BACKLOG_EVERY_S:
            self._backlog = self._database.read(repository.backlog)
            self._backlog_read_s = now_s
