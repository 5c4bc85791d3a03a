"""What is read and cached is also changed at a replica that can't reach Redis, while the other one can."""

from __future__ import annotations

from experiments.definition import LinkFault, LinkFaultKind, Operation
from tests.mutants.day import MIX, day

EXPERIMENT = day(
    "cache_cut_off",
    "Is what is read recent where one replica alone is cut off from Redis?",
    load_s=9,
    faults=(LinkFault(kind=LinkFaultKind.SILENT, link="[cs]*-1->cache", at_s=2, duration_s=4),),  # of courses-1 and students-1
    factors={"courses.replicas": 2, "students.replicas": 2, "links": True},
    mix={**MIX, Operation.READ_COURSE: 24.0, Operation.ENROLL: 4.0, Operation.DROP: 1.0, Operation.UPDATE_CAPACITY: 6.0},
)
