"""What stands in the run directory of a capacity experiment: ``run.json`` and ``measurements.parquet``."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, Literal

import pyarrow as pa

from experiments.definition import CapacityExperiment, Comparison, Implementation, Measured, Quantity, Value
from experiments.records.schema import RunHead


@dataclass(frozen=True)
class QuantitySpec:
    """What one quantity means."""

    unit: str
    better: Literal["more", "less", "neither"]
    doc: str


QUANTITIES: Final[dict[Quantity, QuantitySpec]] = {
    Quantity.DURATION_S: QuantitySpec("s", "neither", "how long the measured load lasted"),
    Quantity.REQUESTS: QuantitySpec("1", "neither", "requests answered with 2xx"),
    Quantity.FAILED_REQUESTS: QuantitySpec("1", "less", "requests answered with anything else, timed out or cut off; without refused ones"),
    Quantity.REFUSED_REQUESTS: QuantitySpec("1", "less", "requests answered with 503 and Retry-After"),
    Quantity.THROUGHPUT_PER_S: QuantitySpec("1/s", "more", "2xx answers a second"),
    Quantity.LATENCY_P50_MS: QuantitySpec(
        "ms",
        "less",
        "median time from request to answer in a closed loop of all connections, as wrk reports it: for each answer that took longer than "
        "the mean it adds the shorter ones that it would have got meanwhile, so this is no percentile of observed answers",
    ),
    Quantity.LATENCY_P99_MS: QuantitySpec("ms", "less", "99th percentile of the same"),
    Quantity.SERVER_CPU_US_PER_REQUEST: QuantitySpec("us", "less", "processor time of the replicas under test per 2xx answer"),
    Quantity.SYSTEM_CPU_US_PER_REQUEST: QuantitySpec("us", "less", "processor time of all nodes of the deployment per 2xx answer"),
    Quantity.REPLICA_MEMORY_MIB: QuantitySpec("MiB", "less", "proportional set size of a replica's process tree after the load"),
    Quantity.KEYS: QuantitySpec("1", "neither", "different courses that were read"),
    Quantity.SQL_STATEMENTS: QuantitySpec("1", "less", "SQL statements at courses-db: in all, or of the worst key where each is cold"),
    Quantity.DECISIONS: QuantitySpec("1", "neither", "accepted requests that were decided"),
    Quantity.DECISIONS_PER_S: QuantitySpec("1/s", "more", "decisions after the first instant of decision, by the time from it to the last"),
    Quantity.WORKER_CPU_US_PER_DECISION: QuantitySpec("us", "less", "processor time of all workers per decision"),
    Quantity.SYSTEM_CPU_US_PER_DECISION: QuantitySpec("us", "less", "processor time of all nodes of the deployment per decision"),
    Quantity.OVERBOOKED_COURSES: QuantitySpec("1", "less", "courses with more students enrolled than seats"),
    Quantity.OVERBOOKED_SEATS: QuantitySpec("1", "less", "students enrolled beyond the seats, over all courses"),
}

MEASUREMENT_SCHEMA = pa.schema(
    [
        pa.field("round", pa.int32(), nullable=False, metadata={"doc": "from 0; figures of one round are compared with each other"}),
        pa.field("position", pa.int32(), nullable=False, metadata={"doc": "order over the whole run, from 0; one measurement each"}),
        pa.field("at_s", pa.float64(), nullable=False, metadata={"doc": "when its load began, seconds since the run was started"}),
        pa.field("path", pa.string(), nullable=False, metadata={"doc": "name of the path"}),
        pa.field("implementation", pa.string(), nullable=False, metadata={"doc": "Implementation: product, tutorial or hello"}),
        pa.field("valid", pa.bool_(), nullable=False, metadata={"doc": "whether the measurement counts"}),
        pa.field("reason", pa.string(), nullable=True, metadata={"doc": "why it does not; null if it does"}),
        pa.field("quantity", pa.string(), nullable=False, metadata={"doc": "a key of QUANTITIES"}),
        pa.field("value", pa.float64(), nullable=False, metadata={"doc": "in the unit of QUANTITIES"}),
    ]
)
"""Columns of measurements.parquet, sorted by position. Each measurement has at least the row of its duration, even if it failed."""


class PlannedMeasurement(Value):
    """One line of the plan."""

    position: int
    round: int
    path: str
    implementation: Implementation


class Measurement(Value):
    """One path, measured once on one implementation."""

    planned: PlannedMeasurement
    at_s: float
    reason: str | None = None
    """Why it does not count; None if it does."""
    values: dict[Quantity, float]

    @property
    def valid(self) -> bool:
        """Whether it counts."""
        return self.reason is None


class CapacityRunRecord(RunHead):
    """A run of a capacity experiment."""

    kind: Literal["capacity"] = "capacity"
    experiment: CapacityExperiment
    plan: tuple[PlannedMeasurement, ...]


def table(measurements: Sequence[Measurement]) -> pa.Table:
    """The measurements as the rows of measurements.parquet."""
    rows = [
        {
            **measurement.planned.model_dump(),
            "at_s": measurement.at_s,
            "valid": measurement.valid,
            "reason": measurement.reason,
            "quantity": quantity,
            "value": value,
        }
        for measurement in measurements
        for quantity, value in measurement.values.items()
    ]
    return pa.Table.from_pylist(rows, schema=MEASUREMENT_SCHEMA)


@dataclass(frozen=True)
class Figure:
    """What a comparison comes to in one round."""

    round: int
    subject: float
    reference: float | None
    """None where the figure itself is judged."""

    @property
    def value(self) -> float:
        """What is judged: the ratio, or the figure itself."""
        return self.subject if self.reference is None else self.subject / self.reference


def figures(comparison: Comparison, measurements: pa.Table) -> tuple[Figure, ...]:
    """What a comparison comes to in each round in which everything that it speaks of was validly measured."""
    by_round: dict[int, dict[Measured, float]] = defaultdict(dict)
    for row in measurements.to_pylist():
        if row["valid"]:
            measured = Measured(path=row["path"], implementation=row["implementation"], quantity=row["quantity"])
            by_round[row["round"]][measured] = row["value"]
    found = []
    for number, values in sorted(by_round.items()):
        subject = values.get(comparison.subject)
        reference = None if comparison.reference is None else values.get(comparison.reference)
        if subject is not None and (comparison.reference is None or reference):
            found.append(Figure(number, subject, reference))
    return tuple(found)
