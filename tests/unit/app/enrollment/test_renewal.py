"""When the queue is made anew."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any, cast

import pytest

from app.enrollment.renewal import Renewal
from app.kit.broker import BrokerError
from app.kit.database import Database


class Outbox:
    """Stands for the database: counts how often everything is to be sent again."""

    def __init__(self) -> None:
        self.sent_again = 0

    def write(self, _work: Callable[..., Any]) -> None:
        """Count it."""
        self.sent_again += 1


class Queue:
    """Counts how often it is deleted."""

    def __init__(self) -> None:
        self.deleted = 0
        self.broker_is_away = False

    async def delete(self) -> None:
        """Count it."""
        if self.broker_is_away:
            raise BrokerError("away")
        self.deleted += 1


@pytest.fixture
def outbox() -> Outbox:
    """Nothing was sent again yet."""
    return Outbox()


@pytest.fixture
def queue() -> Queue:
    """It is there."""
    return Queue()


@pytest.fixture
def renewal(outbox: Outbox, queue: Queue) -> Renewal:
    """Of that queue."""
    return Renewal(cast("Database", outbox), queue.delete)


def test_a_queue_that_is_silent_twice_is_made_anew(renewal: Renewal, outbox: Outbox, queue: Queue) -> None:
    """Once, for the count begins again then."""

    async def scenario() -> None:
        await renewal.silent()
        assert (queue.deleted, outbox.sent_again) == (0, 0)
        await renewal.silent()
        assert (queue.deleted, outbox.sent_again) == (1, 1)
        await renewal.silent()
        assert (queue.deleted, outbox.sent_again) == (1, 1)

    asyncio.run(scenario())


def test_a_queue_that_answers_in_between_is_left_alone(renewal: Renewal, queue: Queue) -> None:
    """It is slow then, or the broker was away."""

    async def scenario() -> None:
        await renewal.silent()
        renewal.answered()
        await renewal.silent()

    asyncio.run(scenario())
    assert queue.deleted == 0


def test_what_fails_is_tried_again_at_the_next_silence(renewal: Renewal, outbox: Outbox, queue: Queue) -> None:
    """Nothing is sent again before the queue is deleted."""

    async def scenario() -> None:
        queue.broker_is_away = True
        await renewal.silent()
        await renewal.silent()
        assert outbox.sent_again == 0
        queue.broker_is_away = False
        await renewal.silent()

    asyncio.run(scenario())
    assert (queue.deleted, outbox.sent_again) == (1, 1)
