"""Databases hang and die, and a worker with them."""

from __future__ import annotations

from experiments.definition import Fault, FaultKind
from tests.mutants.day import day

EXPERIMENT = day(
    "servers",
    "Do the rules hold while databases hang and die, and the worker with them?",
    load_s=8,
    faults=(
        # The gateway offers requests for seats to the other replica, and the worker dies with batches in its hands.
        Fault(kind=FaultKind.PAUSE, node="courses-db", at_s=2.5, duration_s=2),
        Fault(kind=FaultKind.CRASH, node="worker-1", at_s=3.8, duration_s=0.2),
        # Requests can't be stored.
        Fault(kind=FaultKind.CRASH, node="enrollment-db", at_s=5.5, duration_s=0.5),
    ),
    factors={"courses.replicas": 2},
)
