"""Single flight: one load per key at a time, whose result everybody who asked meanwhile gets."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Hashable
from typing import Generic, TypeVar

T = TypeVar("T")


class SingleFlight(Generic[T]):
    """Keeps a cold hot key from being loaded by every request at once; used from one event loop."""

    def __init__(self, on_join: Callable[[], None]) -> None:
        """``on_join`` is called for every request that was spared a load."""
        self._flights: dict[Hashable, asyncio.Task[T]] = {}
        self._on_join = on_join

    async def run(self, key: Hashable, load: Callable[[], Awaitable[T]]) -> T:
        """The result of ``load``, or of the one that is under way for this key; its exception likewise."""
        flight = self._flights.get(key)
        if flight is None:
            # A task of its own: the others must get their answer also where the one who began has gone.
            flight = self._flights[key] = asyncio.ensure_future(_awaited(load))
            flight.add_done_callback(lambda _: self._flights.pop(key))
        else:
            self._on_join()
        return await asyncio.shield(flight)


async def _awaited(load: Callable[[], Awaitable[T]]) -> T:
    return await load()
