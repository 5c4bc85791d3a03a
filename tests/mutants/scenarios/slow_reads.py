"""What one replica has read arrives late: meanwhile others write and invalidate, and then it fills the cache."""

from __future__ import annotations

from experiments.definition import LinkFault, LinkFaultKind, Operation
from infra.links.conditions import Direction
from tests.mutants.day import MIX, day

EXPERIMENT = day(
    "slow_reads",
    "Is what is read recent while one replica's reads are slow?",
    load_s=7,
    faults=(
        LinkFault(
            kind=LinkFaultKind.LATENCY,
            link="courses-1->courses-db",
            direction=Direction.TO_CLIENT,
            latency_ms=300,
            at_s=0.1,
            duration_s=6.5,
        ),
    ),
    # Nobody loses patience with the slow one, so that it goes on being asked.
    factors={"courses.replicas": 2, "courses.threads": 32, "courses.pool_size": 32, "gateway.read_timeout_ms": 5000, "links": True},
    mix={**MIX, Operation.READ_COURSE: 25.0, Operation.ENROLL: 3.0, Operation.DROP: 1.0, Operation.UPDATE_CAPACITY: 6.0},
    # The cache answers all the time, so that nothing old should be read at all: half of what the product states, for a busy machine.
    staleness_bound_s=0.5,
)
