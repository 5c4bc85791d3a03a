"""Making the queue anew, which loses nothing: the outbox has every task whose effect is not stored."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable

from app.enrollment import repository
from app.kit.broker import BrokerError
from app.kit.database import Database
from app.kit.errors import OverloadedError, UnavailableError

log = logging.getLogger(__name__)

SILENCES = 2
"""Times in a row that the queue was silent over a connection of its own, with a broker that answered each time. A relay waits 10 s for a
confirm and a worker 5 s to become a consumer: a queue that is only slow is done by then."""


class Renewal:
    """Deletes the queue, so that the next connection declares it; one for each relay and each worker."""

    def __init__(self, database: Database, delete_queue: Callable[[], Awaitable[None]]) -> None:
        self._database = database
        self._delete_queue = delete_queue
        self._silences = 0

    def answered(self) -> None:
        """The queue has taken a message or a consumer, or the broker is away altogether."""
        self._silences = 0

    async def silent(self) -> None:
        """The queue has not answered: it is made anew where it did not the last time either."""
        self._silences += 1
        if self._silences >= SILENCES:
            log.warning("the queue has no leader: it is made anew, and what was in it is sent again")
            await self.renew()

    async def renew(self) -> None:
        """Delete the queue and have every task sent again.

        Where the queue can't be deleted now, the next failure asks for it again; where the database is away just after that, what was sent
        is sent again after its usual time.
        """
        try:
            await self._delete_queue()
            await asyncio.to_thread(self._database.write, repository.send_all_again)
        except (BrokerError, UnavailableError, OverloadedError) as error:
            log.warning("the queue could not be made anew yet", extra={"error": str(error)})
        else:
            self._silences = 0
