"""Single flight: one load per key at a time, whose result everybody who asked meanwhile gets."""

from __future__ import annotations

import threading
from collections.abc import Callable, Hashable
from concurrent.futures import Future
from typing import Generic, TypeVar

T = TypeVar("T")


class SingleFlight(Generic[T]):
    """Keeps a cold hot key from being loaded by every thread at once."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._flights: dict[Hashable, Future[T]] = {}

    def run(self, key: Hashable, load: Callable[[], T]) -> T:
        """The result of ``load``, or of the one that is under way for this key; its exception likewise."""
        with self._lock:
            flight = self._flights.get(key)
            leads = flight is None
            if flight is None:
                flight = self._flights[key] = Future()
        if not leads:
            return flight.result()
        try:
            flight.set_result(load())
        except BaseException as error:  # every waiter must learn of it, whatever it is
            flight.set_exception(error)
            raise
        finally:
            with self._lock:
                del self._flights[key]
        return flight.result()
