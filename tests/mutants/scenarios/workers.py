"""Three workers want the same seats at the same time, and the database of courses takes long to answer."""

from __future__ import annotations

from experiments.definition import LinkFault, LinkFaultKind, Operation
from tests.mutants.day import MIX, day

EXPERIMENT = day(
    "workers",
    "Do the rules hold while several workers take seats of the same courses at the same time?",
    load_s=6,
    # A transaction of several questions then lasts long enough to meet another one.
    faults=(LinkFault(kind=LinkFaultKind.LATENCY, link="courses-*->courses-db", latency_ms=20, at_s=0.5, duration_s=4.5),),
    factors={"courses.replicas": 2, "worker.replicas": 3, "links": True},
    mix={**MIX, Operation.ENROLL: 24.0, Operation.UPDATE_CAPACITY: 0.5},
)
