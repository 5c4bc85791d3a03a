"""Ratio, shift and dominance of two treatments."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reports.analysis.effects import ByBlock, cliffs_delta, compare, ratio, ratio_p_values, shift
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
    """Where a block has no ratio: of the differences 0, 2 and 9 the averages are 0, 1, 2, 4.5, 5.5 and 9, so the shift is 3.25."""
    found = shift(_blocks(0, 12, 19), _blocks(0, 10, 10))
    assert isinstance(found, Estimate)
    assert found.value == 3.25
    assert (found.low, found.high) == (0.0, 9.0)


def test_a_shift_beside_a_ratio_is_the_same_test_in_the_metrics_unit() -> None:
    """1.1 to 1.5 times a usual 20 is 2 to 10 more, whatever the differences within unequal blocks are."""
    reference = _blocks(10, 20, 200, 15, 40)
    treatment = _blocks(11, 24, 260, 21, 60)
    found = shift(treatment, reference)
    assert isinstance(found, Estimate)
    assert (found.low, found.high) == pytest.approx((2, 10))


_AMOUNTS = st.floats(0.001, 100) | st.integers(0, 4).map(float)


@given(st.lists(st.tuples(_AMOUNTS, _AMOUNTS), min_size=2, max_size=14))
def test_ratio_shift_and_p_value_of_a_row_never_contradict_each_other(pairs: list[tuple[float, float]]) -> None:
    """Whatever was measured, zeros included: both intervals lie on the same side of "no difference", and so does the p-value."""
    treatment, reference = _blocks(*(one for one, _ in pairs)), _blocks(*(other for _, other in pairs))
    found = compare(treatment, reference)
    assert isinstance(found.shift, Estimate)
    assert found.p_value is not None
    level = 1 - found.shift.confidence
    assert (found.shift.low > 0 or found.shift.high < 0) == (found.p_value <= level)
    if isinstance(found.ratio, Estimate):
        assert (found.ratio.low > 1, found.ratio.high < 1) == (found.shift.low > 0, found.shift.high < 0)


def test_a_ratio_without_a_logarithm_has_an_interval_by_whole_order_statistics() -> None:
    """Of seven ratios with a zero among them, and of seven with a censored one, the interval is the range."""
    found = ratio(_blocks(0, 2, 3, 4, 5, 6, 7), _blocks(1, 1, 1, 1, 1, 1, 1))
    assert found == Estimate(4.0, 0.0, 7.0, trials=7)
    censored = ratio({**_blocks(1, 2, 3, 4, 5, 6), 6: Observation.above(7)}, _blocks(1, 1, 1, 1, 1, 1, 1))
    assert censored == Estimate(4.0, 1.0, math.inf, trials=7)


def test_no_difference_has_a_p_value_where_there_is_anything_to_compare() -> None:
    """Of the ratio, else of the shift, else none."""
    assert compare(_blocks(2, 3, 4, 5, 6), _blocks(1, 1, 1, 1, 1)).p_value == pytest.approx(2 / 32)
    assert compare(_blocks(0, 3, 4, 5, 6), _blocks(0, 1, 1, 1, 1)).p_value == pytest.approx(4 / 32)
    assert compare(_blocks(1, 1, 1, 1, 1), _blocks(1, 1, 1, 1, 1)).p_value == 1.0
    assert compare(_blocks(1), {7: Observation.exact(1)}).p_value is None


def test_the_p_value_of_a_ratio_is_of_any_bound() -> None:
    """Ratios of 40 and more speak for "at least 40" and against "at most 39"."""
    found = ratio_p_values([Observation.exact(value) for value in (40, 44, 50, 61, 72)], 40)
    assert (found.at_least, found.at_most) == pytest.approx((1 / 32, 31 / 32))
    assert ratio_p_values([Observation.exact(value) for value in (40, 44, 50, 61, math.inf)], 39).above == pytest.approx(1 / 32)
    with pytest.raises(ValueError, match="needs a trial"):
        ratio_p_values([], 1)


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
