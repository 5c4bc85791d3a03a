"""A figure or two of a measurement for whoever watches; the report computes the real ones."""

from __future__ import annotations

from typing import Final

from experiments.definition import Quantity
from experiments.records.capacity import Measurement

SAID: Final = {
    Quantity.THROUGHPUT_PER_S: "{:,.0f}/s",
    Quantity.LATENCY_P99_MS: "p99 {:.1f} ms",
    Quantity.SERVER_CPU_US_PER_REQUEST: "{:.0f} us CPU a request",
    Quantity.SQL_STATEMENTS: "{:,.0f} SQL statements",
    Quantity.KEYS: "distinct courses {:,.0f}",
    Quantity.REFUSED_REQUESTS: "{:,.0f} refused",
    Quantity.FAILED_REQUESTS: "{:,.0f} failed",
    Quantity.DECISIONS_PER_S: "{:,.0f} decisions/s",
    Quantity.OVERBOOKED_COURSES: "{:,.0f} courses overbooked",
}
"""In this order."""
SAID_IF_ANY: Final = frozenset({Quantity.REFUSED_REQUESTS, Quantity.FAILED_REQUESTS, Quantity.OVERBOOKED_COURSES})


def headline(measurement: Measurement) -> str:
    """The figures that matter of a path, and what spoils the measurement, in a line."""
    values = measurement.values
    parts = [words.format(values[key]) for key, words in SAID.items() if key in values and (values[key] or key not in SAID_IF_ANY)]
    return ", ".join(parts + ([] if measurement.reason is None else [f"INVALID: {measurement.reason}"]))
