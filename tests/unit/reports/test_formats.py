"""Numbers as people read them."""

from __future__ import annotations

import math
from datetime import datetime, timedelta, timezone

import pytest

from reports.analysis.estimates import Estimate, Observation, Unmeasured
from reports.page.formats import Form, count, estimate_cell, measured_cell, moment, number


@pytest.mark.parametrize(
    ("value", "form", "expected"),
    [
        (0.0, Form.NUMBER, "0"),
        (100.0, Form.TIMES, "100×"),  # noqa: RUF001
        (250.0, Form.NUMBER, "250"),
        (63.24, Form.TIMES, "63.2×"),  # noqa: RUF001
        (5.0, Form.NUMBER, "5"),
        (4.9996, Form.NUMBER, "5.00"),
        (0.0204, Form.NUMBER, "0.020"),
        (12345.6, Form.NUMBER, "12,346"),
        (-9799.0, Form.NUMBER, "−9,799"),  # noqa: RUF001
        (-0.0001, Form.NUMBER, "0.000"),
        (math.inf, Form.NUMBER, "∞"),
        (1.0, Form.SHARE, "100 %"),
        (0.999, Form.SHARE, "99.90 %"),
        (0.99999, Form.SHARE, "99.9990 %"),
        (0.00001, Form.SHARE, "0.0010 %"),
        (math.inf, Form.OR_NONE, "none"),
        (0.25, Form.OR_NONE, "0.250"),
        (-0.0022, Form.POINTS, "−0.220 pp"),  # noqa: RUF001
    ],
)
def test_numbers_have_three_significant_digits(value: float, form: Form, expected: str) -> None:
    """Whole numbers stay whole, and what is nearly all is not shown as all."""
    assert number(value, form) == expected


def test_signed_numbers_show_a_plus() -> None:
    """A shift has a direction."""
    assert number(0.2, signed=True) == "+0.200"


def test_a_cell_of_an_estimate_has_value_and_bounds() -> None:
    """People read value and interval, a CSV has three numbers; a lower bound says so; few trials have a range, and one has none."""
    cell = estimate_cell(Estimate(12.0, 10.0, math.inf, trials=5, is_lower_bound=True))
    assert (cell.text, cell.interval, cell.raw) == ("> 12", "[10, ∞]", (12.0, 10.0, math.inf))
    assert estimate_cell(Estimate(12.0, 12.0, 12.0, trials=1)).interval == ""
    assert estimate_cell(Estimate(12.0, 10.0, 14.0, trials=4)).interval == "range [10, 14]"


def test_what_is_not_there_is_a_dash_and_an_empty_field() -> None:
    """Never a zero."""
    assert estimate_cell(Unmeasured("why")).raw == (None, None, None)
    assert measured_cell(Unmeasured("why")).raw == (None,)
    assert measured_cell(Observation.above(9)).text == "> 9"
    assert measured_cell(Observation(1.0, 2.0)).text == "1 to 2"


def test_moments_are_in_utc_whatever_the_recorder_was_in() -> None:
    """The same run gives the same page in every time zone."""
    assert moment(datetime(2026, 11, 22, 13, 0, tzinfo=timezone(timedelta(hours=1)))) == "2026-11-22 12:00:00 UTC"


def test_counts_agree_with_their_noun() -> None:
    """1 trial, 2 trials."""
    assert (count(1, "trial"), count(2000, "trial")) == ("1 trial", "2,000 trials")
