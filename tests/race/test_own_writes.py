"""Who makes something reads it at once, however many asked for it before it was there."""

from __future__ import annotations

import asyncio

from infra.deployment import Deployment
from tests.race.api import Api
from tests.race.history import Final, Log
from tests.race.rules import reads_are_fresh

ROUNDS = 200
READERS = 16
NOTHING_LEFT = Final({}, {}, {}, {}, frozenset())


async def _make_while_others_ask(deployment: Deployment) -> Log:
    log = Log()
    api = Api(deployment.endpoints.gateway_url, log)
    upcoming = 0

    async def read_what_comes_next() -> None:
        while upcoming >= 0:
            await api.read(f"/students/{upcoming}")

    async def make_and_read() -> None:
        nonlocal upcoming
        for _ in range(ROUNDS):
            made = await api.write("POST", "/students", {"name": "Next"})
            await api.read(made.path)
            upcoming = int(made.path.rpartition("/")[2]) + 1
        upcoming = -1

    try:
        await asyncio.gather(make_and_read(), *(read_what_comes_next() for _ in range(READERS)))
    finally:
        api.close()
    return log


def test_a_read_that_found_nothing_is_no_answer_for_who_comes_after_the_creation(lab: Deployment) -> None:
    """Nobody is told that a student is unknown once its creation was acknowledged."""
    history = asyncio.run(_make_while_others_ask(lab)).closed(NOTHING_LEFT)
    assert list(reads_are_fresh(history)) == []
