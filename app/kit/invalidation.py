"""How what was changed leaves the cache, also where Redis can't be reached.

A replica that can't reach Redis may be the only one: then the others would go on reading there what it has changed. So it asks them, over
the database that they share, to outdate it in its place. Each does, or can't reach Redis either and reads no more from it; only then is
the write answered. What nobody could outdate is a loss: whoever knows of it reads nothing from Redis, and outdates everything there as
soon as it, or a peer, can.

What remains: a replica that answers its peers too late reads the old value for milliseconds, one that has just started for as long as
PLEA_INTERVAL_S; and where one is cut off from Redis and the only other one from the database, the other one does so until either ends.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable
from functools import partial
from typing import Any

import redis
from pydantic import SecretStr
from redis.backoff import NoBackoff
from redis.retry import Retry

from app.kit.breaker import CircuitBreaker
from app.kit.cache_keys import CacheKeys, token
from app.kit.database import Database
from app.kit.metrics import Metrics
from app.kit.peers import Peers

log = logging.getLogger(__name__)

TIMEOUT_S = 0.05
"""With PEER_TIMEOUT_S a Redis that hangs for all delays a write by less than 0.1 s."""
PEER_TIMEOUT_S = 0.03
"""For what a peer has waited for in vain."""
PROBE_TIMEOUT_S = 0.25
PROBE_TICK_S = 0.25
"""While all is well: a replica without traffic must notice an outage too, for the others may have lost invalidations in it."""
PROBE_INTERVAL_S = 0.02
"""During an outage. A probe waits for a Redis that hangs, and makes good what was lost within milliseconds of its going on: that long
a replica which noticed nothing may serve the old value. A Redis that is away costs a refused connection each time."""
PLEA_INTERVAL_S = 0.25
"""Between requests to peers to make good what was lost: one that has just started could not be asked before."""
TOMBSTONE_TTL_MS = 120_000
EVERYTHING = "everything"
"""What a peer is asked to outdate where it is not a single thing."""

_INVALIDATE = """
redis.call('SET', KEYS[2], ARGV[1])
local epoch = redis.call('GET', KEYS[1])
local found = redis.call('GET', KEYS[3])
local version = found and string.match(found, '^%S+ (%d+)\\n')
if not epoch or (version and tonumber(version) > tonumber(ARGV[2])) then return 0 end
redis.call('SET', KEYS[3], epoch .. ' ' .. ARGV[2] .. '\\n', 'PX', ARGV[3])
return 1
"""


class Invalidation:
    """Outdates what is cached, and probes in the background whether Redis answers: the only one to close ``breaker``."""

    def __init__(
        self, url: SecretStr, keys: CacheKeys, breaker: CircuitBreaker, *, replica: str, database: Database, metrics: Metrics
    ) -> None:
        """``database`` is the one that all replicas share."""
        self._keys = keys
        self._breaker = breaker
        self._own = _client(url, replica, timeout_s=TIMEOUT_S)
        self._for_peers = _client(url, replica, timeout_s=PEER_TIMEOUT_S)
        self._probes = _client(url, replica, timeout_s=PROBE_TIMEOUT_S)
        self._script = self._own.register_script(_INVALIDATE)
        self._peers = Peers(database, channel=f"{keys.namespace}-peers", answer=self._answer_peer)
        self._delivered = metrics.counter("invalidations", "changes of what may be cached, by who could outdate it there", "by")
        metrics.watch("peers_heard", "1 while others can have this replica outdate what is cached", lambda: float(self._peers.listening))
        self._next_plea_s = 0.0
        self._stopping = False
        self._probe_now = threading.Event()
        self._prober = threading.Thread(target=self._probe_until_stopped, name="cache-probe", daemon=True)

    def changed(self, key: str, version: int) -> None:
        """Outdate the item and every page; where nobody can, nothing cached before is served again."""
        if self._deliver(partial(self._outdate, self._own, key, version)):
            self._delivered.labels("itself").inc()
        elif self._peers.ask(f"{version} {key}"):
            self._delivered.labels("peer").inc()
        else:
            self._delivered.labels("nobody").inc()
            self._lost()

    def start(self) -> None:
        """Begin to probe, and to listen to peers."""
        self._prober.start()
        self._peers.start()

    def stop(self) -> None:
        """End both and close the connections."""
        self._peers.stop()
        self._stopping = True
        self._probe_now.set()
        self._prober.join(timeout=1)
        for client in (self._own, self._for_peers, self._probes):
            client.close()

    def _answer_peer(self, request: str) -> bool:
        client = self._for_peers
        version, _, key = request.partition(" ")
        outdate = partial(client.delete, self._keys.epoch) if request == EVERYTHING else partial(self._outdate, client, key, int(version))
        if self._deliver(outdate):
            return True
        self._lost()
        return False

    def _deliver(self, outdate: Callable[[], object]) -> bool:
        """Whether Redis has taken it."""
        if not self._breaker.delivers:
            return False
        try:
            outdate()
        except redis.RedisError as error:
            log.warning("an invalidation was not delivered", extra={"error": type(error).__name__})
            self._breaker.failed()
            return False
        return True

    def _outdate(self, client: Any, key: str, version: int) -> None:
        try:
            keys = [self._keys.epoch, self._keys.generation, self._keys.item(key)]
            self._script(keys=keys, args=[token(), version, TOMBSTONE_TTL_MS], client=client)
        except redis.OutOfMemoryError:  # it goes on answering reads then, and refuses every write but what frees memory
            client.delete(self._keys.epoch)

    def _lost(self) -> None:
        self._breaker.lost()
        self._probe_now.set()

    def _probe_until_stopped(self) -> None:
        while not self._stopping:
            self._probe_now.wait(PROBE_TICK_S if self._breaker.closed else PROBE_INTERVAL_S)
            self._probe_now.clear()
            try:
                if self._breaker.closed:
                    self._probes.ping()
                elif self._breaker.probe_due():
                    self._recover()
            except redis.RedisError:
                self._breaker.missed_probe()
                self._plead()

    def _recover(self) -> None:
        losses = self._breaker.begin_probe()
        if self._breaker.losses_outstanding:
            self._probes.delete(self._keys.epoch)  # which a Redis without memory takes too; the next reader makes another
        else:
            self._probes.ping()
        self._breaker.recovered(losses)
        if self._breaker.closed:
            log.info("the cache is asked again")

    def _plead(self) -> None:
        """Have a peer make good what was lost, if it can meanwhile."""
        if self._breaker.losses_outstanding and time.monotonic() >= self._next_plea_s:
            losses = self._breaker.begin_probe()
            if self._peers.ask(EVERYTHING):
                self._breaker.made_good(losses)
            self._next_plea_s = time.monotonic() + PLEA_INTERVAL_S


def _client(url: SecretStr, name: str, *, timeout_s: float) -> Any:
    """A client that gives up in time, where redis-py's own default retries ten times, for up to a minute.

    Only a connection that Redis has closed is worth another attempt: after a timeout that would be waiting twice as long.
    """
    return redis.Redis.from_url(
        url.get_secret_value(),
        client_name=name,
        socket_timeout=timeout_s,
        socket_connect_timeout=timeout_s,
        socket_keepalive=True,
        retry=Retry(NoBackoff(), 1, supported_errors=(redis.ConnectionError,)),
        health_check_interval=0,
    )
