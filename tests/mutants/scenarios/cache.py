"""What is read and cached is also changed, while one replica reads slowly and the cache hangs."""

from __future__ import annotations

from experiments.definition import Fault, FaultKind, LinkFault, LinkFaultKind, Operation
from infra.links.conditions import Direction
from tests.mutants.day import MIX, day

EXPERIMENT = day(
    "cache",
    "Is what is read recent while it is changed, one replica reads slowly, and the cache hangs?",
    load_s=9,
    faults=(
        # What courses-1 has read arrives late: meanwhile others write and invalidate, and then it fills the cache.
        LinkFault(
            kind=LinkFaultKind.LATENCY,
            link="courses-1->courses-db",
            direction=Direction.TO_CLIENT,
            latency_ms=150,
            at_s=0.2,
            duration_s=4.8,
        ),
        # Invalidations are not delivered.
        Fault(kind=FaultKind.PAUSE, node="cache", at_s=5.2, duration_s=1.2),
    ),
    factors={"courses.replicas": 2, "links": True},
    mix={**MIX, Operation.READ_COURSE: 25.0, Operation.ENROLL: 4.0, Operation.DROP: 1.0, Operation.UPDATE_CAPACITY: 4.0},
)
