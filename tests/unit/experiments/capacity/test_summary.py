"""A measurement's line."""

from __future__ import annotations

from experiments.capacity.summary import headline
from experiments.definition import Implementation, Quantity
from experiments.records.capacity import Measurement, PlannedMeasurement

PLANNED = PlannedMeasurement(position=0, round=0, path="overload", implementation=Implementation.PRODUCT)


def test_a_line_has_the_figures_and_no_zero_that_says_nothing() -> None:
    """Failures are said where there were any, the rest where it was measured."""
    values = {Quantity.THROUGHPUT_PER_S: 1234.5, Quantity.FAILED_REQUESTS: 0.0, Quantity.REFUSED_REQUESTS: 7.0}
    assert headline(Measurement(planned=PLANNED, at_s=0, values=values)) == "1,234/s, 7 refused"


def test_what_spoils_a_measurement_is_said() -> None:
    """With what was measured all the same."""
    assert headline(Measurement(planned=PLANNED, at_s=0, values={}, reason="no answer")) == "INVALID: no answer"
