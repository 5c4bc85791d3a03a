"""Work on the event loop beside the requests."""

from __future__ import annotations

import asyncio

from app.kit import background
from app.kit.background import BackgroundTask, pause


def test_a_task_is_told_to_stop_and_finishes() -> None:
    """Whatever it waits for is ended by its wake function; what it does after that is waited for, and then it is closed."""

    async def scenario() -> None:
        events: list[str] = []
        awake = asyncio.Event()

        async def work(stop: asyncio.Event) -> None:
            await awake.wait()
            assert stop.is_set()
            await asyncio.sleep(0)
            events.append("finished")

        task = BackgroundTask("test", work, wake=awake.set, close=lambda: events.append("closed"))
        task.start()
        await asyncio.sleep(0)
        await task.stop()
        assert events == ["finished", "closed"]

    asyncio.run(scenario())


def test_a_mistake_does_not_end_the_work() -> None:
    """The work starts again after an exception that nobody expected."""

    async def scenario() -> None:
        runs = 0
        again = asyncio.Event()

        async def work(stop: asyncio.Event) -> None:
            nonlocal runs
            runs += 1
            if runs == 1:
                raise LookupError("a mistake")
            again.set()
            await stop.wait()

        task = BackgroundTask("test", work, wake=lambda: None)
        task.start()
        async with asyncio.timeout(10 * background.RESTART_DELAY_S):
            await again.wait()
        await task.stop()
        assert runs == 2

    asyncio.run(scenario())


def test_a_task_that_was_never_started_can_be_stopped() -> None:
    """An application that fails while it starts stops all of its parts."""

    async def never(_: asyncio.Event) -> None:
        raise AssertionError("it was not started")

    asyncio.run(BackgroundTask("test", never, wake=lambda: None).stop())


def test_a_pause_ends_when_it_is_time_to_stop() -> None:
    """Nobody waits for a pause to pass before a process can end."""

    async def scenario() -> None:
        stop = asyncio.Event()
        pausing = asyncio.create_task(pause(stop, 3600))
        await asyncio.sleep(0)
        stop.set()
        await pausing
        await pause(asyncio.Event(), 0)

    asyncio.run(scenario())
