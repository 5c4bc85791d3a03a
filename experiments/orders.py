"""Orders of treatments that are balanced for what a trial leaves to the next one.

Pure. Two effects have to fall on all treatments alike: that of the place in a block, and that of the trial before (a pool that was
emptied, a replica that is new). A Latin square balances the places only; in a cyclic one each treatment even comes after the same
other one in every block.

Williams, "Experimental designs balanced for the estimation of residual effects of treatments", Australian Journal of Scientific
Research A2, 1949: for an even number of treatments one square, for an odd one a pair of squares, in which each treatment stands
equally often in each place and comes equally often directly after each other one.
"""

from __future__ import annotations

import random
from collections.abc import Iterator, Sequence


def balanced_orders(names: Sequence[str], rng: random.Random) -> Iterator[tuple[str, ...]]:
    """Endless orders of ``names``: the rows of one randomised Williams design after the other.

    The treatments are assigned to the design's symbols at random, for each design again, and its rows come in random order, except
    that a row which begins with the treatment that the row before ended with goes first. The trial before the first one of a block
    counts too, and only where treatments also come after themselves is what a trial leaves to the next one the same for all: if
    one control is compared with faults and never comes after itself, it bears what a fault leaves in every trial, the faults in
    fewer (strong balance; Cheng & Wu, "Balanced repeated measurements designs", The Annals of Statistics 8(6), 1980).

    No number of treatments is too large. Each row by itself is a permutation drawn uniformly, and two rows of a design share fewer
    neighbours than two permutations drawn independently: where blocks are few, chance could only be less balanced.
    """
    rows: list[tuple[str, ...]] = []
    last: str | None = None
    while True:
        rows = rows or _randomised(names, rng)
        row = rows.pop(next((at for at, row in enumerate(rows) if row[0] == last), 0))
        last = row[-1]
        yield row


def williams_design(size: int) -> list[tuple[int, ...]]:
    """The rows of the design for ``size`` symbols, unrandomised: ``size`` of them if it is even, twice as many if it is odd."""
    zigzag = [0] + [(step + 1) // 2 if step % 2 else size - step // 2 for step in range(1, size)]
    square = [tuple((symbol + row) % size for symbol in zigzag) for row in range(size)]
    return square if size % 2 == 0 else square + [row[::-1] for row in square]


def _randomised(names: Sequence[str], rng: random.Random) -> list[tuple[str, ...]]:
    assigned = rng.sample(names, len(names))
    rows = [tuple(assigned[symbol] for symbol in row) for row in williams_design(len(names))]
    rng.shuffle(rows)
    return rows
