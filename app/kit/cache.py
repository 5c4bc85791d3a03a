"""Cache-aside for serialized answers, as services see it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from typing import NamedTuple, Protocol

from app.kit.work import Work


class CacheState(StrEnum):
    """How a read was answered; header X-Cache."""

    HIT = "hit"
    MISS = "miss"
    OFF = "off"
    """Without the cache: switched off, or away."""


@dataclass(frozen=True, slots=True)
class Entry:
    """A serialized answer and the version of what it tells."""

    version: int
    body: bytes


class Answer(NamedTuple):
    """What a read gives."""

    body: bytes
    state: CacheState


class Cache(Protocol):
    """What a service asks of its cache; ``load`` reads the database, in a thread."""

    async def item(self, key: str, load: Callable[[], Entry]) -> Answer:
        """One thing, from the cache or from ``load``."""
        ...

    async def page(self, key: str, load: Callable[[], bytes]) -> Answer:
        """One page of a list, from the cache or from ``load``."""
        ...

    def changed(self, key: str, version: int) -> None:
        """After the commit and before the answer: the item of that key is now ``version``, and every page is outdated.

        Waits for the cache; called in a thread.
        """
        ...

    def start(self) -> None:
        """Begin whatever works in the background."""
        ...

    def stop(self) -> None:
        """End it and let go of the connections."""
        ...


class NoCache:
    """The cache that is switched off."""

    def __init__(self, work: Work) -> None:
        self._work = work

    async def item(self, key: str, load: Callable[[], Entry]) -> Answer:  # noqa: ARG002 -- the protocol's signature
        """Always loaded."""
        return Answer((await self._work.run(load)).body, CacheState.OFF)

    async def page(self, key: str, load: Callable[[], bytes]) -> Answer:  # noqa: ARG002 -- the protocol's signature
        """Always loaded."""
        return Answer(await self._work.run(load), CacheState.OFF)

    def changed(self, key: str, version: int) -> None:
        """Nothing is cached."""

    def start(self) -> None:
        """Nothing to start."""

    def stop(self) -> None:
        """Nothing to stop."""
