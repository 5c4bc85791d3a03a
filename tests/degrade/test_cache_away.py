"""Redis is killed, hangs, or hangs again and again, while courses are read and written at both replicas."""

from __future__ import annotations

import statistics
import time
from bisect import bisect_right
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from functools import partial
from typing import Any, Literal

import pytest
import redis

from app.kit.redis_cache import STALENESS_BOUND_S
from tests.contract.client import eventually
from tests.degrade.system import System
from tests.degrade.traffic import Answer, Recorder, between, going_on, other_than, recorders
from tests.measured import Measured

REPLICAS = ("courses-1", "courses-2")
NORMAL_S = 1.0
OUTAGE_S = 2.5
AFTERWARDS_S = 3.0
BRIEF_OUTAGES_S = (0.03, 0.1, 0.2, 0.3, 0.45, 0.6, 0.8)
WRITE_EVERY_S = 0.02
LONGEST_OPENING_MS = 1000
LONGEST_DELAY_MS = 100

Kind = Literal["killed", "paused", "paused again and again"]


@dataclass(frozen=True)
class Outage:
    """What was answered before, during and after it."""

    kind: Kind
    began_s: float
    ended_s: float
    reads: list[Answer]
    writes: list[Answer]
    open_after_s: dict[str, float]
    """Time from its beginning until a replica's circuit breaker was open, as its metrics tell."""


def _happens(system: System, kind: Kind) -> dict[str, float]:
    if kind == "paused again and again":
        for outage_s in BRIEF_OUTAGES_S:
            with system.without("paused", "cache"):
                time.sleep(outage_s)
            time.sleep(outage_s)
        return {}
    began_s = time.monotonic()
    with system.without(kind, "cache"):
        open_after_s = {}
        while time.monotonic() < began_s + OUTAGE_S:
            for replica in REPLICAS:
                if replica not in open_after_s and system.metric(replica, "spire_cache_available") == 0:
                    open_after_s[replica] = time.monotonic() - began_s
            time.sleep(0.01)
    return open_after_s


@pytest.fixture(scope="module", params=["killed", "paused", "paused again and again"], ids=lambda kind: kind.replace(" ", "-"))
def outage(request: pytest.FixtureRequest, shared_system: System) -> Iterator[Outage]:
    """One of each kind, with a reader and a writer at each replica and a reader at the gateway; the cache was warm when it came."""
    system: System = shared_system
    path = f"/courses/{system.client.course()['id']}"
    urls = [system.url(replica) for replica in REPLICAS]
    with ExitStack() as stack:
        readers = stack.enter_context(recorders(*urls, system.deployment.endpoints.gateway_url))
        writers = stack.enter_context(recorders(*urls))
        with going_on(*(partial(reader.send, "GET", path) for reader in readers)):
            with going_on(*(_writing(writer, path) for writer in writers), pause_s=WRITE_EVERY_S):
                time.sleep(NORMAL_S)
                began_s = time.monotonic()
                open_after_s = _happens(system, request.param)
                ended_s = time.monotonic()
                time.sleep(AFTERWARDS_S)
            for reader in readers:
                eventually(partial(_last_state, reader), lambda state: state == "hit")
        reads = [answer for reader in readers for answer in reader.answers]
        writes = [answer for writer in writers for answer in writer.answers]
    yield Outage(request.param, began_s, ended_s, reads, writes, open_after_s)
    system.healed()


def _writing(writer: Recorder, path: str) -> Callable[[], Answer]:
    """Each write has a value of its own."""
    capacities = iter(range(1, 100_000))
    return lambda: writer.send("PATCH", path, {"capacity": next(capacities)})


def _last_state(reader: Recorder) -> str:
    return reader.answers[-1].headers.get("x-cache", "")


def test_no_request_fails_and_the_cache_is_used_again(outage: Outage) -> None:
    """Every read and every write is answered 200 before, during and after; in the end reads come from the cache."""
    assert other_than({200}, outage.reads) == []
    assert other_than({200}, outage.writes) == []
    before = between(outage.reads, 0, outage.began_s)
    assert {"hit"} <= {answer.headers["x-cache"] for answer in before} <= {"hit", "miss", "off"}


