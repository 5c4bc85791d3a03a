"""Where one namespace of the cache keeps what in Redis; see :mod:`app.kit.redis_cache` for what the tokens are for."""

from __future__ import annotations

import secrets
from typing import NamedTuple


class CacheKeys(NamedTuple):
    """The keys of a namespace."""

    namespace: str

    @property
    def epoch(self) -> str:
        """Of the token without which nothing cached is valid."""
        return f"{self.namespace}:epoch"

    @property
    def generation(self) -> str:
        """Of the token without which no cached page is valid."""
        return f"{self.namespace}:generation"

    def item(self, key: str) -> str:
        """Of one thing."""
        return f"{self.namespace}:item:{key}"

    def page(self, key: str) -> str:
        """Of one page of a list."""
        return f"{self.namespace}:page:{key}"


def token() -> str:
    """Random, so that a token which was evicted or flushed is never made a second time."""
    return secrets.token_hex(8)
