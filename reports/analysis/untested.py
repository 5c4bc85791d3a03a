"""What a run did not try: kinds of faults, nodes and links without a valid trial in which they were struck."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from experiments.definition import FaultKind, LinkFault, LinkFaultKind, parts, targets
from experiments.records.schema import FaultRecord
from infra.topology import Topology
from reports.loading import RunData

_REPLICA = re.compile(r"-\d+(?=$|->)")


@dataclass(frozen=True)
class Untested:
    """What no valid trial had."""

    node_kinds: tuple[str, ...]
    link_kinds: tuple[str, ...]
    nodes: tuple[str, ...]
    """Replicas of a group are one: ``courses-*``."""
    links: tuple[str, ...]
    has_links: bool
    """There were links to break."""
    together: bool
    """Some valid trial had several faults at once or one after the other."""


def untested(run: RunData) -> Untested:
    """What of the definition's kinds and of the topologies' nodes and links no valid trial struck."""
    experiment = run.record.experiment
    topologies = [experiment.topology_of(treatment) for treatment in experiment.treatments]
    valid = [trial.record for trial in run.trials if trial.record.valid]
    struck = [fault for record in valid for fault in record.faults if fault.injected_s is not None]
    reached = {name for record in valid for fault in record.faults for name in _targets(fault, record.topology)}
    used = {(isinstance(fault.planned, LinkFault), str(fault.planned.kind)) for fault in struck}
    every_link = [name for topology in topologies for name in _links(topology)]
    return Untested(
        node_kinds=tuple(kind for kind in FaultKind if (False, str(kind)) not in used),
        link_kinds=tuple(kind for kind in LinkFaultKind if (True, str(kind)) not in used),
        nodes=_missing([name for topology in topologies for name in parts(topology)], reached),
        links=_missing(every_link, reached),
        has_links=bool(every_link),
        together=any(len(record.faults) > 1 for record in valid),
    )


def _targets(fault: FaultRecord, topology: Topology) -> tuple[str, ...]:
    if fault.injected_s is None:
        return ()
    return fault.targets or targets(fault.planned, topology)


def _links(topology: Topology) -> Sequence[str]:
    if not topology.links.enabled:
        return ()
    return targets(LinkFault(kind=LinkFaultKind.SILENT, link="*", duration_s=1), topology)


def _missing(names: Iterable[str], reached: Iterable[str]) -> tuple[str, ...]:
    """Groups of which no member was reached."""
    seen = {_group(name) for name in reached}
    return tuple(group for group in dict.fromkeys(map(_group, names)) if group not in seen)


def _group(name: str) -> str:
    return _REPLICA.sub("-*", name)
