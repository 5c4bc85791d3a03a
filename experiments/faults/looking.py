"""How faults look at what they did: again and again until it shows or the time is up, and at several nodes at once."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from typing import Final, TypeVar

from experiments.errors import FaultError

POLL_S: Final = 0.02
HEALTH_TIMEOUT_S: Final = 60.0
"""The slowest start, RabbitMQ's, takes 5 s on an idle machine."""

T = TypeVar("T")


def await_no_doubt(doubt: Callable[[], str | None], timeout_s: float) -> None:
    """Return as soon as there is no doubt left.

    Raises:
        FaultError: the doubt that was left when the time was up.
    """
    deadline = time.monotonic() + timeout_s
    while (left := doubt()) is not None:
        if time.monotonic() > deadline:
            raise FaultError(left)
        time.sleep(POLL_S)


def each(names: Iterable[str], act: Callable[[str], T]) -> list[T]:
    """What ``act`` gives for each, all at the same time; every one is done before the first error is raised."""
    found = list(names)
    with ThreadPoolExecutor(max(1, len(found))) as pool:
        futures = [pool.submit(act, name) for name in found]
    return [future.result() for future in futures]
