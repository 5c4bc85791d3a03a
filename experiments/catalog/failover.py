"""Whether clients notice that a replica of the courses service is killed or hangs in mid-load and comes back."""

from __future__ import annotations

from experiments.definition import Arrivals, BoundClaim, Experiment, Fault, Metric, Operation, Phases, Treatment
from infra.topology import Topology

EXPERIMENT = Experiment(
    name="failover",
    title="A replica is killed, or hangs, in mid-load",
    question="One of three courses replicas is killed or paused under load and comes back: what do clients notice, and for how long?",
    topology=Topology().override({"courses.replicas": 3}),
    treatments=(
        Treatment(name="control", title="no fault"),
        Treatment(name="crash", title="courses-2 killed", faults=(Fault(kind="crash", node="courses-2", at_s=5.2, duration_s=3),)),
        Treatment(name="pause", title="courses-2 paused", faults=(Fault(kind="pause", node="courses-2", at_s=5.2, duration_s=3),)),
    ),
    # Enrolments carry an Idempotency-Key, so the gateway may offer them to a second replica.
    mix={
        Operation.READ_COURSE: 65,
        Operation.LIST_COURSES: 5,
        Operation.READ_STUDENT: 15,
        Operation.ENROLL: 10,
        Operation.READ_ENROLLMENT: 5,
    },
    # Some 1,350 requests, so that p99 can be printed.
    arrivals=Arrivals(rate_per_s=150),
    # Three whole seconds before the fault say what is normal; two and a half after the heal, whether it is again.
    phases=Phases(warm_up_s=2, measure_s=9),
    claims=(
        BoundClaim(
            statement="No request fails while a replica is killed and comes back",
            metric=Metric.FAILED_REQUESTS,
            treatment="crash",
            at_most=0,
        ),
        BoundClaim(
            statement="Clients are served as before within 2 s of the kill",
            metric=Metric.TIME_TO_RECOVER_S,
            treatment="crash",
            at_most=2,
        ),
        BoundClaim(
            statement="No request fails while a replica is paused and goes on",
            metric=Metric.FAILED_REQUESTS,
            treatment="pause",
            at_most=0,
        ),
        # The gateway gives a silent replica one second, and the next one answers in a few milliseconds.
        BoundClaim(
            statement="No request takes longer than 1.1 s while a replica is paused",
            metric=Metric.SLOWEST_RESPONSE_MS,
            treatment="pause",
            at_most=1100,
        ),
    ),
)
