"""What comes of one measurement, before it is recorded."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from experiments.definition import Quantity


@dataclass(frozen=True)
class Result:
    """The figures, and why they don't count if they don't."""

    values: Mapping[Quantity, float]
    reason: str | None = None
