"""Faults that are left to chance: which may happen, how often, and for how long."""

from __future__ import annotations

from typing import Self

from pydantic import Field, model_validator

from experiments.definition.base import Value
from experiments.definition.faults import SETTLES_LATE, FaultKind, LinkFaultKind

EVERY_KIND = (*(kind for kind in FaultKind if kind not in SETTLES_LATE), *LinkFaultKind)


class Chance(Value):
    """What may happen, how often, and for how long."""

    per_minute: float = Field(ge=0, le=600, description="mean number of faults")
    kinds: tuple[FaultKind | LinkFaultKind, ...] = Field(
        EVERY_KIND, description="what can strike nothing in the topology is left out: link faults where links are off"
    )
    shortest_s: float = Field(1.0, gt=0)
    longest_s: float = 8.0
    from_s: float = Field(0.0, ge=0, description="seconds after the load began that are free of faults, which say what is normal")
    recovery_s: float = Field(
        5.0, ge=0, description="seconds free of faults of the same target after a heal, and of all faults at the end of the load"
    )

    @model_validator(mode="after")
    def _ordered(self) -> Self:
        if self.longest_s < self.shortest_s:
            raise ValueError(f"longest_s is {self.longest_s:g} and shortest_s {self.shortest_s:g}; raise the one or lower the other")
        return self
