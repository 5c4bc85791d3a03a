"""The queue is lost while it is empty, and the first to notice is who publishes."""

from __future__ import annotations

from experiments.definition import AfterFault, Event, Fault, FaultKind
from tests.mutants.day import day

EXPERIMENT = day(
    "queue_lost",
    "Do the rules hold when requests are published to a queue that is gone?",
    load_s=17,
    faults=(
        # Nothing is accepted for a while, so that the worker empties the queue: what was in a lost queue comes again minutes later, and
        # the loss takes a program's start, which is seconds on a busy machine.
        Fault(kind=FaultKind.PAUSE, node="enrollment-1", name="lull", at_s=1, duration_s=12),
        # The worker would declare the queue anew at once.
        Fault(
            kind=FaultKind.PAUSE, node="worker-1", name="idle", after=AfterFault(fault="lull", event=Event.PROVEN), at_s=1.5, duration_s=13
        ),
        Fault(kind=FaultKind.QUEUE_LOSS, node="broker", after=AfterFault(fault="idle", event=Event.PROVEN)),
    ),
    factors={},
)
