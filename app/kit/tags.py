"""Bookkeeping of a channel's delivery tags: what the broker has confirmed to us, and what we may acknowledge to it; pure."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Generic, TypeVar

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class _Published(Generic[T]):
    item: T
    published_s: float


class Confirms(Generic[T]):
    """The messages of a channel in confirm mode; their tags count from 1 in the order in which they are published."""

    def __init__(self) -> None:
        self._last_tag = 0
        self._outstanding: dict[int, _Published[T]] = {}
        """In the order of their tags, which is the order of insertion."""
        self._confirmed: list[T] = []

    @property
    def outstanding(self) -> list[T]:
        """What was published and not confirmed: the broker may have it or not."""
        return [published.item for published in self._outstanding.values()]

    @property
    def unsettled_count(self) -> int:
        """How many are outstanding, or confirmed and not taken yet."""
        return len(self._outstanding) + len(self._confirmed)

    @property
    def oldest_s(self) -> float | None:
        """When the message that has been outstanding for longest was published."""
        return next((published.published_s for published in self._outstanding.values()), None)

    def published(self, item: T, now_s: float) -> None:
        """Another message went out."""
        self._last_tag += 1
        self._outstanding[self._last_tag] = _Published(item, now_s)

    def confirmed(self, tag: int, *, multiple: bool) -> None:
        """The broker has that message safe, or with ``multiple`` all up to it (all there are where the tag is 0)."""
        tags = [tag]
        if multiple:
            tags = []
            for known in self._outstanding:
                if known > tag > 0:
                    break
                tags.append(known)
        for found in tags:
            published = self._outstanding.pop(found, None)
            if published is not None:
                self._confirmed.append(published.item)

    def take_confirmed(self) -> list[T]:
        """What was confirmed since the last call."""
        taken, self._confirmed = self._confirmed, []
        return taken


class Unsettled:
    """The messages delivered on a channel and not settled; finds how far one acknowledgement of many reaches.

    RabbitMQ refuses an acknowledgement of a tag that it does not know as unsettled: one that was rejected is never named again.
    """

    def __init__(self) -> None:
        self._done: dict[int, bool] = {}
        """Whether it had its effect, by tag in the order of delivery."""

    def delivered(self, tag: int) -> None:
        """A message came."""
        self._done[tag] = False

    def handled(self, tags: Iterable[int]) -> int | None:
        """These had their effect; gives the tag up to which everything may be acknowledged now, if there is any."""
        for tag in tags:
            self._done[tag] = True
        return self._settle_beginning()

    def rejected(self, tag: int) -> int | None:
        """This one was rejected; gives what :meth:`handled` gives."""
        del self._done[tag]
        return self._settle_beginning()

    def _settle_beginning(self) -> int | None:
        reached = None
        for tag, done in self._done.items():
            if not done:
                break
            reached = tag
        if reached is not None:
            self._done = {tag: done for tag, done in self._done.items() if tag > reached}
        return reached
