"""Whether clients notice that something fails which has a stand-in, and how soon what has none is back."""

from __future__ import annotations

from typing import Final

from experiments.definition import Arrivals, BoundClaim, Experiment, Fault, LinkFault, Metric, Operation, Phases, Treatment
from infra.topology import Topology

AT_S: Final = 5.2
LASTS_S: Final = 3.0

STAND_INS: Final = (
    Treatment(name="crash", title="courses-2 killed", faults=(Fault(kind="crash", node="courses-2", at_s=AT_S, duration_s=LASTS_S),)),
    Treatment(name="pause", title="courses-2 paused", faults=(Fault(kind="pause", node="courses-2", at_s=AT_S, duration_s=LASTS_S),)),
    Treatment(name="stop", title="courses-2 stopped", faults=(Fault(kind="stop", node="courses-2", at_s=AT_S, duration_s=LASTS_S),)),
    Treatment(
        name="black_hole",
        title="courses-2 cut off",
        faults=(LinkFault(kind="silent", link="gateway->courses-2", at_s=AT_S, duration_s=LASTS_S),),
    ),
    Treatment(
        name="enrollment_crash",
        title="enrollment-1 killed",
        faults=(Fault(kind="crash", node="enrollment-1", at_s=AT_S, duration_s=LASTS_S),),
    ),
    Treatment(
        name="workers_crash", title="all workers killed", faults=(Fault(kind="crash", node="worker-*", at_s=AT_S, duration_s=LASTS_S),)
    ),
    Treatment(name="cache_crash", title="Redis killed", faults=(Fault(kind="crash", node="cache", at_s=AT_S, duration_s=LASTS_S),)),
    Treatment(
        name="cache_silent",
        title="Redis black-holed",
        faults=(LinkFault(kind="silent", link="*->cache", at_s=AT_S, duration_s=LASTS_S),),
    ),
)
"""What there is a stand-in for: another replica, the database behind the cache, the queue before the workers."""

EXPERIMENT = Experiment(
    name="redundancy",
    title="What has a stand-in fails",
    question="A replica, all workers or Redis are killed, hang or are cut off: do clients notice? How soon is a whole service back?",
    topology=Topology().override(
        {"courses.replicas": 3, "students.replicas": 2, "enrollment.replicas": 2, "worker.replicas": 2, "links": True}
    ),
    treatments=(
        Treatment(name="control", title="no fault"),
        *STAND_INS,
        Treatment(
            name="all_crash", title="all courses killed", faults=(Fault(kind="crash", node="courses-*", at_s=AT_S, duration_s=LASTS_S),)
        ),
    ),
    mix={
        Operation.READ_COURSE: 60,
        Operation.LIST_COURSES: 5,
        Operation.READ_STUDENT: 15,
        Operation.ENROLL: 15,
        Operation.READ_ENROLLMENT: 5,
    },
    # The links cost two copies of every byte; two processors still have half of their time left.
    arrivals=Arrivals(rate_per_s=80),
    # A whole service that was killed takes three seconds to start, and as many more show that it is well.
    phases=Phases(warm_up_s=2, measure_s=14),
    resends=3,
    claims=(
        *(
            BoundClaim(statement=f"No request fails: {treatment.title}", metric=Metric.FAILED_REQUESTS, treatment=treatment.name, at_most=0)
            for treatment in STAND_INS
        ),
        BoundClaim(
            statement="No request takes longer than 1.1 s while a replica is paused",
            metric=Metric.SLOWEST_RESPONSE_MS,
            treatment="pause",
            at_most=1100,
        ),
        BoundClaim(
            statement="Clients are served as before within 2 s of the kill of a replica",
            metric=Metric.TIME_TO_RECOVER_S,
            treatment="crash",
            at_most=2,
        ),
        BoundClaim(
            statement="Clients are served as before within 3 s of the return of a whole service",
            metric=Metric.RECOVERY_AFTER_READY_S,
            treatment="all_crash",
            at_most=3,
        ),
    ),
)
