"""Anything may break at any time, by chance, for as long as one likes."""

from __future__ import annotations

from experiments.catalog.resilience import EXPERIMENT as MATRIX
from experiments.definition import Arrivals, BoundClaim, Chance, Experiment, Metric, Phases, Treatment

EXPERIMENT = Experiment(
    name="chaos",
    title="Anything breaks, by chance",
    question="Whatever breaks, whenever, alone or together: is an accepted enrolment lost, a seat given twice, or a rule broken?",
    topology=MATRIX.topology,
    treatments=(Treatment(name="chaos", title="faults by chance", chance=Chance(per_minute=12, longest_s=5, from_s=5, recovery_s=4)),),
    mix=MATRIX.mix,
    arrivals=Arrivals(rate_per_s=50),
    phases=Phases(warm_up_s=3, measure_s=57),
    dataset=MATRIX.dataset,
    resends=MATRIX.resends,
    claims=(
        # What is struck may be all that there is of it, so that requests fail for as long as the fault holds.
        BoundClaim(statement="At least half of all requests succeed", metric=Metric.AVAILABILITY, treatment="chaos", at_least=0.5),
    ),
)
