r"""The cache in Redis: what is cached, when it is valid, who loads it, and what happens while Redis is away.

Every cached value carries a stamp and a version: ``<stamp> <version>\n<body>``. The stamp is the namespace's epoch, a random token
kept in Redis; a page's stamp also has the generation of all pages. A value whose stamp is not the current one does not exist. A
changed item leaves a tombstone (its new version, no body), so that a reader who loaded the older version can't put it back; of two
versions the newer one stays, whatever its stamp, for commands of a replica that was cut off arrive late.

The bound of staleness is STALENESS_BOUND_S: no answer is older than a write that was acknowledged longer ago. It is zero while Redis
answers any replica, and from when its outage was noticed on; :mod:`app.kit.invalidation` tells how, and what remains.

Of all requests of a process that miss the same key one loads; of all processes, one, as long as it is quick: it holds a short lock
in Redis, which nobody has to wait for in the end.
"""

from __future__ import annotations

import asyncio
import random
import time
from collections.abc import Callable
from typing import NamedTuple

from pydantic import SecretStr

from app.kit.breaker import CircuitBreaker
from app.kit.cache import Answer, Cache, CacheState, Entry, NoCache
from app.kit.cache_keys import CacheKeys, token
from app.kit.database import Database
from app.kit.flight import SingleFlight
from app.kit.invalidation import PROBE_INTERVAL_S, Invalidation
from app.kit.metrics import Metrics
from app.kit.redis_link import LinkError, RedisLink
from app.kit.settings import CachedServiceSettings
from app.kit.work import Work

STALENESS_BOUND_S = 1.0
"""Stated, not used: far above what is seen, for a starved machine is late with everything."""
READ_TIMEOUT_S = 0.04
"""A read that waits longer for Redis would have been faster without it."""
FAILURES_TO_OPEN = 3
SETTLE_S = 1.0
"""After an outage: by then every replica has probed, and made good the invalidations that it could not deliver."""
TTL_JITTER = 0.1
"""Entries live up to this share shorter, so that those filled together don't expire together."""
SLOWEST_FILL_S = 60.0
"""A reader that took longer than this from its load on must not fill: the tombstone against its old value may have expired."""
LOCK_TTL_MS = 1_000
WAITS_FOR_LOADER_S = (0.001, 0.002, 0.004, 0.008, 0.015, 0.02)
"""Between looks for what another process loads; 50 ms in all, several times what a load takes. Then the waiting process loads too."""

_FILL = """
if redis.call('GET', KEYS[2]) == ARGV[5] then redis.call('DEL', KEYS[2]) end
local found = redis.call('GET', KEYS[1])
local version = found and string.match(found, '^%S+ (%d+)\\n')
if version and tonumber(version) > tonumber(ARGV[2]) then return 0 end
redis.call('SET', KEYS[1], ARGV[1] .. ' ' .. ARGV[2] .. '\\n' .. ARGV[4], 'PX', ARGV[3])
return 1
"""
_UNLOCK = "if redis.call('GET', KEYS[1]) == ARGV[1] then return redis.call('DEL', KEYS[1]) end return 0"


class _Found(NamedTuple):
    stamp: bytes
    version: bytes | None
    """None where nothing valid is cached."""
    body: bytes


class _Place(NamedTuple):
    """Where a value is kept, and the tokens that its stamp is made of."""

    key: str
    guards: tuple[str, ...]

    @property
    def lock(self) -> str:
        return f"{self.key}:lock"


