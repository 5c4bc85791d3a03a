"""Publishing and consuming, against RabbitMQ."""

from __future__ import annotations

import asyncio
import uuid
from collections.abc import Awaitable, Callable
from dataclasses import replace

import pytest
from pydantic import SecretStr

from app.kit.broker import BrokerError, QueueMismatchError, WorkQueue, delete_queue
from app.kit.publisher import Outgoing, Publisher
from app.kit.subscription import Delivery, Subscription

LIMIT = 100
PREFETCH = 10
WAIT_S = 1.0
Scenario = Callable[["Broker"], Awaitable[None]]


class Broker:
    """RabbitMQ with a queue of the test's own."""

    def __init__(self, url: SecretStr) -> None:
        self.url = url
        self.queue = WorkQueue(f"test-{uuid.uuid4().hex}", delivery_limit=3)

    def publisher(self) -> Publisher[int]:
        """A connection to publish on."""
        return Publisher(self.url, self.queue, name="test", limit=LIMIT)

    def subscription(self) -> Subscription:
        """A connection to consume on."""
        return Subscription(self.url, self.queue, name="test", prefetch=PREFETCH)

    async def delete(self) -> None:
        """Delete the queue and its dead letters."""
        await delete_queue(self.url, self.queue, name="test")


@pytest.fixture
def run(environment: dict[str, SecretStr]) -> Callable[[Scenario], None]:
    """Runs a scenario with a queue that is deleted after it."""

    async def with_broker(scenario: Scenario) -> None:
        broker = Broker(environment["SPIRE_BROKER_URL"])
        try:
            async with asyncio.timeout(60):
                await scenario(broker)
        finally:
            await broker.delete()

    return lambda scenario: asyncio.run(with_broker(scenario))


async def _publish(publisher: Publisher[int], *numbers: int) -> list[int]:
    """Publish that many messages; gives those that were confirmed."""
    for number in numbers:
        publisher.publish(number, Outgoing(str(number), str(number).encode(), f"request-{number}"))
    confirmed: list[int] = []
    while len(confirmed) < len(numbers):
        await publisher.wait(WAIT_S)
        confirmed += publisher.take_confirmed()
    return confirmed


async def _take(subscription: Subscription, count: int) -> list[Delivery]:
    """That many deliveries."""
    taken: list[Delivery] = []
    while len(taken) < count:
        taken += await subscription.take(count - len(taken), WAIT_S)
    return taken


def test_every_message_is_confirmed_once(run: Callable[[Scenario], None]) -> None:
    """Many confirms are outstanding at once, up to the limit, and each message is confirmed."""

    async def scenario(broker: Broker) -> None:
        async with broker.publisher() as publisher:
            assert publisher.room == LIMIT
            assert sorted(await _publish(publisher, *range(LIMIT))) == list(range(LIMIT))
            assert (publisher.room, publisher.outstanding) == (LIMIT, [])

    run(scenario)


def test_a_message_arrives_with_the_request_that_it_belongs_to(run: Callable[[Scenario], None]) -> None:
    """Bodies and correlation ids come in the order of publishing; no more come than are to be unsettled."""

    async def scenario(broker: Broker) -> None:
        async with broker.publisher() as publisher, broker.subscription() as subscription:
            await _publish(publisher, *range(2 * PREFETCH))
            first = await _take(subscription, PREFETCH)
            assert [(item.body, item.correlation_id, item.dead) for item in first] == [
                (str(number).encode(), f"request-{number}", False) for number in range(PREFETCH)
            ]
            assert await subscription.take(1, 0.1) == []
            subscription.acknowledge(first)
            assert len(await _take(subscription, PREFETCH)) == PREFETCH

    run(scenario)


def test_what_was_acknowledged_never_comes_again(run: Callable[[Scenario], None]) -> None:
    """Of a lost connection only what was not settled is delivered again, also where one acknowledgement was for many."""

    async def scenario(broker: Broker) -> None:
        async with broker.publisher() as publisher:
            await _publish(publisher, 0, 1, 2, 3)
        async with broker.subscription() as subscription:
            taken = await _take(subscription, 4)
            subscription.acknowledge([taken[1]])
            subscription.acknowledge([taken[0]])
        async with broker.subscription() as subscription:
            assert [item.body for item in await _take(subscription, 2)] == [b"2", b"3"]

    run(scenario)


def test_a_message_that_always_fails_becomes_a_dead_letter(run: Callable[[Scenario], None]) -> None:
    """It is delivered again as often as the limit says and then comes from the dead letters; the one after it is not held up."""

    async def scenario(broker: Broker) -> None:
        async with broker.publisher() as publisher, broker.subscription() as subscription:
            await _publish(publisher, 0, 1)
            attempts = 0
            while not (item := (await _take(subscription, 1))[0]).dead:
                if item.body == b"1":
                    subscription.acknowledge([item])
                else:
                    attempts += 1
                    subscription.reject(item, again=True)
            assert (item.body, attempts) == (b"0", broker.queue.delivery_limit + 1)
            subscription.acknowledge([item])

    run(scenario)


def test_a_queue_that_is_gone_ends_both_connections(run: Callable[[Scenario], None]) -> None:
    """What was published into nowhere is never confirmed, a consumer learns of it too, and new connections make the queue anew."""

    async def scenario(broker: Broker) -> None:
        async with broker.publisher() as publisher, broker.subscription() as subscription:
            await delete_queue(broker.url, broker.queue, name="test")
            with pytest.raises(BrokerError):
                await _publish(publisher, 1)
            assert (publisher.take_confirmed(), publisher.outstanding) == ([], [1])
            with pytest.raises(BrokerError):
                await _take(subscription, 1)
        async with broker.publisher() as publisher:
            assert await _publish(publisher, 1) == [1]

    run(scenario)


def test_another_delivery_limit_is_told_from_an_outage(run: Callable[[Scenario], None]) -> None:
    """The queue can't be declared with other arguments; who may, deletes it and declares it anew."""

    async def scenario(broker: Broker) -> None:
        async with broker.publisher():
            pass
        broker.queue = replace(broker.queue, delivery_limit=broker.queue.delivery_limit + 1)
        with pytest.raises(QueueMismatchError):
            await broker.publisher().__aenter__()
        await delete_queue(broker.url, broker.queue, name="test")
        async with broker.publisher():
            pass

    run(scenario)


def test_a_broker_that_is_away_is_an_error(environment: dict[str, SecretStr]) -> None:
    """Nothing listens on that port; the address is in no message."""
    url = environment["SPIRE_BROKER_URL"].get_secret_value()
    head, _, tail = url.rpartition("/")
    nowhere = SecretStr(f"{head.rpartition(':')[0]}:1/{tail}")

    async def connect() -> None:
        async with Publisher[int](nowhere, WorkQueue("none", 1), name="test", limit=1):
            pass

    with pytest.raises(BrokerError) as caught:
        asyncio.run(connect())
    assert "127.0.0.1" not in str(caught.value)
