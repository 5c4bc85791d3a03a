"""Runs a Pulumi program in this process against a monitor of ours, by the SDK's hook for mocks."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import pickle
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pulumi
from pulumi.runtime import mocks
from pulumi.runtime.settings import SETTINGS
from pulumi.runtime.stack import run_pulumi_func

Program = Callable[[], pulumi.Output[dict[str, Any]]]
"""Registers resources and says what came of them."""

PROJECT = "spirelab"
ONE_PROGRAM_AT_A_TIME = threading.Lock()
"""Pulumi's settings are global to the process."""
_THREADS = 64
"""Registrations that may wait for their node at the same time; asyncio's default would be six on two cores."""


def run_program(program: Program, monitor: mocks.MockMonitor, stack: str, *, preview: bool = False) -> dict[str, Any]:
    """What the program returned, once all its registrations are through.

    Runs on an event loop of its own, and so in a thread that has none.

    Raises:
        Exception: the first that a registration raised.
    """
    loops: list[asyncio.AbstractEventLoop] = []

    def own_loop() -> None:
        loops.append(asyncio.new_event_loop())  # the SDK would make one in each thread, and never close it
        asyncio.set_event_loop(loops[-1])

    own_loop()
    loop = loops[0]
    loop.set_exception_handler(lambda _loop, _context: None)  # the first failure is raised; the others follow from it
    loop.set_default_executor(ThreadPoolExecutor(_THREADS, initializer=own_loop))
    quiet = logging.getLogger("infra.pulumi")
    quiet.propagate = False
    quiet.addHandler(logging.NullHandler())
    result: dict[str, Any] = {}

    async def collect() -> None:
        result.update(await program().future() or {})

    try:
        mocks.set_mocks(monitor.mocks, project=PROJECT, stack=stack, preview=preview, logger=quiet, monitor=monitor)
        SETTINGS.outputs.clear()  # an earlier program that failed leaves its own there, as pulumi.runtime.test knows too
        with pickler_restored():
            loop.run_until_complete(run_pulumi_func(collect))
        return result
    finally:
        loop.run_until_complete(loop.shutdown_default_executor())
        waiting = asyncio.all_tasks(loop)  # for what a failed registration would have given
        for task in waiting:
            task.cancel()
        loop.run_until_complete(asyncio.gather(*waiting, return_exceptions=True))
        for each in loops:
            each.close()
        asyncio.set_event_loop(None)


@contextlib.contextmanager
def pickler_restored() -> Iterator[None]:
    """Undo what the SDK does to the standard pickler.

    For each dynamic resource it wraps it once more and leaves it so, which is meant for a process that ends with its program: here it
    would be slower each time, and too deep a recursion after some 900 resources.
    """
    pickler = pickle._Pickler  # noqa: SLF001 - what the SDK changes
    kept = {name: getattr(pickler, name) for name in ("_batch_setitems", "save_dict")}
    try:
        yield
    finally:
        for name, method in kept.items():
            setattr(pickler, name, method)
