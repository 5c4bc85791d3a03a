"""Delta debugging."""

from __future__ import annotations

from collections.abc import Sequence

from hypothesis import given
from hypothesis import strategies as st

from experiments.shrinking import shrink

lists = st.lists(st.integers(0, 50), unique=True, max_size=24)


@given(lists, st.data())
def test_what_is_needed_is_what_is_left(items: list[int], data: st.DataObject) -> None:
    """A list that fails whenever it holds certain elements shrinks to these, in their order, and to nothing where there are none."""
    needed = data.draw(st.lists(st.sampled_from(items), unique=True)) if items else []
    found = shrink(items, lambda part: set(needed) <= set(part))
    assert found.is_minimal
    assert found.items == tuple(item for item in items if item in needed)


@given(lists, st.data())
def test_nothing_more_can_be_left_out(items: list[int], data: st.DataObject) -> None:
    """Whichever of several causes is found, without any one of its elements nothing fails."""
    causes = data.draw(st.lists(st.sets(st.sampled_from(items)), min_size=1, max_size=4)) if items else [set[int]()]

    def fails(part: Sequence[int]) -> bool:
        return any(cause <= set(part) for cause in causes)

    found = shrink(items, fails)
    assert fails(found.items)
    assert not any(fails([other for other in found.items if other != item]) for item in found.items)


@given(lists, st.integers(0, 60), st.randoms(use_true_random=False))
def test_the_budget_is_kept_and_the_best_is_told(items: list[int], budget: int, random: object) -> None:
    """However the answers vary, no list is tried twice, no try is one too many, and what is told is the whole or was seen to fail."""
    seen: dict[tuple[int, ...], bool] = {}

    def fails(part: Sequence[int]) -> bool:
        assert tuple(part) not in seen
        seen[tuple(part)] = random.random() < 0.3  # type: ignore[attr-defined]  # hypothesis gives a random.Random
        return seen[tuple(part)]

    found = shrink(items, fails, lambda tries: tries < budget)
    assert found.tries == len(seen) <= budget
    assert found.items == tuple(items) or seen[found.items]


@given(st.integers(1, 64), st.data())
def test_one_cause_takes_few_tries(size: int, data: st.DataObject) -> None:
    """A single culprit among n is found by halving: two tries a halving at most, and the empty list."""
    culprit = data.draw(st.integers(0, size - 1))
    found = shrink(range(size), lambda part: culprit in part)
    assert found.items == (culprit,)
    assert found.tries <= 2 * size.bit_length() + 1
