"""Many students, few seats of few courses: taken, given back, added and taken away while everybody asks again."""

from __future__ import annotations

from typing import Final

from experiments.definition import Arrivals, BoundClaim, Dataset, Experiment, Metric, Operation, Phases, RatioClaim, Treatment
from infra.topology import Topology

WORKERS: Final = (1, 2, 3)

EXPERIMENT = Experiment(
    name="contention",
    title="Few seats, many students, more workers",
    question="When everybody wants the last seats of the same courses, do more workers ever give one away twice, and what do they bring?",
    topology=Topology().override({"enrollment.replicas": 2}),
    treatments=tuple(
        Treatment(name=f"workers_{count}", title=f"{count} worker{'s' * (count > 1)}", factors={"worker.replicas": count})
        for count in WORKERS
    ),
    mix={
        Operation.ENROLL: 50,
        Operation.DROP: 12,
        Operation.READ_ENROLLMENT: 14,
        Operation.READ_SEATS: 12,
        Operation.UPDATE_CAPACITY: 4,
        Operation.READ_COURSE: 8,
    },
    arrivals=Arrivals(rate_per_s=100),
    phases=Phases(warm_up_s=2, measure_s=10),
    # 120 students for each of the hot courses, whose seats are 10 to 30, and change all the time.
    dataset=Dataset(students=3000, capacity=20),
    hot_courses=5,
    resends=3,
    claims=(
        *(
            BoundClaim(
                statement=f"No request fails with {count} worker{'s' * (count > 1)}",
                metric=Metric.FAILED_REQUESTS,
                treatment=f"workers_{count}",
                at_most=0,
            )
            for count in WORKERS
        ),
        RatioClaim(
            statement="Students are answered as fast by one worker as by three, for no answer waits for a decision",
            metric=Metric.RESPONSE_P95_MS,
            numerator="workers_1",
            denominator="workers_3",
            at_most=1.2,
        ),
    ),
)
