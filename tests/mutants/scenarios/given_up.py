"""Every message gets two attempts, and its worker dies in both."""

from __future__ import annotations

from experiments.definition import AfterFault, Fault, FaultKind
from tests.mutants.day import day

EXPERIMENT = day(
    "given_up",
    "Do the rules hold when the broker gives messages up because their worker dies again and again?",
    load_s=10.5,
    faults=(
        Fault(kind=FaultKind.PAUSE, node="courses-db", at_s=0.5, duration_s=9),
        Fault(kind=FaultKind.CRASH, node="worker-1", name="first", at_s=1.3, duration_s=0.2),
        Fault(kind=FaultKind.CRASH, node="worker-1", after=AfterFault(fault="first"), at_s=0.3, duration_s=0.2),
    ),
    factors={"broker.delivery_limit": 1},
)
