r"""Cache-aside for serialized answers: what is cached, when it is valid, and what happens while Redis is away.

Every cached value carries a stamp and a version: ``<stamp> <version>\n<body>``. The stamp is the namespace's epoch, a random token
kept in Redis; a page's stamp also has the generation of all pages. A value whose stamp is not the current one does not exist. A
changed item leaves a tombstone (its new version, no body), so that a reader who loaded the older version can't put it back.
"""

from __future__ import annotations

import logging
import random
import secrets
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Protocol

import redis
from pydantic import SecretStr
from redis.backoff import NoBackoff
from redis.retry import Retry

from app.kit.breaker import CircuitBreaker
from app.kit.flight import SingleFlight
from app.kit.metrics import Metrics

log = logging.getLogger(__name__)

READ_TIMEOUT_S = 0.05
"""A read that waits longer for Redis would have been faster without it."""
WRITE_TIMEOUT_S = 0.25
WRITE_RETRIES = 1
"""Invalidations are worth waiting for: where one is lost, other replicas serve the old value until this one reaches Redis again."""
FAILURES_TO_OPEN = 3
PROBE_INTERVAL_S = 0.5
SETTLE_S = 1.0
"""After an outage: by then every replica has probed, and made good the invalidations that it could not deliver."""
PROBE_TICK_S = 0.25
"""Also while all is well: a replica without traffic must notice an outage, for the others may have lost invalidations in it."""
TTL_JITTER = 0.1
"""Entries live up to this share shorter, so that those filled together don't expire together."""
TOMBSTONE_TTL_MS = 120_000
SLOWEST_FILL_S = 60.0
"""A reader that took longer than this from its load on must not fill: the tombstone against its old value may have expired."""

_FILL = """
local found = redis.call('GET', KEYS[1])
if found then
  local stamp, version = string.match(found, '^(%S+) (%d+)\\n')
  if stamp == ARGV[1] and tonumber(version) > tonumber(ARGV[2]) then return 0 end
end
redis.call('SET', KEYS[1], ARGV[1] .. ' ' .. ARGV[2] .. '\\n' .. ARGV[4], 'PX', ARGV[3])
return 1
"""
_INVALIDATE = """
redis.call('SET', KEYS[2], ARGV[1])
if not KEYS[3] then return 1 end
local epoch = redis.call('GET', KEYS[1])
local found = redis.call('GET', KEYS[3])
if not epoch then return 1 end
if found then
  local stamp, version = string.match(found, '^(%S+) (%d+)\\n')
  if stamp == epoch and tonumber(version) > tonumber(ARGV[2]) then return 0 end
end
redis.call('SET', KEYS[3], epoch .. ' ' .. ARGV[2] .. '\\n', 'PX', ARGV[3])
return 1
"""


class CacheState(StrEnum):
    """How a read was answered; header X-Cache."""

    HIT = "hit"
    MISS = "miss"
    OFF = "off"
    """Without the cache: switched off, or away."""


@dataclass(frozen=True)
class Entry:
    """A serialized answer and the version of what it tells."""

    version: int
    body: bytes


@dataclass(frozen=True)
class Answer:
    """What a read gives."""

    body: bytes
    state: CacheState


class Cache(Protocol):
    """What a service asks of its cache."""

    def item(self, key: str, load: Callable[[], Entry]) -> Answer:
        """One thing, from the cache or from ``load``."""
        ...

    def page(self, key: str, load: Callable[[], bytes]) -> Answer:
        """One page of a list, from the cache or from ``load``."""
        ...

    def changed(self, key: str | None, version: int) -> None:
        """After the commit and before the answer: the item of that key is now ``version``, and every page is outdated."""
        ...

    def start(self) -> None:
        """Begin whatever works in the background."""
        ...

    def stop(self) -> None:
        """End it and let go of the connections."""
        ...


class NoCache:
    """The cache that is switched off."""

    def item(self, key: str, load: Callable[[], Entry]) -> Answer:  # noqa: ARG002 -- the protocol's signature
        """Always loaded."""
        return Answer(load().body, CacheState.OFF)

    def page(self, key: str, load: Callable[[], bytes]) -> Answer:  # noqa: ARG002 -- the protocol's signature
        """Always loaded."""
        return Answer(load(), CacheState.OFF)

    def changed(self, key: str | None, version: int) -> None:
        """Nothing is cached."""

    def start(self) -> None:
        """Nothing to start."""

    def stop(self) -> None:
        """Nothing to stop."""


@dataclass(frozen=True)
class _Found:
    stamp: bytes
    version: bytes | None
    """None where nothing valid is cached."""
    body: bytes


