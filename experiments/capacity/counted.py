"""Reads that are counted at the database: a cold key met by many clients at once, and many keys from an empty cache."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Sequence
from contextlib import AsyncExitStack

from experiments.capacity.client import Answer, Connection, each
from experiments.capacity.result import Result
from experiments.definition import Quantity

Statements = Callable[[], float]
"""SQL statements that courses-db has executed for its service so far."""


async def cold_keys(urls: Sequence[str], clients: int, course_ids: Sequence[int], statements: Statements) -> Result:
    """Ask for each course with all clients at the same moment, on connections that are open already.

    The statements are those of the worst course: the mean would hide that one stampede.

    Raises:
        OSError: a replica can't be reached.
    """
    worst = failed = 0.0
    began_s = time.monotonic()
    async with AsyncExitStack() as stack:
        connections = [await stack.enter_async_context(Connection(urls[number % len(urls)])) for number in range(clients)]
        for course_id in course_ids:
            before = statements()
            answers = await asyncio.gather(*(connection.get(f"/courses/{course_id}") for connection in connections))
            worst = max(worst, statements() - before)
            failed += _failed(answers)
    return _result(began_s, clients * len(course_ids), failed, keys=1, statements=worst)


async def many_keys(urls: Sequence[str], clients: int, course_ids: Sequence[int], statements: Statements) -> Result:
    """Ask for the courses in this order, as fast as they are answered.

    Raises:
        OSError: a replica can't be reached.
    """
    before = statements()
    began_s = time.monotonic()
    answers = await each(urls, clients, course_ids, lambda connection, course_id: connection.get(f"/courses/{course_id}"))
    return _result(began_s, len(course_ids), _failed(answers), keys=len(set(course_ids)), statements=statements() - before)


def _failed(answers: Sequence[Answer]) -> int:
    return sum(not answer.ok for answer in answers)


def _result(began_s: float, sent: int, failed: float, *, keys: int, statements: float) -> Result:
    values = {
        Quantity.DURATION_S: time.monotonic() - began_s,
        Quantity.REQUESTS: sent - failed,
        Quantity.FAILED_REQUESTS: failed,
        Quantity.KEYS: keys,
        Quantity.SQL_STATEMENTS: statements,
    }
    return Result(values, f"{failed:g} of {sent} requests failed" if failed else None)
