"""How long the broker and a database may be away before students notice, and how soon all is well again."""

from __future__ import annotations

from experiments.definition import Arrivals, BoundClaim, Experiment, Fault, Metric, Operation, Phases, Treatment
from infra.topology import Topology

EXPERIMENT = Experiment(
    name="outage",
    title="The broker and a database are away",
    question="RabbitMQ is away for 30 s, or the database of enrolments for 10 s: what is refused, and how soon is everything decided?",
    topology=Topology().override({"courses.replicas": 3, "students.replicas": 2, "enrollment.replicas": 2}),
    treatments=(
        Treatment(name="control", title="no fault"),
        # After the heal the broker takes up to 6 s to start, and the backlog is to be seen to drain under load.
        Treatment(name="broker", title="RabbitMQ away 30 s", faults=(Fault(kind="stop", node="broker", at_s=6, duration_s=30),)),
        # Late, for when all was decided is only known after the load.
        Treatment(name="database", title="database away 10 s", faults=(Fault(kind="crash", node="enrollment-db", at_s=38, duration_s=10),)),
    ),
    mix={
        Operation.READ_COURSE: 50,
        Operation.LIST_COURSES: 5,
        Operation.READ_STUDENT: 15,
        Operation.ENROLL: 20,
        Operation.READ_ENROLLMENT: 10,
    },
    arrivals=Arrivals(rate_per_s=60),
    phases=Phases(warm_up_s=3, measure_s=55),
    resends=3,
    claims=(
        BoundClaim(
            statement="At least 99.9 % of requests succeed while the broker is away for 30 s",
            metric=Metric.AVAILABILITY,
            treatment="broker",
            at_least=0.999,
        ),
        BoundClaim(
            statement="The backlog is drained within 15 s after the broker is back",
            metric=Metric.DRAIN_AFTER_READY_S,
            treatment="broker",
            at_most=15,
        ),
        BoundClaim(
            statement="Clients are served as before within 3 s after the database is back",
            metric=Metric.RECOVERY_AFTER_READY_S,
            treatment="database",
            at_most=3,
        ),
        BoundClaim(
            statement="Every accepted enrolment is decided within 30 s after the database is healed",
            metric=Metric.DECIDED_AFTER_HEAL_S,
            treatment="database",
            at_most=30,
        ),
    ),
)
