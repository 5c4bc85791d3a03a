"""The matrix: every part of the system broken in every way that applies to it."""

from __future__ import annotations

from typing import Final

from experiments.definition import (
    Arrivals,
    BoundClaim,
    Dataset,
    Experiment,
    LinkFault,
    LinkFaultKind,
    Metric,
    Operation,
    Phases,
    Treatment,
)
from experiments.matrix import matrix
from infra.topology import Topology

# Two of everything that can have replicas, three of what is asked most; links are there for the control too.
TOPOLOGY: Final = Topology().override(
    {"courses.replicas": 3, "students.replicas": 2, "enrollment.replicas": 2, "worker.replicas": 2, "links": True}
)
LINKS: Final = (
    "gateway->courses-*",
    "gateway->enrollment-*",
    "courses-*->courses-db",
    "enrollment-*->enrollment-db",
    "*->cache",
    "enrollment-*->broker",
    "worker-*->broker",
    "worker-*->enrollment-db",
    "worker-*->gateway",
)
"""A link of each kind; students has the same as courses."""
UNNOTICED: Final = frozenset({"courses-1", "students-1", "enrollment-1", "worker-1", "worker-*", "cache", "*->cache", "courses-1->cache"})
"""What has a stand-in: another replica, the database behind the cache, the queue before the workers."""
AT_S: Final = 4.5
DURATION_S: Final = 2.5
ONE_WITHOUT_CACHE: Final = LinkFault(kind=LinkFaultKind.SILENT, link="courses-1->cache", at_s=AT_S, duration_s=DURATION_S)
"""What it changes then must not be read from the cache by the others, which is another question than where all are without."""
CELLS: Final = (
    *matrix(TOPOLOGY, links=LINKS, at_s=AT_S, duration_s=DURATION_S),
    Treatment(name="silent_courses_1_to_cache", title=ONE_WITHOUT_CACHE.title, faults=(ONE_WITHOUT_CACHE,)),
)

EXPERIMENT = Experiment(
    name="resilience",
    title="Every part, broken in every way",
    question="For every part and every way that it can fail: what do clients notice, and is an accepted enrolment ever lost?",
    topology=TOPOLOGY,
    treatments=CELLS,
    # Something of everything that the rules are about: seats taken, given back, added and taken away; records that change under readers.
    mix={
        Operation.READ_COURSE: 40,
        Operation.LIST_COURSES: 4,
        Operation.READ_STUDENT: 14,
        Operation.ENROLL: 22,
        Operation.READ_ENROLLMENT: 8,
        Operation.DROP: 4,
        Operation.READ_SEATS: 4,
        Operation.UPDATE_CAPACITY: 2,
        Operation.UPDATE_STUDENT: 2,
    },
    arrivals=Arrivals(rate_per_s=60),
    # Two and a half seconds before the fault say what is normal; as much after the heal, whether it is again.
    phases=Phases(warm_up_s=2, measure_s=7.5),
    dataset=Dataset(students=2000),
    resends=3,
    claims=tuple(
        BoundClaim(statement=f"No request fails: {cell.title}", metric=Metric.FAILED_REQUESTS, treatment=cell.name, at_most=0)
        for cell in CELLS
        if cell.breaks and any(fault.where in UNNOTICED for fault in cell.faults)
    ),
    # A cell is a look for broken rules, for which one is enough; --trials 5 makes its figures verdicts.
    trials=1,
)
