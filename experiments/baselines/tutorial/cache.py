"""Cache-aside: look in Redis, else load and set; delete on write."""

from __future__ import annotations

import json
from typing import Any

import redis
from fastapi import Response

from experiments.baselines.tutorial.settings import settings

PREFIX = "tutorial:"

client: Any = redis.Redis.from_url(settings.cache_url.get_secret_value(), decode_responses=True) if settings.cache_url else None


def get(key: str, response: Response) -> Any:
    """What is cached under the key, None for nothing; says in X-Cache how it went."""
    if client is None:
        response.headers["X-Cache"] = "off"
        return None
    cached = client.get(PREFIX + key)
    response.headers["X-Cache"] = "miss" if cached is None else "hit"
    return None if cached is None else json.loads(cached)


def put(key: str, value: Any) -> None:
    """Cache a value for the time to live."""
    if client is not None:
        client.setex(PREFIX + key, settings.cache_ttl_s, json.dumps(value))


def delete(pattern: str) -> None:
    """Forget what matches."""
    if client is not None:
        for key in client.scan_iter(PREFIX + pattern):
            client.delete(key)
