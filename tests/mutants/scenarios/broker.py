"""The broker is slow to hear, and dies with messages, confirms and acknowledgements under way."""

from __future__ import annotations

from experiments.definition import Fault, FaultKind, LinkFault, LinkFaultKind, Operation
from tests.mutants.day import MIX, day

EXPERIMENT = day(
    "broker",
    "Do the rules hold when the broker dies with messages, confirms and acknowledgements under way?",
    load_s=6,
    faults=(
        LinkFault(kind=LinkFaultKind.LATENCY, link="*->broker", latency_ms=200, at_s=0.3, duration_s=3),
        Fault(kind=FaultKind.CRASH, node="broker", at_s=2.5, duration_s=0.3),
    ),
    factors={"links": True},
    mix={**MIX, Operation.ENROLL: 30.0, Operation.DROP: 10.0},
)
