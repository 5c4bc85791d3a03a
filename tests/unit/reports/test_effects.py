"""Ratio, shift and dominance of two treatments."""

from __future__ import annotations

import math

import numpy as np
import pytest

from reports.analysis.effects import ByBlock, cliffs_delta, ratio, shift, walsh_medians
from reports.analysis.estimates import Estimate, Observation, Unmeasured


def _blocks(*values: float) -> ByBlock:
    return {block: Observation.exact(value) for block, value in enumerate(values)}


def test_a_ratio_is_taken_within_blocks() -> None:
    """Blocks that differ tenfold leave a constant ratio constant."""
    found = ratio(_blocks(20, 200, 2, 40, 400), _blocks(10, 100, 1, 20, 200))
    assert found == Estimate(2.0, 2.0, 2.0, trials=5)


def test_only_blocks_with_both_treatments_enter_a_ratio() -> None:
    """A block that lost one trial says nothing of the ratio."""
    found = ratio({0: Observation.exact(8), 1: Observation.exact(99)}, {0: Observation.exact(2), 2: Observation.exact(1)})
    assert found == Estimate(4.0, 4.0, 4.0, trials=1)


def test_something_over_nothing_is_infinite_and_nothing_over_nothing_is_no_ratio() -> None:
    """A cache that left no statement at all is infinitely better; two systems without failures have no ratio of failures."""
    found = ratio(_blocks(5, 6), _blocks(0, 0))
    assert isinstance(found, Estimate)
    assert math.isinf(found.low)
    assert isinstance(ratio(_blocks(0, 1), _blocks(0, 1)), Unmeasured)


def test_treatments_without_a_common_block_have_neither_ratio_nor_shift() -> None:
    """There is a reason instead of a number."""
    assert isinstance(ratio(_blocks(1), {7: Observation.exact(1)}), Unmeasured)
    assert isinstance(shift(_blocks(1), {7: Observation.exact(1)}), Unmeasured)


def test_the_shift_is_the_median_of_the_walsh_averages() -> None:
    """Of the differences 1, 2 and 9 the averages are 1, 1.5, 2, 5, 5.5 and 9, so the shift is 3.5."""
    found = shift(_blocks(11, 12, 19), _blocks(10, 10, 10))
    assert isinstance(found, Estimate)
    assert found.value == 3.5
    assert (found.low, found.high) == (1.0, 9.0)


def test_walsh_medians_are_the_same_in_one_piece_and_in_many() -> None:
    """Each row is computed by itself."""
    samples = np.random.default_rng(1).normal(0, 1, (40, 9))
    assert walsh_medians(samples).tolist() == [walsh_medians(row[np.newaxis])[0] for row in samples]


def test_an_unbounded_value_has_no_shift() -> None:
    """Who never recovered has no difference to who did."""
    assert isinstance(shift({0: Observation.above(5)}, _blocks(1)), Unmeasured)


@pytest.mark.parametrize(
    ("above", "below", "expected"),
    [((4, 5, 6), (1, 2, 3), 1), ((1, 2), (3, 4), -1), ((1, 1), (1, 1), 0), ((1, 3), (2, 2), 0), ((2, 3), (1, 3), 0.25)],
)
def test_cliffs_delta_counts_who_is_larger(above: tuple[float, ...], below: tuple[float, ...], expected: float) -> None:
    """+1 and -1 are complete separation, ties count for nobody."""
    assert cliffs_delta(_blocks(*above), _blocks(*below)) == expected
