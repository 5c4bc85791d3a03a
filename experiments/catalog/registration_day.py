"""Registration opens: more and more students look around, then everybody enrols in the same few courses, and something breaks."""

from __future__ import annotations

from typing import Final

from experiments.definition import Arrivals, BoundClaim, Dataset, Experiment, Fault, Metric, Operation, Phases, Ramp, Spike, Treatment
from infra.topology import Topology

OPENS_S: Final = 9.0
SPIKE: Final = Spike(
    at_s=OPENS_S,
    duration_s=5,
    rate_per_s=120,
    mix={Operation.ENROLL: 55, Operation.READ_ENROLLMENT: 20, Operation.READ_SEATS: 10, Operation.READ_COURSE: 15},
)
BROKEN_S: Final = OPENS_S + 1.5
"""In the middle of the rush."""

EXPERIMENT = Experiment(
    name="registration_day",
    title="Registration opens, and something breaks",
    question="Everybody enrols in the same few courses at the same minute and a replica or the broker fails: is anybody turned away?",
    topology=Topology().override({"courses.replicas": 3, "students.replicas": 2, "enrollment.replicas": 2, "worker.replicas": 2}),
    treatments=(
        Treatment(name="control", title="no fault"),
        Treatment(
            name="crash", title="enrollment-1 killed", faults=(Fault(kind="crash", node="enrollment-1", at_s=BROKEN_S, duration_s=3),)
        ),
        Treatment(name="broker", title="RabbitMQ away", faults=(Fault(kind="stop", node="broker", at_s=BROKEN_S, duration_s=3),)),
    ),
    mix={
        Operation.READ_COURSE: 60,
        Operation.LIST_COURSES: 8,
        Operation.READ_STUDENT: 20,
        Operation.ENROLL: 8,
        Operation.READ_ENROLLMENT: 4,
    },
    arrivals=Arrivals(rate_per_s=50, ramp=Ramp(from_per_s=5, duration_s=5), spike=SPIKE),
    # Four seconds at the rate before registration opens say what is normal; the broker takes up to 6 s to start, and the backlog of the
    # rush is to be seen to drain.
    phases=Phases(warm_up_s=5, measure_s=22),
    dataset=Dataset(students=2000),
    hot_courses=5,
    resends=3,
    claims=(
        *(
            BoundClaim(statement=f"Nobody is turned away in the rush: {title}", metric=Metric.FAILED_REQUESTS, treatment=name, at_most=0)
            for name, title in (("control", "no fault"), ("crash", "an enrollment replica killed"), ("broker", "the broker away"))
        ),
        BoundClaim(
            statement="The rush is decided within 15 s after the broker is back",
            metric=Metric.DRAIN_AFTER_READY_S,
            treatment="broker",
            at_most=15,
        ),
    ),
)
