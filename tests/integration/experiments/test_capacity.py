"""wrk and the counting client against real sockets; here the system under test is only their peer."""

from __future__ import annotations

import asyncio
import json
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import psutil
import pytest

from experiments.capacity.client import Answer, Connection, each
from experiments.capacity.counted import cold_keys, many_keys
from experiments.capacity.hello import NODE, Hello
from experiments.capacity.wrk import Loop, Wrk
from experiments.definition import Quantity
from experiments.errors import MeasurementError
from infra import operations

PEER = Path(__file__).with_name("counter.py")
PARENT = "tests.integration.experiments.loop_parent"
REPOSITORY = Path(__file__).resolve().parents[3]
SHORT_S = 0.6
GONE_S = 20.0
"""More than the kernel needs to end a process on a busy machine."""


@pytest.fixture(name="url", scope="module")
def _url() -> Iterator[str]:
    with subprocess.Popen([sys.executable, str(PEER)], stdout=subprocess.PIPE, text=True) as peer:
        assert peer.stdout is not None
        yield f"http://127.0.0.1:{int(peer.stdout.readline())}"
        peer.terminate()


@pytest.fixture(name="wrk", scope="module")
def _wrk() -> Wrk:
    return Wrk(operations.tool("wrk"), time.sleep)


def test_answers_are_counted_and_timed(wrk: Wrk, url: str) -> None:
    """The loop lasts about as long as it was told to, and nothing failed."""
    result = wrk.run(Loop(f"{url}/ok", connections=4, seconds=SHORT_S))
    assert result.ok > 10
    assert (result.failed, result.refused, result.exhausted) == (0, 0, False)
    assert 0 < result.latency_p50_ms <= result.latency_p99_ms
    assert result.duration_s > SHORT_S / 2


@pytest.mark.parametrize(("path", "refused"), [("/refused", True), ("/away", False), ("/broken", False)])
def test_refusals_are_told_from_failures_by_their_retry_after(wrk: Wrk, url: str, path: str, *, refused: bool) -> None:
    """None of them is throughput."""
    result = wrk.run(Loop(url + path, connections=4, seconds=SHORT_S, count_refusals=True))
    assert result.ok == 0
    assert (result.refused > 0, result.failed > 0) == (refused, not refused)


def test_each_body_is_posted_once(wrk: Wrk, url: str, tmp_path: Path) -> None:
    """In the file's order as far as the time allows; where it allows for more, the loop says that it ran out."""
    bodies = tmp_path / "bodies"
    bodies.write_text("\n".join(json.dumps({"number": number}) for number in range(100)), encoding="utf-8")
    result = wrk.run(Loop(f"{url}/enroll", connections=4, seconds=SHORT_S, bodies=bodies, count_refusals=True))
    assert result.exhausted
    posted = [body["number"] for body in asyncio.run(_bodies(url))]
    assert len(posted) == len(set(posted)) >= result.ok > 50
    assert set(posted) <= set(range(100))


def test_a_server_that_is_not_there_is_an_error_with_wrk_s_own_words(wrk: Wrk) -> None:
    """No figures are made up."""
    with pytest.raises(MeasurementError, match="unable to connect"):
        wrk.run(Loop("http://127.0.0.1:9/", connections=1, seconds=SHORT_S))


def test_a_loop_that_is_interrupted_leaves_no_process(url: str) -> None:
    """Whatever the wait raises, wrk is ended before it goes on."""

    def interrupted(_seconds: float) -> None:
        raise KeyboardInterrupt

    before = psutil.Process().children()
    with pytest.raises(KeyboardInterrupt):
        Wrk(operations.tool("wrk"), interrupted).run(Loop(f"{url}/ok", connections=1, seconds=60))
    assert psutil.Process().children() == before


def test_wrk_dies_with_the_bench(url: str) -> None:
    """Also by SIGKILL, after which nobody can clean up."""
    with subprocess.Popen([sys.executable, "-m", PARENT, f"{url}/ok"], stdout=subprocess.PIPE, text=True, cwd=REPOSITORY) as parent:
        assert parent.stdout is not None
        child = psutil.Process(int(parent.stdout.readline()))
        parent.kill()
    with suppress(psutil.NoSuchProcess):
        child.wait(GONE_S)
    assert not child.is_running()


def test_clients_ask_at_the_same_time_and_every_answer_is_counted(url: str) -> None:
    """Each of the keys is asked for by all clients; the statements are those of the worst key."""
    readings = iter([0.0, 1.0, 1.0, 9.0, 9.0, 10.0])
    result = asyncio.run(cold_keys([url], 8, [1, 2, 3], lambda: next(readings)))
    assert result.reason is None
    assert result.values[Quantity.REQUESTS] == 24
    assert result.values[Quantity.SQL_STATEMENTS] == 8


def test_reads_are_spread_over_clients_and_counted(url: str) -> None:
    """As many as were asked for, of so many different keys."""
    readings = iter([5.0, 25.0])
    result = asyncio.run(many_keys([url, url], 4, [1, 1, 2, 3, 1], lambda: next(readings)))
    assert result.reason is None
    values = result.values
    assert (values[Quantity.REQUESTS], values[Quantity.KEYS], values[Quantity.SQL_STATEMENTS]) == (5, 3, 20)


def test_answers_come_in_the_order_of_what_was_asked(url: str) -> None:
    """However long one takes."""
    answers = asyncio.run(each([url], 3, ["/slow", "/ok", "/broken"], lambda connection, path: connection.get(path)))
    assert [answer.json()["path"] for answer in answers] == ["/slow", "/ok", "/broken"]
    assert [answer.ok for answer in answers] == [True, True, False]


def test_the_hello_is_started_once_measured_and_ended() -> None:
    """It answers as long as it is wanted."""
    hello = Hello(time.sleep)
    try:
        hello.start()
        url = hello.url
        hello.start()
        assert hello.url == url
        assert asyncio.run(_get(url)).ok
        assert hello.meter().memory_mib(NODE) > 1
    finally:
        hello.stop()
    with pytest.raises(MeasurementError, match="does not run"):
        hello.meter()


async def _bodies(url: str) -> list[dict[str, int]]:
    async with Connection(url) as connection:
        bodies: list[dict[str, int]] = (await connection.get("/bodies")).json()
        return bodies


async def _get(url: str) -> Answer:
    async with Connection(url) as connection:
        return await connection.get("/")
