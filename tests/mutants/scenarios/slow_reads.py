"""What one replica has read arrives late: meanwhile others write and invalidate, and then it fills the cache."""

from __future__ import annotations

from experiments.definition import LinkFault, LinkFaultKind, Operation
from infra.links.conditions import Direction
from tests.mutants.day import MIX, day

EXPERIMENT = day(
    "slow_reads",
    "Is what is read recent while one replica's reads are slow?",
    load_s=12,
    faults=(
        LinkFault(
            kind=LinkFaultKind.LATENCY,
            link="[cs]*-1->*-db",  # of courses-1 and students-1
            direction=Direction.TO_CLIENT,
            latency_ms=120,  # a new connection takes five journeys, which must end within the replica's patience of 0.8 s
            at_s=0.1,
            duration_s=11.5,
        ),
    ),
    # Nobody loses patience with the slow ones, so that they go on being asked.
    factors={"courses.replicas": 2, "students.replicas": 2, "gateway.read_timeout_ms": 5000, "links": True},
    mix={
        **MIX,
        Operation.READ_COURSE: 60.0,
        Operation.UPDATE_CAPACITY: 16.0,
        Operation.ENROLL: 2.0,
        Operation.DROP: 1.0,
    },
    # The cache answers all the time, so that nothing old should be read at all: half of what the product states, for a busy machine.
    staleness_bound_s=0.5,
)
