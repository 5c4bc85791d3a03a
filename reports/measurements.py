"""Capacity runs as typed values: the measurements of the finished rounds, checked against what was planned."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any

from experiments.definition import Implementation, Quantity
from experiments.records.capacity import CapacityRunRecord, Measurement, PlannedMeasurement
from experiments.records.files import MEASUREMENTS_FILE, RUN_FILE, CapacityRun
from reports.errors import ReportError


@dataclass(frozen=True)
class CapacityData:
    """The run of a capacity experiment with its measurements, in the order in which they were made."""

    record: CapacityRunRecord
    measurements: tuple[Measurement, ...]
    warnings: tuple[str, ...] = ()
    """What is wrong with its files, a sentence each."""

    def of(self, path: str, implementation: Implementation) -> tuple[Measurement, ...]:
        """The measurements of a path on an implementation, one a round, invalid ones too."""
        return tuple(one for one in self.measurements if (one.planned.path, one.planned.implementation) == (path, implementation))

    @property
    def finished_rounds(self) -> int:
        """Rounds that were measured to their end, whatever is valid of them."""
        return len({one.planned.round for one in self.measurements})

    @property
    def valid(self) -> int:
        """Measurements that count."""
        return sum(one.valid for one in self.measurements)


def capacity_data(run: CapacityRun) -> CapacityData:
    """The measurements of a run directory that was read.

    Raises:
        ReportError: its parts contradict each other, or a value is no finite number.
    """
    file = run.path / MEASUREMENTS_FILE
    planned = {one.position: one for one in run.record.plan}
    sides = {(path.name, implementation) for path in run.record.experiment.paths for implementation in path.implementations}
    if strange := [one for one in run.record.plan if (one.path, one.implementation) not in sides]:
        raise ReportError(f"{run.path / RUN_FILE}: plans {strange[0].path} on {strange[0].implementation}, which its experiment has not")
    by_position: dict[int, list[dict[str, Any]]] = defaultdict(list)
    for row in run.measurements.to_pylist():
        by_position[row["position"]].append(row)
    return CapacityData(
        run.record,
        tuple(_measurement(file, planned.get(position), rows) for position, rows in sorted(by_position.items())),
    )


def _measurement(file: Path, planned: PlannedMeasurement | None, rows: Sequence[dict[str, Any]]) -> Measurement:
    first = rows[0]
    found = (first["round"], first["path"], first["implementation"])
    if planned is None or found != (planned.round, planned.path, planned.implementation):
        raise ReportError(f"{file}: position {first['position']} is not what run.json plans; the file belongs to another run")
    what = ("round", "path", "implementation", "at_s", "valid", "reason")
    if any(before[name] != after[name] for before, after in pairwise(rows) for name in what) or first["valid"] != (first["reason"] is None):
        raise ReportError(f"{file}: the rows of position {first['position']} contradict each other; restore the file or delete the run")
    return Measurement(planned=planned, at_s=first["at_s"], reason=first["reason"], values=_values(file, rows))


def _values(file: Path, rows: Sequence[dict[str, Any]]) -> dict[Quantity, float]:
    known = {quantity.value for quantity in Quantity}
    values: dict[Quantity, float] = {}
    for row in rows:
        if row["quantity"] not in known:
            raise ReportError(f"{file}: the quantity {row['quantity']!r} is none of {', '.join(sorted(known))}")
        quantity = Quantity(row["quantity"])
        if quantity in values:
            raise ReportError(f"{file}: position {row['position']} has {quantity} twice; restore the file or delete the run")
        if not math.isfinite(row["value"]):
            raise ReportError(f"{file}: {quantity} has a value that is not a finite number; restore the file or delete the run")
        values[quantity] = row["value"]
    return values
