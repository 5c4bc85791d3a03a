"""What is read and cached is also changed while Redis has no memory left for a write."""

from __future__ import annotations

from experiments.definition import Fault, FaultKind, Operation
from tests.mutants.day import MIX, day

EXPERIMENT = day(
    "cache_full",
    "Is what is read recent while Redis answers reads and refuses writes?",
    load_s=9,
    faults=(Fault(kind=FaultKind.MEMORY_FULL, node="cache", at_s=2, duration_s=4),),
    factors={},
    mix={**MIX, Operation.READ_COURSE: 24.0, Operation.ENROLL: 4.0, Operation.DROP: 1.0, Operation.UPDATE_CAPACITY: 6.0},
)
