"""Orders that are balanced for place and for the trial before."""

from __future__ import annotations

import random
from collections import Counter
from itertools import islice, pairwise

import pytest

from experiments.orders import balanced_orders, williams_design


def _orders(size: int, blocks: int, seed: int = 1) -> list[tuple[str, ...]]:
    names = [f"t{number}" for number in range(size)]
    return list(islice(balanced_orders(names, random.Random(seed)), blocks))  # noqa: S311 - reproducible on purpose


def _neighbours(rows: list[tuple[str, ...]]) -> Counter[tuple[str, str]]:
    """How often one comes directly after another within a block."""
    return Counter(pair for row in rows for pair in pairwise(row))


@pytest.mark.parametrize(
    ("size", "rows", "each_neighbour"),
    [(2, 2, 1), (3, 6, 2), (4, 4, 1), (5, 10, 2), (6, 6, 1), (7, 14, 2), (10, 10, 1), (11, 22, 2), (142, 142, 1)],
)
def test_in_a_whole_design_places_and_neighbours_are_balanced(size: int, rows: int, each_neighbour: int) -> None:
    """Each treatment stands equally often in each place, and comes equally often directly after each other one."""
    assert len(williams_design(size)) == rows
    orders = _orders(size, rows)
    places = Counter((at, name) for row in orders for at, name in enumerate(row))
    assert set(places.values()) == {rows // size}
    assert len(places) == size * size
    neighbours = _neighbours(orders)
    assert len(neighbours) == size * (size - 1)
    assert set(neighbours.values()) <= {each_neighbour}


@pytest.mark.parametrize("blocks", [2, 5, 9])
@pytest.mark.parametrize("size", [4, 10, 142])
def test_in_part_of_a_square_no_neighbour_comes_twice(size: int, blocks: int) -> None:
    """Where blocks are fewer than treatments, all that can be is that each trial of a treatment has another predecessor."""
    assert set(_neighbours(_orders(size, min(blocks, size))).values()) == {1}


@pytest.mark.parametrize("size", [2, 3, 5])
def test_a_treatment_comes_after_itself_about_as_often_as_after_each_other_one(size: int) -> None:
    """The last trial of the block before counts too; over 120 blocks no predecessor has a third more than its share."""
    orders = _orders(size, 120)
    everything = [name for row in orders for name in row]
    counts = Counter(pairwise(everything))
    assert len(counts) == size * size
    expected = (len(everything) - 1) / size**2
    assert all(0.66 * expected < count < 1.34 * expected for count in counts.values()), counts


def test_a_cyclic_square_would_not_pass() -> None:
    """In its rows each treatment comes after the same other one again and again."""
    names = [f"t{number}" for number in range(10)]
    rows = [tuple(names[at:] + names[:at]) for at in range(10)]
    assert max(_neighbours(rows).values()) == 9


def test_labels_are_drawn_at_random_for_each_design_again() -> None:
    """So which treatment is where depends on the seed, and a second design is not the first again."""
    assert _orders(4, 4, seed=1) != _orders(4, 4, seed=2)
    first, second = (set(_neighbours(rows)) for rows in (_orders(10, 10)[:5], _orders(10, 20)[10:15]))
    assert first != second


def test_each_order_by_itself_is_drawn_uniformly() -> None:
    """Of 6,000 first blocks of three treatments each of the six orders gets a sixth, within four standard errors."""
    counts = Counter(_orders(3, 1, seed=seed)[0] for seed in range(6000))
    assert len(counts) == 6
    assert all(abs(count - 1000) < 4 * (6000 * (1 / 6) * (5 / 6)) ** 0.5 for count in counts.values()), counts
