"""Whether clients notice that a replica of the courses service is killed or hangs in mid-load and comes back."""

from __future__ import annotations

from typing import Final

from experiments.definition import Arrivals, BoundClaim, Experiment, Fault, Metric, Operation, Phases, Treatment
from infra.topology import Topology

AT_S: Final = 4.2
LASTS_S: Final = 1.5
"""Longer than the second that the gateway gives a silent replica."""

EXPERIMENT = Experiment(
    name="failover",
    title="A replica is killed, or hangs, in mid-load",
    question="One of three courses replicas is killed or paused under load and comes back: what do clients notice, and for how long?",
    topology=Topology().override({"courses.replicas": 3}),
    treatments=(
        Treatment(name="control", title="no fault"),
        Treatment(name="crash", title="courses-2 killed", faults=(Fault(kind="crash", node="courses-2", at_s=AT_S, duration_s=LASTS_S),)),
        Treatment(name="pause", title="courses-2 paused", faults=(Fault(kind="pause", node="courses-2", at_s=AT_S, duration_s=LASTS_S),)),
    ),
    # Enrolments carry an Idempotency-Key, so the gateway may offer them to a second replica.
    mix={
        Operation.READ_COURSE: 65,
        Operation.LIST_COURSES: 5,
        Operation.READ_STUDENT: 15,
        Operation.ENROLL: 10,
        Operation.READ_ENROLLMENT: 5,
    },
    # Requests enough for p99, and for a second of them to show whether it is as in the control trial.
    arrivals=Arrivals(rate_per_s=250),
    # Two whole seconds before the fault. A killed replica is back 2.5 s after it is started again, which takes both processors; the three
    # seconds after that show whether clients are served as before.
    phases=Phases(warm_up_s=2, measure_s=9.5),
    claims=(
        BoundClaim(
            statement="No request fails while a replica is killed and comes back",
            metric=Metric.FAILED_REQUESTS,
            treatment="crash",
            at_most=0,
        ),
        BoundClaim(
            statement="Clients are served as before within 2 s of the return of a killed replica",
            metric=Metric.RECOVERY_AFTER_READY_S,
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
