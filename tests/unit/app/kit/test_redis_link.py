"""The shared connection to Redis, against a server that answers by a script; with the real Redis it works in the contract tests."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Awaitable, Callable

import pytest
from pydantic import SecretStr

from app.kit.redis_link import LinkError, RedisLink

Scenario = Callable[[RedisLink, "Server"], Awaitable[None]]


class Server:
    """Answers the greeting, then each read with what the test has put into ``answers``; keeps what it was sent."""

    def __init__(self) -> None:
        self.received: list[bytes] = []
        self.answers: list[bytes] = []
        self.connections = 0
        self.silent = False
        self._writers: list[asyncio.StreamWriter] = []

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """One connection."""
        self.connections += 1
        self._writers.append(writer)
        while data := await reader.read(65536):
            if b"SETNAME" in data or b"SELECT" in data or b"AUTH" in data:
                writer.write(b"+OK\r\n" * data.count(b"*"))
                continue
            self.received.append(data)
            if not self.silent:
                writer.write(b"".join(self.answers))

    async def hang_up(self) -> None:
        """Close the connections from this side."""
        while self._writers:
            writer = self._writers.pop()
            writer.close()
            with contextlib.suppress(ConnectionError):
                await writer.wait_closed()


def run(scenario: Scenario) -> None:
    """Run a scenario with a connected link."""

    async def main() -> None:
        server = Server()
        listener = await asyncio.start_server(server.serve, "127.0.0.1", 0)
        port = listener.sockets[0].getsockname()[1]
        link = RedisLink(SecretStr(f"redis://:secret@127.0.0.1:{port}/0"), timeout_s=0.05, name="test")
        link.start()
        await connected(link)
        await scenario(link, server)
        link.stop()
        await server.hang_up()
        listener.close()

    asyncio.run(main())


async def connected(link: RedisLink) -> None:
    """Wait until the link is usable."""
    for _ in range(500):
        if link.connected:
            return
        await asyncio.sleep(0.01)
    raise AssertionError("not connected in 5 s")


def test_commands_of_one_turn_leave_together_and_answers_find_their_callers() -> None:
    """Many commands are one write; answers go to who asked, in order, an error to its caller alone."""

    async def scenario(link: RedisLink, server: Server) -> None:
        server.answers = [b"$1\r\na\r\n", b"-ERR no\r\n", b"*2\r\n$-1\r\n$1\r\nc\r\n"]
        answers = await asyncio.gather(link.call("GET", "a"), link.call("BAD"), link.call("MGET", "b", "c"), return_exceptions=True)
        assert len(server.received) == 1
        assert answers[0] == b"a"
        assert isinstance(answers[1], LinkError)
        assert answers[2] == [None, b"c"]

    run(scenario)


def test_silence_fails_every_command_and_the_link_comes_back() -> None:
    """No answer in time fails what is pending; then a new connection is made by itself."""

    async def scenario(link: RedisLink, server: Server) -> None:
        server.silent = True
        answers = await asyncio.gather(*(link.call("GET", "a") for _ in range(3)), return_exceptions=True)
        assert [type(answer) for answer in answers] == [LinkError] * 3
        server.silent = False
        await connected(link)
        assert server.connections == 2

    run(scenario)


def test_a_lost_connection_fails_its_commands() -> None:
    """Where the server hangs up, waiting commands fail and new ones are refused until it is back."""

    async def scenario(link: RedisLink, server: Server) -> None:
        server.silent = True
        waiting = link.call("GET", "a")
        await asyncio.sleep(0.01)
        await server.hang_up()
        with pytest.raises(LinkError):
            await waiting
        assert not link.connected
        with pytest.raises(LinkError):
            link.call("GET", "a")

    run(scenario)
