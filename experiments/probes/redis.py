"""Hits and misses at Redis."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

import redis
from pydantic import SecretStr
from redis.backoff import NoBackoff
from redis.retry import Retry

from experiments.errors import ProbeError
from experiments.probes.sampler import Reading
from infra.errors import InfraError

TIMEOUT_S: Final = 1.0
"""INFO takes less than a millisecond."""


class RedisProbe:
    """The keyspace counters of ``INFO stats``."""

    name: Final = "redis"

    def __init__(self, locate: Callable[[], SecretStr], node: str) -> None:
        """``locate`` gives the URL; it is asked before each connection, for a container that was started again may have moved."""
        self._node = node
        self._locate = locate
        self._client: redis.Redis | None = None

    def read(self) -> list[Reading]:
        """Both counters.

        Raises:
            ProbeError: Redis doesn't answer, or nobody knows where it is.
        """
        try:
            stats = self._open().info("stats")
        except redis.RedisError as error:
            self.close()
            raise ProbeError(f"Redis doesn't answer ({type(error).__name__})") from None
        return [
            Reading(self._node, "cache_hits", float(stats["keyspace_hits"])),
            Reading(self._node, "cache_misses", float(stats["keyspace_misses"])),
        ]

    def close(self) -> None:
        """Close the connection; the next reading would open another."""
        if self._client is not None:
            self._client.close()
            self._client = None

    def _open(self) -> redis.Redis:
        if self._client is None:
            try:
                self._client = connect(self._locate())
            except InfraError as error:
                raise ProbeError(f"nobody knows where Redis is ({error})") from None
        return self._client


def connect(url: SecretStr, *, timeout_s: float = TIMEOUT_S) -> redis.Redis:
    """A client that fails at once instead of retrying ten times, as redis-py does by itself."""
    return redis.Redis.from_url(
        url.get_secret_value(), socket_timeout=timeout_s, socket_connect_timeout=timeout_s, retry=Retry(NoBackoff(), 0)
    )
