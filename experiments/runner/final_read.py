"""The end of a trial: waits until the system is quiet, then reads the business state through the API and from each database."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from experiments.records.history import Mark, Row
from experiments.runner.api_read import ApiReader
from experiments.runner.database_read import DatabaseReader
from experiments.runner.looks import After, Asked, Clock

POLL_S: Final = 0.2


def read_after(
    api: ApiReader, databases: DatabaseReader | None, asked: Asked, *, clock: Clock, timeout_s: float, sleep: Callable[[float], None]
) -> After:
    """Wait until nothing is under way, at most ``timeout_s``, then read.

    Without databases to look into, what clients were told to wait for is all that can be waited for.

    Raises:
        TrialError: the API or a database can't be read.
    """
    waiting = list(asked.accepted)
    deadline_s = clock() + timeout_s
    while True:
        if databases is None:
            waiting = api.pending(waiting)
            is_quiet = not waiting
        else:
            is_quiet = databases.under_way() == 0
        if is_quiet or clock() > deadline_s:
            break
        sleep(POLL_S)
    settled = Mark(at_s=clock(), name="quiet" if is_quiet else "not_quiet")
    rows: list[Row] = api.after(asked)
    if databases is not None:
        rows += databases.after(asked.students, asked.known)
    return (settled, *rows)
