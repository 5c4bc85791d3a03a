"""What a link does to real connections; a lower bound of a delay is no matter of how busy the machine is."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator, Awaitable, Callable

import httpx
import pytest

from infra.links.conditions import NORMAL, Conditions, Direction, Passage, Route
from infra.links.control import TOKEN_HEADER, LinkControl
from infra.links.proxy import Link

SHORT_S = 0.2
"""Long enough for anything that passes to arrive on loopback; too short only makes a test pass that should fail."""
PATIENCE_S = 20.0
TOKEN = "t" * 32
Streams = tuple[asyncio.StreamReader, asyncio.StreamWriter]
Scenario = Callable[["Bench"], Awaitable[None]]


class Bench:
    """A link to a server that sends back what it gets, and counts who came."""

    def __init__(self, link: Link, port: int, arrived: list[bytes]) -> None:
        self.link = link
        self.port = port
        self.arrived = arrived
        self._writers: list[asyncio.StreamWriter] = []

    async def connect(self) -> Streams:
        """A client's connection through the link."""
        reader, writer = await asyncio.open_connection("127.0.0.1", self.port)
        self._writers.append(writer)
        return reader, writer

    async def close(self) -> None:
        """Close the connections of clients."""
        for writer in self._writers:
            writer.close()
            with contextlib.suppress(OSError):
                await writer.wait_closed()

    async def echo(self, streams: Streams, data: bytes) -> bytes:
        """What comes back."""
        reader, writer = streams
        writer.write(data)
        return await reader.readexactly(len(data))


