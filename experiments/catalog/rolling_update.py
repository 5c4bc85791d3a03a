"""Every replica of a service is restarted, one after the other, as an update would."""

from __future__ import annotations

from typing import Final

from experiments.definition import Arrivals, BoundClaim, Experiment, Fault, Metric, Operation, Phases, Treatment
from infra.topology import Topology

GROUPS: Final = ("courses", "students", "enrollment", "worker")

EXPERIMENT = Experiment(
    name="rolling_update",
    title="A rolling restart of each service",
    question="All replicas of a service are restarted under load, each as soon as the one before is ready: does a request fail?",
    topology=Topology().override({"courses.replicas": 3, "students.replicas": 2, "enrollment.replicas": 2, "worker.replicas": 2}),
    treatments=(
        Treatment(name="control", title="no restart"),
        *(
            Treatment(name=group, title=f"{group} restarted", faults=(Fault(kind="rolling_restart", node=f"{group}-*", at_s=4.2),))
            for group in GROUPS
        ),
    ),
    mix={
        Operation.READ_COURSE: 45,
        Operation.LIST_COURSES: 5,
        Operation.READ_STUDENT: 20,
        Operation.ENROLL: 20,
        Operation.READ_ENROLLMENT: 10,
    },
    arrivals=Arrivals(rate_per_s=80),
    # Three restarts take 5 to 8 s.
    phases=Phases(warm_up_s=2, measure_s=14),
    claims=tuple(
        BoundClaim(
            statement=f"No request fails while the replicas of {group} are restarted",
            metric=Metric.FAILED_REQUESTS,
            treatment=group,
            at_most=0,
        )
        for group in GROUPS
    ),
)
