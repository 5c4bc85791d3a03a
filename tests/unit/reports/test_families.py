"""Adjusted p-values against published examples."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import pytest

from reports.analysis.families import benjamini_hochberg, holm

THROMBOLYSIS = (0.0001, 0.0004, 0.0019, 0.0095, 0.0201, 0.0278, 0.0298, 0.0344, 0.0459, 0.3240, 0.4262, 0.5719, 0.6528, 0.7590, 1.0)
"""The example of Benjamini & Hochberg 1995: fifteen comparisons of two treatments after a heart attack."""
Adjust = Callable[[Mapping[int, float]], dict[int, float]]


@pytest.mark.parametrize(("adjust", "rejected"), [(holm, 3), (benjamini_hochberg, 4)])
def test_the_published_example_rejects_as_many_as_published(adjust: Adjust, rejected: int) -> None:
    """At 5 % three hypotheses fall by a familywise procedure, four by the false discovery rate."""
    adjusted = adjust(dict(enumerate(THROMBOLYSIS)))
    assert [key for key, p_value in adjusted.items() if p_value <= 0.05] == list(range(rejected))


@pytest.mark.parametrize(
    ("adjust", "expected"), [(holm, {"a": 0.06, "b": 0.04, "c": 0.06, "d": 0.06}), (benjamini_hochberg, dict.fromkeys("abcd", 0.04))]
)
def test_adjusted_p_values_keep_their_keys(
    adjust: Callable[[Mapping[str, float]], dict[str, float]], expected: Mapping[str, float]
) -> None:
    """0.02, 0.01, 0.03 and 0.04 are stepped down (times 4, 3, 2, 1, never falling) or up (times 4/1, 4/2, 4/3, 4/4, never rising)."""
    found = adjust({"a": 0.02, "b": 0.01, "c": 0.03, "d": 0.04})
    assert found == pytest.approx(expected)
    assert list(found) == list(expected)


@pytest.mark.parametrize("adjust", [holm, benjamini_hochberg])
def test_one_question_needs_no_adjustment_and_none_has_no_answer(adjust: Adjust) -> None:
    """Neither does a probability exceed 1."""
    assert adjust({}) == {}
    assert adjust({7: 0.03}) == {7: 0.03}
    assert max(adjust({1: 0.9, 2: 0.8}).values()) <= 1.0