class RedisCache:
    """A cache in Redis that is never waited for and never trusted after it was away."""

    def __init__(
        self, url: SecretStr, *, namespace: str, ttl_s: int, replica: str, database: Database, work: Work, metrics: Metrics
    ) -> None:
        self._link = RedisLink(url, timeout_s=READ_TIMEOUT_S, name=replica)
        self._work = work
        self._keys = CacheKeys(namespace)
        self._item_guards = (self._keys.epoch,)
        self._page_guards = (self._keys.epoch, self._keys.generation)
        self._ttl_ms = ttl_s * 1000
        self._breaker = CircuitBreaker(
            failures_to_open=FAILURES_TO_OPEN, probe_interval_s=PROBE_INTERVAL_S, settle_s=SETTLE_S, clock=time.monotonic
        )
        self._invalidation = Invalidation(url, self._keys, self._breaker, replica=replica, database=database, metrics=metrics)
        self._avoided = metrics.counter("stampedes_avoided", "reads that got what another request was loading, by where it was", "where")
        self._flights: SingleFlight[bytes] = SingleFlight(on_join=self._avoided.labels("process").inc)
        metrics.watch("cache_connected", "1 while the shared connection to the cache stands", lambda: float(self._link.connected))
        metrics.watch(
            "cache_available", "1 while the cache is asked, 0 while its circuit breaker is open", lambda: float(self._breaker.closed)
        )

    async def item(self, key: str, load: Callable[[], Entry]) -> Answer:
        """One thing, from the cache or from ``load``."""
        return await self._fetch(_Place(self._keys.item(key), self._item_guards), load)

    async def page(self, key: str, load: Callable[[], bytes]) -> Answer:
        """One page of a list, from the cache or from ``load``."""
        return await self._fetch(_Place(self._keys.page(key), self._page_guards), lambda: Entry(0, load()))

    def changed(self, key: str, version: int) -> None:
        """Outdate the item and every page; where nobody can, nothing cached before is served again."""
        self._invalidation.changed(key, version)

    def start(self) -> None:
        """Connect, and begin to probe in the background."""
        self._link.start()
        self._invalidation.start()

    def stop(self) -> None:
        """End the probing and close the connections."""
        self._invalidation.stop()
        self._link.stop()

    async def _fetch(self, place: _Place, load: Callable[[], Entry]) -> Answer:
        found = await self._find(place) if self._breaker.closed else None
        if found is None:
            return Answer((await self._work.run(load)).body, CacheState.OFF)
        if found.body:
            return Answer(found.body, CacheState.HIT)
        # The stamp and version are part of the flight's name: who asks after a write must not join a load from before it.
        body = await self._flights.run((place.key, found.stamp, found.version), lambda: self._load_once(place, found.stamp, load))
        return Answer(body, CacheState.MISS)

    async def _load_once(self, place: _Place, stamp: bytes, load: Callable[[], Entry]) -> bytes:
        """What another process has loaded meanwhile, or what this one loads and fills in."""
        holder = token()
        for wait_s in (0.0, *WAITS_FOR_LOADER_S):
            await asyncio.sleep(wait_s)
            leads, found = await self._lead(place, holder)
            if found is None:
                break
            if found.body:
                if leads:
                    self._send("EVAL", _UNLOCK, 1, place.lock, holder)
                self._avoided.labels("system").inc()
                return found.body
            stamp = found.stamp
            if leads:
                break
        started_s = time.monotonic()
        try:
            entry = await self._work.run(load)
        except BaseException:
            self._send("EVAL", _UNLOCK, 1, place.lock, holder)
            raise
        ttl_ms = int(self._ttl_ms * random.uniform(1 - TTL_JITTER, 1))  # noqa: S311 -- jitter, no secret
        if time.monotonic() - started_s < SLOWEST_FILL_S:
            self._send("EVAL", _FILL, 2, place.key, place.lock, stamp, entry.version, ttl_ms, entry.body, holder)
        return entry.body

    async def _lead(self, place: _Place, holder: str) -> tuple[bool, _Found | None]:
        """Whether this process is now the one to load, and what is cached there: another may have filled it before this one could lead."""
        try:
            locked = self._link.call("SET", place.lock, holder, "NX", "PX", LOCK_TTL_MS)
            found = await self._find(place)  # in one write with it, and answered after it
            return found is None or await locked is not None, found
        except LinkError:
            self._breaker.failed()
            return True, None

    def _send(self, *command: bytes | str | int) -> None:
        """Without waiting: answers come in order, so later reads of this process see the effect."""
        try:
            self._link.call(*command)
        except LinkError:
            self._breaker.failed()

    async def _find(self, place: _Place) -> _Found | None:
        """What is cached there; None where Redis does not tell."""
        try:
            *stamps, value = await self._link.call("MGET", *place.guards, place.key)
            if None in stamps:
                stamps = [await self._agree(guard) for guard in place.guards]
        except LinkError:
            self._breaker.failed()
            return None
        self._breaker.succeeded()
        stamp = stamps[0] if len(stamps) == 1 else b".".join(stamps)
        if value is not None:
            head, _, body = value.partition(b"\n")
            stamped, _, version = head.partition(b" ")
            if stamped == stamp:
                return _Found(stamp, version, body)
        return _Found(stamp, None, b"")

    async def _agree(self, guard: str) -> bytes:
        """The token under that key; of many replicas that find none at once, one makes it."""
        self._link.call("SET", guard, token(), "NX")
        agreed = await self._link.call("GET", guard)
        if agreed is None:
            raise LinkError("no token is kept")  # for want of memory: then nothing is
        return bytes(agreed)


def open_cache(settings: CachedServiceSettings, *, namespace: str, database: Database, work: Work, metrics: Metrics) -> Cache:
    """The cache that the settings name, or none where they name none."""
    if settings.cache_url is None:
        return NoCache(work)
    return RedisCache(
        settings.cache_url,
        namespace=namespace,
        ttl_s=settings.cache_ttl_s,
        replica=settings.replica,
        database=database,
        work=work,
        metrics=metrics,
    )