@contextlib.asynccontextmanager
async def bench() -> AsyncIterator[Bench]:
    """A link, its server, and an end to both."""
    arrived: list[bytes] = []

    async def echo(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(OSError):
            while data := await reader.read(65536):
                arrived.append(data)
                writer.write(data)
                await writer.drain()
            arrived.append(b"")
        writer.close()

    server = await asyncio.start_server(echo, "127.0.0.1", 0)
    held = await asyncio.start_server(echo, "127.0.0.1", 0)
    port: int = held.sockets[0].getsockname()[1]
    held.close()
    route = Route(
        name="a-to-b", listen_host="127.0.0.1", listen_port=port, server_host="127.0.0.1", server_port=server.sockets[0].getsockname()[1]
    )
    link = Link(route)
    await link.start()
    found = Bench(link, port, arrived)
    try:
        yield found
    finally:
        await found.close()
        await link.stop()
        server.close()


def run(scenario: Scenario) -> None:
    """Run it, within reason."""

    async def limited() -> None:
        async with asyncio.timeout(PATIENCE_S), bench() as found:
            await scenario(found)

    asyncio.run(limited())


def test_a_normal_link_passes_everything_both_ways_and_its_end() -> None:
    """More than any buffer holds comes back as it was, and the end of one side reaches the other."""

    async def scenario(found: Bench) -> None:
        reader, writer = await found.connect()
        data = bytes(range(256)) * 20_000
        writer.write(data)
        writer.write_eof()
        assert await reader.read(-1) == data
        writer.close()
        while found.link.state.connections:  # noqa: ASYNC110 - nothing announces it
            await asyncio.sleep(0.01)
        state = found.link.state
        assert (state.bytes_to_server, state.bytes_to_client) == (len(data), len(data))

    run(scenario)


@pytest.mark.parametrize(("direction", "arrives"), [(Direction.BOTH, False), (Direction.TO_SERVER, False), (Direction.TO_CLIENT, True)])
def test_a_silent_link_holds_what_is_sent_until_it_is_over(direction: Direction, *, arrives: bool) -> None:
    """Nothing comes back; whether the server hears it depends on the way that is silent; afterwards all of it arrives, in order."""

    async def scenario(found: Bench) -> None:
        streams = await found.connect()
        await found.echo(streams, b"before")
        await found.link.set(Conditions(passage=Passage.SILENT, direction=direction))
        streams[1].write(b"during")
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(streams[0].read(1), SHORT_S)
        assert (b"during" in found.arrived) is arrives
        await found.link.set(NORMAL)
        assert await streams[0].readexactly(6) == b"during"

    run(scenario)


def test_who_gave_up_on_a_silent_link_never_had_a_connection() -> None:
    """New connections wait; what was sent on one that was closed meanwhile never arrives, what is still waiting does."""

    async def scenario(found: Bench) -> None:
        await found.link.set(Conditions(passage=Passage.SILENT))
        _, impatient = await found.connect()
        impatient.write(b"impatient")
        impatient.close()
        patient = await found.connect()
        patient[1].write(b"patient")
        await asyncio.sleep(SHORT_S)
        assert found.arrived == []
        await found.link.set(NORMAL)
        assert await patient[0].readexactly(7) == b"patient"
        assert found.arrived == [b"patient"]

    run(scenario)


def test_a_refusing_link_resets_what_there_is_and_refuses_what_comes() -> None:
    """As where the program at the other end has died; afterwards it listens again on its port."""

    async def scenario(found: Bench) -> None:
        streams = await found.connect()
        await found.echo(streams, b"before")
        await found.link.set(Conditions(passage=Passage.REFUSED))
        with pytest.raises(ConnectionResetError):
            await streams[0].read(1)
        with pytest.raises(ConnectionRefusedError):
            await found.connect()
        await found.link.set(NORMAL)
        assert await found.echo(await found.connect(), b"after") == b"after"

    run(scenario)


def test_a_resetting_link_accepts_and_resets() -> None:
    """Connections are made and broken, the old ones and the new ones."""

    async def scenario(found: Bench) -> None:
        streams = await found.connect()
        await found.echo(streams, b"before")
        await found.link.set(Conditions(passage=Passage.RESET))
        for reader in (streams[0], (await found.connect())[0]):
            with pytest.raises(ConnectionResetError):
                await reader.read(1)
        await found.link.set(NORMAL)
        assert await found.echo(await found.connect(), b"after") == b"after"

    run(scenario)


def test_latency_is_added_each_way_and_keeps_the_order() -> None:
    """A journey there and back takes at least both; with jitter nothing overtakes."""

    async def scenario(found: Bench) -> None:
        streams = await found.connect()
        await found.link.set(Conditions(latency_ms=60))
        began_s = time.monotonic()
        await found.echo(streams, b"x")
        assert time.monotonic() - began_s >= 0.12
        await found.link.set(Conditions(latency_ms=60, direction=Direction.TO_CLIENT, jitter_ms=50))
        parts = [bytes([number]) for number in range(50)]
        for part in parts:
            streams[1].write(part)
            await asyncio.sleep(0)
        assert await streams[0].readexactly(50) == b"".join(parts)

    run(scenario)


def test_bandwidth_narrows() -> None:
    """So many bytes take at least so long, of what comes back alone if only that way is narrow."""

    async def scenario(found: Bench) -> None:
        streams = await found.connect()
        await found.link.set(Conditions(bandwidth_kib_per_s=256, direction=Direction.TO_CLIENT))
        began_s = time.monotonic()
        await found.echo(streams, bytes(128 * 1024))
        assert time.monotonic() - began_s >= 0.4

    run(scenario)


def test_a_server_that_is_away_ends_the_connection() -> None:
    """The link is no cushion: the client learns of it."""

    async def scenario(found: Bench) -> None:
        nowhere = Link(found.link.route.model_copy(update={"listen_port": 0, "server_port": 1}))
        await nowhere.start()
        assert nowhere._listener is not None
        port = nowhere._listener.sockets[0].getsockname()[1]
        found.port = port
        reader, _ = await found.connect()
        with pytest.raises(ConnectionResetError):
            await reader.read(1)
        await nowhere.stop()

    run(scenario)


def test_links_are_controlled_by_who_knows_the_token() -> None:
    """Each link takes conditions of its own, all become normal at once, and what makes no sense changes nothing."""

    async def scenario(found: Bench) -> None:
        transport = httpx.ASGITransport(LinkControl({"a-to-b": found.link}, TOKEN).app())
        async with httpx.AsyncClient(transport=transport, base_url="http://links", headers={TOKEN_HEADER: TOKEN}) as client:
            assert (await client.get("/healthz", headers={TOKEN_HEADER: ""})).status_code == 200
            for wrong in ({TOKEN_HEADER: "t"}, {TOKEN_HEADER: ""}):
                assert (await client.get("/links", headers=wrong)).status_code == 403
                assert (await client.delete("/links", headers=wrong)).status_code == 403
            changed = await client.put("/links/a-to-b", json={"passage": "silent", "direction": "to_client"})
            assert changed.json()["conditions"]["passage"] == "silent"
            assert (await client.put("/links/a-to-b", json={"latency_ms": -1})).status_code == 422
            assert (await client.put("/links/a-to-b", json={"latency": 1})).status_code == 422
            assert (await client.put("/links/none", json={})).status_code == 404
            assert found.link.state.conditions == Conditions(passage=Passage.SILENT, direction=Direction.TO_CLIENT)
            healed = await client.delete("/links")
            assert [state["conditions"] for state in healed.json()] == [NORMAL.model_dump(mode="json")]
            assert found.link.state.conditions == NORMAL

    run(scenario)
