"""What is read and cached is also changed while the cache hangs."""

from __future__ import annotations

from experiments.definition import Fault, FaultKind, Operation
from tests.mutants.day import MIX, day

EXPERIMENT = day(
    "cache",
    "Is what is read recent after the cache has hung and missed what was written meanwhile?",
    load_s=9,
    # Long enough for changes of several courses, most of which nobody changes again before they are read from the cache.
    faults=(Fault(kind=FaultKind.PAUSE, node="cache", at_s=2, duration_s=2.5),),
    factors={},
    mix={**MIX, Operation.READ_COURSE: 40.0, Operation.ENROLL: 4.0, Operation.DROP: 1.0, Operation.UPDATE_CAPACITY: 4.0},
)