def test_nobody_reads_what_is_stale(outage: Outage, measured: Measured) -> None:
    """No read, at any replica, has a version older than one whose write was answered before the read began.

    Only where Redis hangs so briefly that one replica alone may notice, a read may be as late as the cache's stated bound.
    """
    bound_s = STALENESS_BOUND_S if outage.kind == "paused again and again" else 0.0
    acknowledged_s = sorted((int(answer.json()["version"]), answer.ended_s) for answer in outage.writes)
    versions = [version for version, _ in acknowledged_s]
    staleness_s = []
    for answer in outage.reads:
        overwritten_s = [ended_s for _, ended_s in acknowledged_s[bisect_right(versions, int(answer.json()["version"])) :]]
        staleness_s.append(max(0.0, answer.began_s - min(overwritten_s, default=answer.began_s)))
    assert max(staleness_s) <= bound_s
    measured.figure(f"Redis {outage.kind}: reads that were stale, of {len(staleness_s)}", sum(map(bool, staleness_s)), "reads")
    measured.figure(f"Redis {outage.kind}: longest staleness", max(staleness_s) * 1000, "ms")


def test_replicas_do_without_it_soon(outage: Outage, measured: Measured) -> None:
    """Each replica's circuit breaker opens while Redis stays away; the slowest requests are figures."""
    if outage.kind != "paused again and again":
        assert outage.open_after_s.keys() == set(REPLICAS)
        slowest_ms = max(outage.open_after_s.values()) * 1000
        measured.figure(f"Redis {outage.kind}: circuit breakers open", slowest_ms, "ms", at_most=LONGEST_OPENING_MS)
    for what, answers in (("read", outage.reads), ("write", outage.writes)):
        before = [answer.time_ms for answer in between(answers, 0, outage.began_s)]
        during = [answer.time_ms for answer in between(answers, outage.began_s - 0.1, outage.ended_s)]
        normal_ms = statistics.median(before)
        measured.figure(f"normal {what}, median", normal_ms, "ms")
        measured.figure(f"normal {what}, slowest of {len(before)}", max(before), "ms")
        name = f"Redis {outage.kind}: slowest {what} of {len(during)}, above the normal median"
        measured.figure(name, max(during) - normal_ms, "ms", at_most=LONGEST_DELAY_MS)


def _tells(right: dict[str, Any], read: Answer) -> bool:
    return read.json() == right


@pytest.mark.parametrize("outage_s", [0.1, 0.3, 1.0])
def test_a_replica_that_noticed_nothing_catches_up(system: System, outage_s: float, measured: Measured) -> None:
    """Where Redis hangs while only one replica is asked, the other one soon has what was written meanwhile, and keeps it."""
    path = f"/courses/{system.client.course()['id']}"
    behind_s = []
    with recorders(*(system.url(replica) for replica in REPLICAS)) as (writer, reader):
        for capacity in range(1, 4):
            eventually(lambda: reader.send("GET", path).headers["x-cache"], lambda state: state == "hit")
            with system.without("paused", "cache"):
                written = writer.send("PATCH", path, {"capacity": capacity})
                time.sleep(outage_s)
            back_s = time.monotonic()
            assert written.status == 200
            right = written.json()
            first_right = eventually(partial(reader.send, "GET", path), partial(_tells, right))
            behind_s.append(first_right.began_s - back_s)
            assert [reader.send("GET", path).json() for _ in range(20)] == [right] * 20
    measured.figure(f"Redis paused for {outage_s} s: a replica that noticed nothing was behind for at most", max(behind_s) * 1000, "ms")


@pytest.fixture
def full(system: System) -> Iterator[Callable[[], None]]:
    """Takes Redis' memory away: it goes on answering what is asked, and refuses what is written."""
    assert system.deployment.credentials.cache_url is not None
    with redis.Redis.from_url(system.deployment.credentials.cache_url.get_secret_value()) as client:
        before = {name: client.config_get(name)[name] for name in ("maxmemory", "maxmemory-policy")}

        def fill() -> None:
            client.config_set("maxmemory-policy", "noeviction")
            client.config_set("maxmemory", "1")

        try:
            yield fill
        finally:
            for name, value in before.items():
                client.config_set(name, value)


def test_nobody_reads_what_is_stale_from_a_redis_that_takes_no_writes(system: System, full: Callable[[], None]) -> None:
    """What was cached before can still be read there, by replicas that noticed nothing; whoever writes sees to it that nobody does."""
    path = f"/courses/{system.client.course()['id']}"
    with recorders(*(system.url(replica) for replica in REPLICAS)) as (writer, reader):
        eventually(lambda: reader.send("GET", path).headers["x-cache"], lambda state: state == "hit")
        full()
        for capacity in range(1, 21):
            written = writer.send("PATCH", path, {"capacity": capacity})
            assert written.status == 200
            assert [each.send("GET", path).json() for each in (reader, writer)] == [written.json()] * 2
