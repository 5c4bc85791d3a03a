"""A run of many single faults, small and quick to build, in which every kind of cell occurs."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

from experiments.definition import Experiment, Fault, FaultKind, LinkFault, LinkFaultKind, Phases, Treatment, targets
from experiments.records.schema import FaultRecord, InvariantRecord
from infra.topology import Topology
from tests.unit.reports.factory import TrialSpec, experiment, steady, write

PHASES = Phases(warm_up_s=1, measure_s=8)
AT_S, DURATION_S = 4.0, 2.0
BROKEN, INVALID, NOT_RUN, WORST, PARTLY = "crash_broker", "pause_broker", "flush_cache", "silent_cache", "crash_courses_db"
LOSS = InvariantRecord(name="no_loss", verdict="fail", detail="1 of 20 accepted requests has no outcome")


def write_matrix_run(runs_dir: Path, *, blocks: int = 1) -> Path:
    """Under WORST nothing works from the injection on; under PARTLY half of the requests fail until the heal, for 2 s."""
    asked = matrix_experiment(blocks)
    specs = {
        (block, treatment.name): _trial(asked, treatment)
        for block in range(blocks)
        for treatment in asked.treatments
        if treatment.name != NOT_RUN
    }
    return write(runs_dir, asked, specs, run_id="20261122T123000Z-matrix")


def matrix_experiment(blocks: int = 1) -> Experiment:
    """Some nodes and a link, in some ways."""
    return experiment(
        treatments=tuple(_treatments()),
        phases=PHASES,
        trials=blocks,
        rate_per_s=50,
        name="matrix",
        topology=Topology().override({"links": True}),
    )


def _treatments() -> Iterator[Treatment]:
    yield Treatment(name="control", title="no fault")
    for kind, nodes in {
        FaultKind.CRASH: ("courses-1", "cache", "worker-1", "broker", "courses-db"),
        FaultKind.PAUSE: ("courses-1", "cache", "worker-1", "broker"),
        FaultKind.FLUSH: ("cache",),
    }.items():
        for node in nodes:
            fault = Fault(kind=kind, node=node, at_s=AT_S, duration_s=0 if kind is FaultKind.FLUSH else DURATION_S)
            yield Treatment(name=f"{kind}_{node.replace('-', '_')}", title=fault.title, faults=(fault,))
    link = LinkFault(kind=LinkFaultKind.SILENT, link="*->cache", at_s=AT_S, duration_s=DURATION_S)
    yield Treatment(name=WORST, title=link.title, faults=(link,))


def _trial(asked: Experiment, treatment: Treatment) -> TrialSpec:
    requests = steady(rate_per_s=50, duration_s=9)
    if treatment.name == WORST:
        requests = [replace(request, outcome="timeout") if request.intended_s >= AT_S else request for request in requests]
    if treatment.name == PARTLY:
        requests = [
            replace(request, outcome="http_error") if AT_S <= request.intended_s < AT_S + DURATION_S and at % 2 else request
            for at, request in enumerate(requests)
        ]
    faults = tuple(
        FaultRecord(
            planned=fault,
            targets=targets(fault, asked.topology_of(treatment)),
            injected_s=AT_S,
            proven_s=AT_S,
            proof="seen",
            healed_s=fault.heal_at_s,
            ready_s=fault.heal_at_s,
        )
        for fault in treatment.faults
    )
    return TrialSpec(
        requests,
        faults=faults,
        valid=treatment.name != INVALID,
        reasons=("nothing shows that it took effect",) if treatment.name == INVALID else (),
        invariants=(LOSS,) if treatment.name == BROKEN else (InvariantRecord(name="no_loss", verdict="pass", detail="20 of 20"),),
    )
