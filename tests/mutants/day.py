"""What all scenarios share: a short registration day with every operation, on which seats are few and clients send again."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from experiments.definition import AnyFault, Arrivals, Dataset, Experiment, Operation, Phases, Scalar, Treatment
from infra.topology import Topology

DECISION_BOUND_S: Final = 15.0
"""A lease of the outbox lasts 10 s, and whoever claims it next looks once a second; the rest is for a busy machine."""
STALENESS_BOUND_S: Final = 1.0
"""What the product states."""

MIX: Final[Mapping[Operation, float]] = {
    Operation.READ_COURSE: 6.0,
    Operation.LIST_COURSES: 0.5,
    Operation.READ_STUDENT: 2.0,
    Operation.ENROLL: 14.0,
    Operation.READ_ENROLLMENT: 4.0,
    Operation.DROP: 6.0,
    Operation.READ_SEATS: 1.5,
    Operation.UPDATE_CAPACITY: 2.0,
    Operation.UPDATE_STUDENT: 4.0,
    Operation.REUSE_KEY: 2.0,
}
"""Arrivals per second: few, so that a run is about the faults and not about a busy machine."""


def day(
    name: str,
    question: str,
    *,
    load_s: float,
    faults: tuple[AnyFault, ...],
    factors: Mapping[str, Scalar],
    mix: Mapping[Operation, float] = MIX,
    staleness_bound_s: float = STALENESS_BOUND_S,
) -> Experiment:
    """A day of ``load_s`` seconds with those faults; its few courses fill within seconds, and drops and changes free seats."""
    return Experiment(
        name=name,
        title=name.replace("_", " ").capitalize(),
        question=question,
        topology=Topology().override(factors),
        treatments=(Treatment(name="day", title="the whole day", faults=faults),),
        dataset=Dataset(courses=10, students=80, capacity=4),
        mix=dict(mix),
        arrivals=Arrivals(rate_per_s=sum(mix.values())),
        phases=Phases(warm_up_s=0, measure_s=load_s),
        resends=3,
        staleness_bound_s=staleness_bound_s,
        decision_bound_s=DECISION_BOUND_S,
        trials=1,
    )
