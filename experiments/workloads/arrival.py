"""One intended request, as the schedule's table has it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import pyarrow as pa

from experiments.definition import Operation


@dataclass(frozen=True, slots=True)
class Arrival:
    """A row of the schedule; what its operation does not need is None."""

    row: int
    intended_s: float
    phase: str
    operation: Operation
    course_id: int | None
    student_id: int | None
    offset: int | None
    enrolled_by: int | None
    capacity: int | None = None


def arrivals(table: pa.Table) -> Sequence[Arrival]:
    """The rows of a schedule, in its order."""
    columns = table.to_pydict()
    columns["operation"] = [Operation(name) for name in columns["operation"]]
    return [Arrival(row, *values) for row, values in enumerate(zip(*columns.values(), strict=True))]
