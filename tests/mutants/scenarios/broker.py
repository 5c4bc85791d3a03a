"""The broker is slow to hear, and dies with messages, confirms and acknowledgements under way."""

from __future__ import annotations

from experiments.definition import AfterFault, Event, Fault, FaultKind, LinkFault, LinkFaultKind, Operation
from tests.mutants.day import MIX, day

EXPERIMENT = day(
    "broker",
    "Do the rules hold when the broker dies with messages, confirms and acknowledgements under way?",
    load_s=7,
    faults=(
        LinkFault(kind=LinkFaultKind.LATENCY, link="*->broker", name="slow", latency_ms=200, at_s=0.2, duration_s=5.5),
        Fault(kind=FaultKind.CRASH, node="broker", after=AfterFault(fault="slow", event=Event.PROVEN), at_s=0.8, duration_s=0.3),
    ),
    factors={"links": True},
    mix={**MIX, Operation.ENROLL: 25.0, Operation.DROP: 8.0},
)
