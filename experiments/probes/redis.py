"""Hits and misses at Redis."""

from __future__ import annotations

from typing import Final

import redis
from pydantic import SecretStr
from redis.backoff import NoBackoff
from redis.retry import Retry

from experiments.errors import ProbeError
from experiments.probes.sampler import Reading

TIMEOUT_S: Final = 1.0
"""INFO takes less than a millisecond."""


class RedisProbe:
    """The keyspace counters of ``INFO stats``."""

    name: Final = "redis"

    def __init__(self, url: SecretStr, node: str) -> None:
        self._node = node
        self._client = connect(url)

    def read(self) -> list[Reading]:
        """Both counters.

        Raises:
            ProbeError: Redis doesn't answer.
        """
        try:
            stats = self._client.info("stats")
        except redis.RedisError as error:
            raise ProbeError(f"Redis doesn't answer ({type(error).__name__})") from None
        return [
            Reading(self._node, "cache_hits", float(stats["keyspace_hits"])),
            Reading(self._node, "cache_misses", float(stats["keyspace_misses"])),
        ]

    def close(self) -> None:
        """Close the connection."""
        self._client.close()


def connect(url: SecretStr, *, timeout_s: float = TIMEOUT_S) -> redis.Redis:
    """A client that fails at once instead of retrying ten times, as redis-py does by itself."""
    return redis.Redis.from_url(
        url.get_secret_value(), socket_timeout=timeout_s, socket_connect_timeout=timeout_s, retry=Retry(NoBackoff(), 0)
    )