class RedisCache:
    """A cache in Redis that is never waited for and never trusted after it was away."""

    def __init__(self, url: SecretStr, *, namespace: str, ttl_s: int, metrics: Metrics) -> None:
        self._redis = _client(url, READ_TIMEOUT_S, retries=0)
        self._patient_redis = _client(url, WRITE_TIMEOUT_S, retries=WRITE_RETRIES)
        self._fill_script = self._redis.register_script(_FILL)
        self._invalidate_script = self._patient_redis.register_script(_INVALIDATE)
        self._namespace = namespace
        self._epoch_key = f"{namespace}:epoch"
        self._generation_key = f"{namespace}:generation"
        self._ttl_ms = ttl_s * 1000
        self._breaker = CircuitBreaker(
            failures_to_open=FAILURES_TO_OPEN, probe_interval_s=PROBE_INTERVAL_S, settle_s=SETTLE_S, clock=time.monotonic
        )
        self._flights: SingleFlight[bytes] = SingleFlight()
        self._stop = threading.Event()
        self._prober = threading.Thread(target=self._probe_until_stopped, name="cache-probe", daemon=True)
        metrics.watch(
            "cache_available", "1 while the cache is asked, 0 while its circuit breaker is open", lambda: float(self._breaker.closed)
        )

    def item(self, key: str, load: Callable[[], Entry]) -> Answer:
        """One thing, from the cache or from ``load``."""
        return self._fetch(f"{self._namespace}:item:{key}", (self._epoch_key,), load)

    def page(self, key: str, load: Callable[[], bytes]) -> Answer:
        """One page of a list, from the cache or from ``load``."""
        return self._fetch(f"{self._namespace}:page:{key}", (self._epoch_key, self._generation_key), lambda: Entry(0, load()))

    def changed(self, key: str | None, version: int) -> None:
        """Outdate the item and every page; where that can't be delivered, nothing cached before is served again."""
        keys = [self._epoch_key, self._generation_key, *([f"{self._namespace}:item:{key}"] if key is not None else [])]
        if self._breaker.delivers:
            try:
                self._invalidate_script(keys=keys, args=[_token(), version, TOMBSTONE_TTL_MS])
            except redis.RedisError as error:
                log.warning("an invalidation was not delivered", extra={"error": type(error).__name__})
            else:
                return
        self._breaker.lost()

    def start(self) -> None:
        """Begin to probe in the background whenever Redis is away."""
        self._prober.start()

    def stop(self) -> None:
        """End the probing and close the connections."""
        self._stop.set()
        self._prober.join(timeout=1)
        self._redis.close()
        self._patient_redis.close()

    def _fetch(self, key: str, guards: tuple[str, ...], load: Callable[[], Entry]) -> Answer:
        found = self._find(key, guards) if self._breaker.closed else None
        if found is None:
            return Answer(load().body, CacheState.OFF)
        if found.body:
            return Answer(found.body, CacheState.HIT)
        # The stamp and version are part of the flight's name: who asks after a write must not join a load from before it.
        body = self._flights.run((key, found.stamp, found.version), lambda: self._load_and_fill(key, found.stamp, load))
        return Answer(body, CacheState.MISS)

    def _load_and_fill(self, key: str, stamp: bytes, load: Callable[[], Entry]) -> bytes:
        started_s = time.monotonic()
        entry = load()
        ttl_ms = int(self._ttl_ms * random.uniform(1 - TTL_JITTER, 1))  # noqa: S311 -- jitter, no secret
        if time.monotonic() - started_s < SLOWEST_FILL_S:
            try:
                self._fill_script(keys=[key], args=[stamp, entry.version, ttl_ms, entry.body])
            except redis.RedisError:
                self._breaker.failed()
        return entry.body

    def _find(self, key: str, guards: tuple[str, ...]) -> _Found | None:
        """What is cached under the key; None where Redis does not tell."""
        try:
            *stamps, value = self._redis.mget([*guards, key])
            if None in stamps:
                stamps = [self._agree(guard) for guard in guards]
        except redis.RedisError:
            self._breaker.failed()
            return None
        self._breaker.succeeded()
        stamp = b".".join(stamps)
        if value is not None:
            head, _, body = value.partition(b"\n")
            stamped, _, version = head.partition(b" ")
            if stamped == stamp:
                return _Found(stamp, version, body)
        return _Found(stamp, None, b"")

    def _agree(self, guard: str) -> bytes:
        """The token under that key; of many replicas that find none at once, one makes it."""
        _, token = self._redis.pipeline(transaction=True).set(guard, _token(), nx=True).get(guard).execute()
        return bytes(token)

    def _probe_until_stopped(self) -> None:
        while not self._stop.wait(PROBE_TICK_S):
            try:
                if self._breaker.closed:
                    self._patient_redis.ping()
                elif self._breaker.probe_due():
                    self._recover()
            except redis.RedisError:
                self._breaker.missed_probe()

    def _recover(self) -> None:
        losses = self._breaker.begin_probe()
        if self._breaker.losses_outstanding:
            self._patient_redis.set(self._epoch_key, _token())
        else:
            self._patient_redis.ping()
        self._breaker.recovered(losses)
        if self._breaker.closed:
            log.info("the cache is asked again")


def _client(url: SecretStr, timeout_s: float, *, retries: int) -> Any:
    """A client that gives up in time; redis-py's own default retries ten times, for up to a minute."""
    return redis.Redis.from_url(
        url.get_secret_value(),
        socket_timeout=timeout_s,
        socket_connect_timeout=timeout_s,
        socket_keepalive=True,
        retry=Retry(NoBackoff(), retries),
        health_check_interval=0,
    )


def _token() -> str:
    """Random, so that a token which was evicted or flushed is never made a second time."""
    return secrets.token_hex(8)


def open_cache(url: SecretStr | None, *, namespace: str, ttl_s: int, metrics: Metrics) -> Cache:
    """The cache at that address, or none where there is no address."""
    return NoCache() if url is None else RedisCache(url, namespace=namespace, ttl_s=ttl_s, metrics=metrics)
