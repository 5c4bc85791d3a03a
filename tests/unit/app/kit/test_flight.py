"""Single flight on an event loop."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

import pytest

from app.kit.flight import SingleFlight


class Loads:
    """A load that can be held, and how often it was asked for."""

    def __init__(self) -> None:
        self.count = 0
        self.joined = 0
        self.release = asyncio.Event()

    def join(self) -> None:
        """Count a request that was spared a load."""
        self.joined += 1

    async def load(self) -> int:
        """The number of this load, once released."""
        self.count += 1
        number = self.count
        await self.release.wait()
        return number


async def _started(flights: SingleFlight[int], load: Callable[[], Awaitable[int]], count: int) -> list[asyncio.Task[int]]:
    tasks = [asyncio.create_task(flights.run("key", load)) for _ in range(count)]
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    return tasks


def test_who_asks_during_a_load_gets_its_result() -> None:
    """Followers wait for the one load that is under way and share its result; afterwards it is loaded anew."""

    async def scenario() -> None:
        loads = Loads()
        flights: SingleFlight[int] = SingleFlight(loads.join)
        tasks = await _started(flights, loads.load, 8)
        loads.release.set()
        assert await asyncio.gather(*tasks) == [1] * 8
        assert (loads.count, loads.joined) == (1, 7)
        assert await flights.run("key", loads.load) == 2

    asyncio.run(scenario())


def test_another_key_does_not_wait() -> None:
    """While one key is loading another one is loaded by who asks for it."""

    async def scenario() -> str:
        flights: SingleFlight[str] = SingleFlight(lambda: None)

        async def answer() -> str:
            return "answer"

        return await flights.run("outer", lambda: flights.run("inner", answer))

    assert asyncio.run(scenario()) == "answer"


def test_a_failed_load_fails_its_waiters_and_leaves_nothing_behind() -> None:
    """The exception is everybody's; the next one who asks loads again."""

    async def scenario() -> None:
        flights: SingleFlight[int] = SingleFlight(lambda: None)

        async def fail() -> int:
            await asyncio.sleep(0)
            raise LookupError("gone")

        async def back() -> int:
            return 7

        results = await asyncio.gather(*(flights.run("key", fail) for _ in range(3)), return_exceptions=True)
        assert [type(result) for result in results] == [LookupError] * 3
        assert await flights.run("key", back) == 7

    asyncio.run(scenario())


def test_a_client_that_leaves_takes_nobody_s_answer_along() -> None:
    """Where the request that began the load is cancelled, the others still get the result."""

    async def scenario() -> None:
        loads = Loads()
        flights: SingleFlight[int] = SingleFlight(loads.join)
        first, second = await _started(flights, loads.load, 2)
        first.cancel()
        with pytest.raises(asyncio.CancelledError):
            await first
        loads.release.set()
        assert await second == 1

    asyncio.run(scenario())
