"""A lab that breaks a deployment and is killed before it heals anything: ``NAME FAULT...``, each fault as JSON."""

from __future__ import annotations

import sys
import time

from pydantic import TypeAdapter

from experiments.definition import AnyFault, Fault, LinkFault, targets
from experiments.faults.making import disturbance
from experiments.faults.schedule import FaultSchedule, Surroundings
from experiments.healing import journal_of
from infra import operations

FAULTS: TypeAdapter[Fault | LinkFault] = TypeAdapter(AnyFault)


def main(name: str, *planned: str) -> None:
    """Carry out the faults at once, say when each is proven, and wait to be killed."""
    deployment, control = operations.read(name), operations.control(name)
    faults = [FAULTS.validate_json(text) for text in planned]
    around = Surroundings(
        make=lambda fault, struck: disturbance(fault, struck, deployment, control), journal=journal_of(name), note=lambda _: None
    )
    schedule = FaultSchedule([(fault, targets(fault, deployment.topology)) for fault in faults], around)
    print("begins", flush=True)  # noqa: T201 - what its parent waits for
    schedule.start(time.monotonic())
    while any(record.proof is None for record in schedule.records()):
        time.sleep(0.05)
    print("proven", flush=True)  # noqa: T201
    time.sleep(3600)


main(*sys.argv[1:])
