"""Every part of a topology broken in every way that applies to it, as treatments of one experiment.

Pure. A part is a single node, every replica of a group at once, or the links of one kind between two groups.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable
from typing import Final

from experiments.definition import Fault, FaultKind, LinkFault, LinkFaultKind, Part, Treatment, parts
from experiments.definition.faults import INSTANT, PARTS, SETTLES_LATE
from infra.topology import Topology

CONTROL: Final = Treatment(name="control", title="no fault")
LATENCY_MS: Final = 100.0
"""Added to each way: well above what any answer takes, well below every time limit."""
JITTER_MS: Final = 20.0
BANDWIDTH_KIB_PER_S: Final = 128.0
"""A page of the catalogue, 3 KiB, then takes 25 ms; the proof, five times 48 KiB, 2 s."""
_REPLICATED: Final = frozenset({Part.SERVICE, Part.WORKER})
_REPLICA = re.compile(r"(?P<group>.+)-(?P<number>\d+)")
_FOR_GROUPS_ONLY: Final = frozenset({FaultKind.ROLLING_RESTART})
_FOR_NODES_ONLY: Final = frozenset({FaultKind.CPU_HOG})
"""All replicas share the machine's processors, so a hog beside one is a hog beside each."""


def matrix(topology: Topology, *, links: Collection[str], at_s: float, duration_s: float) -> tuple[Treatment, ...]:
    """The control, then a treatment for each part and for each of the ``links``, with each kind of fault that applies to it.

    ``links`` are patterns (``courses-*->courses-db``). The fault comes ``at_s`` seconds after the load began and lasts ``duration_s``,
    unless it is over by itself.
    """
    faults: list[Fault | LinkFault] = [*_node_faults(topology, at_s, duration_s), *_link_faults(links, at_s, duration_s)]
    return (CONTROL, *(Treatment(name=cell_name(fault.kind, fault.where), title=fault.title, faults=(fault,)) for fault in faults))


def cell_name(kind: FaultKind | LinkFaultKind, where: str) -> str:
    """The name of a cell: ``crash_courses_1``, ``stop_courses_all``, ``silent_courses_to_courses_db``."""
    if "->" in where:
        client, server = (end.removesuffix("-*") for end in where.split("->"))
        where = f"{client}_to_{server}"
    return f"{kind}_{where.replace('*', 'all').replace('-', '_')}"


def _node_faults(topology: Topology, at_s: float, duration_s: float) -> Iterable[Fault]:
    for name, part in _components(topology).items():
        is_group = name.endswith("-*")
        for kind in (kind for kind in FaultKind if kind not in SETTLES_LATE):
            if part in PARTS[kind] and kind not in (_FOR_NODES_ONLY if is_group else _FOR_GROUPS_ONLY):
                yield Fault(kind=kind, node=name, at_s=at_s, duration_s=0 if kind in INSTANT else duration_s)


def _components(topology: Topology) -> dict[str, Part]:
    """What may break: each server, one replica of each group, and each group as a whole."""
    found: dict[str, Part] = {}
    for name, part in parts(topology).items():
        replica = _REPLICA.fullmatch(name)
        if part not in _REPLICATED or replica is None:
            found[name] = part
        elif replica["number"] == "1":
            found |= {name: part, f"{replica['group']}-*": part}
    return found


def _link_faults(links: Collection[str], at_s: float, duration_s: float) -> Iterable[LinkFault]:
    for where in links:
        for kind in LinkFaultKind:
            yield LinkFault(
                kind=kind,
                link=where,
                at_s=at_s,
                duration_s=duration_s,
                latency_ms=LATENCY_MS if kind is LinkFaultKind.LATENCY else 0,
                jitter_ms=JITTER_MS if kind is LinkFaultKind.LATENCY else 0,
                bandwidth_kib_per_s=BANDWIDTH_KIB_PER_S if kind is LinkFaultKind.BANDWIDTH else None,
            )
