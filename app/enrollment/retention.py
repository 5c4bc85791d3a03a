"""Forgetting what has had its use: inbox rows and Idempotency-Keys, a few at a time, so that neither table grows for ever."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable
from datetime import timedelta

from app.enrollment import repository
from app.kit.database import Database
from app.kit.errors import OverloadedError, UnavailableError

log = logging.getLogger(__name__)

EVERY_S = 60.0
AT_ONCE = 1000
"""Rows of one statement: some 10 ms of work, so that nobody waits long for their locks."""
PAUSE_S = 0.1
"""Between two statements: the most that is forgotten is some 10,000 rows a second, above what a replica accepts."""


class Retention:
    """Runs in each replica; replicas pass over what another one is just forgetting."""

    def __init__(self, database: Database, *, handled: timedelta, keys: timedelta) -> None:
        """How long inbox rows and Idempotency-Keys are kept."""
        self._database = database
        self._handled = handled
        self._keys = keys

    def run(self, stop: threading.Event) -> None:
        """Forget until told to stop."""
        while not stop.wait(EVERY_S):
            try:
                self._forget_all(lambda: repository.forget_handled(self._database, self._handled, AT_ONCE), stop)
                self._forget_all(lambda: repository.forget_keys(self._database, self._keys, AT_ONCE), stop)
            except (UnavailableError, OverloadedError) as error:
                log.info("old rows are forgotten later", extra={"error": error.detail})

    def _forget_all(self, forget: Callable[[], int], stop: threading.Event) -> None:
        while forget() == AT_ONCE and not stop.wait(PAUSE_S):
            pass
