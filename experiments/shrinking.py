"""Makes a list that fails shorter, as long as it still fails: delta debugging.

Pure. The algorithm is ddmin of Zeller and Hildebrandt (Simplifying and isolating failure-inducing input, IEEE Transactions on Software
Engineering 28(2), 2002), here with a look at the empty list first and an end when the budget is spent.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Generic, TypeVar

T = TypeVar("T")


@dataclass(frozen=True)
class Shrunk(Generic[T]):
    """What is left."""

    items: tuple[T, ...]
    """The shortest list that was seen to fail; a part of the given one, in its order."""
    tries: int
    """Different lists that were asked for."""
    is_minimal: bool
    """No element could be left out; False where the budget was spent before that was known."""


def shrink(items: Sequence[T], fails: Callable[[Sequence[T]], bool], may_try: Callable[[int], bool] = lambda _: True) -> Shrunk[T]:
    """A shorter part of ``items`` that ``fails``, given that they do.

    The result is 1-minimal where ``fails`` always says the same of the same list: without any one of its elements it does not fail.
    ``may_try`` is asked before each try, with the number of tries so far; no list is tried twice.
    """
    return _Search(items, fails, may_try).run()


class _SpentError(Exception):
    """The budget is."""


class _Search(Generic[T]):
    """Lists are sorted places in the given one."""

    def __init__(self, items: Sequence[T], fails: Callable[[Sequence[T]], bool], may_try: Callable[[int], bool]) -> None:
        self._items = items
        self._fails = fails
        self._may_try = may_try
        self._known: dict[tuple[int, ...], bool] = {}
        self._best = tuple(range(len(items)))

    def run(self) -> Shrunk[T]:
        try:
            self._search()
            is_minimal = True
        except _SpentError:
            is_minimal = False
        return Shrunk(tuple(self._items[place] for place in self._best), len(self._known), is_minimal)

    def _search(self) -> None:
        if not self._best or self._holds(()):
            return
        parts = 2
        while len(self._best) > 1:
            chunks = _split(self._best, parts)
            rests = [tuple(place for place in self._best if place not in chunk) for chunk in chunks]
            if any(self._holds(chunk) for chunk in chunks):
                parts = 2
            elif any(self._holds(rest) for rest in rests):
                parts = max(parts - 1, 2)
            elif parts >= len(self._best):
                return
            else:
                parts = min(2 * parts, len(self._best))

    def _holds(self, places: tuple[int, ...]) -> bool:
        if places not in self._known:
            if not self._may_try(len(self._known)):
                raise _SpentError
            self._known[places] = self._fails([self._items[place] for place in places])
        if self._known[places]:
            self._best = places
        return self._known[places]


def _split(places: tuple[int, ...], parts: int) -> list[tuple[int, ...]]:
    """As many parts as asked for, as even as can be."""
    bounds = [round(number * len(places) / parts) for number in range(parts + 1)]
    return [places[start:end] for start, end in pairwise(bounds)]
