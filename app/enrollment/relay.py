"""The relay: carries tasks from the outbox to the queue, and marks them sent once the broker has confirmed them.

What this replica has just accepted is handed over in memory, already leased; what is left over by a crash, an outage of the broker or a
lack of room is claimed from the outbox. It lives on the event loop (see :mod:`app.kit.broker` for why), its statements in a thread.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections import deque
from collections.abc import Callable, Sequence

from app.enrollment import repository
from app.enrollment.messages import Task
from app.enrollment.renewal import Renewal
from app.enrollment.repository import Backlog
from app.kit.background import pause
from app.kit.backoff import Backoff
from app.kit.broker import BrokerError, QueueMismatchError, QueueSilentError
from app.kit.database import Database
from app.kit.errors import OverloadedError, UnavailableError
from app.kit.metrics import Metrics
from app.kit.publisher import Outgoing, Publisher

log = logging.getLogger(__name__)

CLAIM = 200
"""Tasks that are claimed at once: some 50 ms of publishing."""
IDLE_POLL_S = 1.0
"""The poll finds what another replica accepted and could not send."""
TURN = 32
"""Messages that are published before requests have their turn on the event loop: some 3 ms."""
FIRST_RECONNECT_S = 0.1
LONGEST_RECONNECT_S = 1.0
"""The broker is noticed this soon after its return: what was accepted meanwhile waits for it."""
BACKLOG_EVERY_S = 5.0
LAST_CONFIRMS_S = 1.0
"""What a relay that stops waits for confirms; without one a task is sent again by another replica, which has no second effect."""
DATABASE_AWAY = (UnavailableError, OverloadedError)


class Relay:
    """One in each replica; it owns its connections to the database and to the broker."""

    def __init__(
        self,
        database: Database,
        connect: Callable[[], Publisher[Task]],
        renewal: Renewal,
        metrics: Metrics,
        *,
        in_flight_limit: int,
    ) -> None:
        """At most ``in_flight_limit`` tasks are sent whose effect is not stored yet, but for what other relays send between two counts."""
        self._database = database
        self._connect = connect
        self._renewal = renewal
        self._publisher: Publisher[Task] | None = None
        self._leased: deque[Task] = deque()
        self._next_claim_s = float("-inf")
        self._in_flight_limit = in_flight_limit
        self._backlog = Backlog()
        self._backlog_read_s = float("-inf")
        self._published_since = 0
        """Tasks that this relay has published since the backlog was counted."""
        self._sent = metrics.counter("outbox_sent", "tasks that the broker has confirmed")
        metrics.watch("outbox_unsent", "tasks in the outbox that were never sent", lambda: float(self._backlog.unsent))
        metrics.watch("outbox_oldest_age_seconds", "age of the oldest task that was never sent", lambda: self._backlog.oldest_unsent_s)
        metrics.watch("outbox_undone", "tasks that were sent and whose effect is not stored yet", lambda: float(self._backlog.undone))
        metrics.watch("broker_connected", "1 while there is a connection to the broker", lambda: float(self._publisher is not None))
        metrics.watch("confirms_outstanding", "messages published and not confirmed", lambda: float(self._outstanding_count()))

    @property
    def ready(self) -> bool:
        """Whether tasks that are given to it would be published now."""
        return self._publisher is not None and self._room(self._publisher) > 0

    def take(self, tasks: Sequence[Task]) -> None:
        """Publish these, which nobody else will before their lease ends; from the event loop."""
        self._leased.extend(tasks)
        self._notice()

    def wake(self) -> None:
        """There are new tasks for anybody in the outbox, or it is time to stop; from the event loop."""
        self._next_claim_s = float("-inf")
        self._notice()

    async def run(self, stop: asyncio.Event) -> None:
        """Relay until told to stop, over as many connections as it takes."""
        backoff = Backoff(FIRST_RECONNECT_S, LONGEST_RECONNECT_S)
        while not stop.is_set():
            try:
                async with self._connect() as self._publisher:
                    backoff.reset()
                    await self._relay(self._publisher, stop)
            except QueueMismatchError:
                log.warning("the queue was made with another delivery limit: it is made anew, and what was in it is sent again")
                await self._renewal.renew()
                await pause(stop, backoff.next_s())
            except BrokerError as error:
                log.warning("the broker is away", extra={"error": str(error)})
                if isinstance(error, QueueSilentError):
                    await self._renewal.silent()
                else:
                    self._renewal.answered()
                await self._read_backlog()  # it grows now, and that is when somebody wants to know
                await pause(stop, backoff.next_s())

    async def _relay(self, publisher: Publisher[Task], stop: asyncio.Event) -> None:
        self._next_claim_s = float("-inf")
        try:
            while not stop.is_set():
                await self._claim(publisher)
                await self._publish(publisher)
                await self._mark(publisher.take_confirmed())
                await self._read_backlog()
                await publisher.wait(self._idle_s(publisher))
            await self._await_last_confirms(publisher)
        finally:
            self._publisher = None
            await self._let_go(publisher)

    def _idle_s(self, publisher: Publisher[Task]) -> float:
        """How long there is nothing to do but to wait for what happens."""
        if self._leased and publisher.room:
            return 0.0
        if self._room(publisher) <= 0:  # only confirms, or the workers, make room for another claim
            return IDLE_POLL_S
        return max(0.0, min(self._next_claim_s - time.monotonic(), IDLE_POLL_S))

    def _room(self, publisher: Publisher[Task]) -> int:
        """How many more tasks may be taken on to be published."""
        return min(publisher.room, self._in_flight_limit - self._in_flight_count) - len(self._leased)

    @property
    def _in_flight_count(self) -> int:
        return self._backlog.undone + self._published_since

    async def _claim(self, publisher: Publisher[Task]) -> None:
        most = min(CLAIM, self._room(publisher))
        if most <= 0 or time.monotonic() < self._next_claim_s:
            return
        self._next_claim_s = time.monotonic() + IDLE_POLL_S
        try:
            claimed = await asyncio.to_thread(repository.claim, self._database, most)
        except DATABASE_AWAY:
            return
        self._leased.extend(claimed)
        if len(claimed) == most:
            self._next_claim_s = float("-inf")

    async def _publish(self, publisher: Publisher[Task]) -> None:
        while self._leased and publisher.room:
            for _ in range(min(TURN, publisher.room, len(self._leased))):
                task = self._leased[0]
                body = task.message().model_dump_json().encode()
                publisher.publish(task, Outgoing(str(task.enrollment_id), body, task.request_id))
                self._leased.popleft()
                self._published_since += 1
            await asyncio.sleep(0)

    async def _mark(self, sent: Sequence[Task]) -> None:
        if not sent:
            return
        self._renewal.answered()
        self._sent.inc(len(sent))
        try:
            await asyncio.to_thread(repository.mark_sent, self._database, [task.outbox_id for task in sent])
        except DATABASE_AWAY:
            log.warning("could not mark tasks as sent: they are sent twice, which has no second effect")

    async def _await_last_confirms(self, publisher: Publisher[Task]) -> None:
        deadline_s = time.monotonic() + LAST_CONFIRMS_S
        while publisher.outstanding and (left_s := deadline_s - time.monotonic()) > 0:
            await publisher.wait(left_s)

    async def _let_go(self, publisher: Publisher[Task]) -> None:
        """Mark what is confirmed, and let any relay have the rest now instead of when its lease ends."""
        await self._mark(publisher.take_confirmed())
        unsent = [task.outbox_id for task in (*publisher.outstanding, *self._leased)]
        self._leased.clear()
        if unsent:
            try:
                await asyncio.to_thread(self._database.write, lambda session: repository.give_back(session, unsent))
            except DATABASE_AWAY:
                log.warning("could not give tasks back: they are claimed when their lease ends")

    async def _read_backlog(self) -> None:
        now_s = time.monotonic()
        every_s = BACKLOG_EVERY_S if self._in_flight_count < self._in_flight_limit else IDLE_POLL_S
        if now_s - self._backlog_read_s < every_s:
            return
        self._backlog_read_s = now_s
        try:
            self._backlog = await asyncio.to_thread(self._database.read, repository.backlog)
        except DATABASE_AWAY:
            log.info("the outbox could not be counted")
        else:
            self._published_since = self._outstanding_count()  # these are sent, but not marked so

    def _notice(self) -> None:
        if self._publisher is not None:
            self._publisher.wake()

    def _outstanding_count(self) -> int:
        return 0 if self._publisher is None else len(self._publisher.outstanding)
