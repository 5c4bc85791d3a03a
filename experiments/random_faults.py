"""Faults by chance: a schedule that follows from a topology and a seed alone, so that a trial it broke can be run again."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable
from typing import Final

import numpy as np

from experiments.definition import Chance, Experiment, Fault, FaultKind, LinkFault, LinkFaultKind, Treatment, parts, targets
from experiments.definition.faults import INSTANT, PARTS
from experiments.randomness import generator
from infra.links.conditions import Direction
from infra.links.edges import edges
from infra.topology import Topology

ATTEMPTS: Final = 8
"""At a place for a fault that overlaps no other; then this one is left out."""
SECONDS_PER_MINUTE: Final = 60
_DIGITS: Final = 2
_Times = dict[str, list[tuple[float, float]]]
"""For each name, from when until when."""
_LATENCIES_MS: Final = (20, 100, 500)
_BANDWIDTHS_KIB_PER_S: Final = (16, 64, 256)
_ONE_WAY: Final = frozenset({LinkFaultKind.LATENCY, LinkFaultKind.SILENT})


def faults_of(experiment: Experiment, treatment: Treatment, trial_seed: int) -> tuple[Fault | LinkFault, ...]:
    """The faults of a trial: those that the treatment plans, or those that its chance draws from the trial's seed."""
    if treatment.chance is None:
        return treatment.faults
    return random_faults(experiment.topology_of(treatment), trial_seed, experiment.phases.total_s, treatment.chance)


def random_faults(topology: Topology, seed: int, duration_s: float, chance: Chance) -> tuple[Fault | LinkFault, ...]:
    """Faults within ``duration_s`` seconds of load: no two on one target at a time, each healed before the end.

    Nor is a server struck while a link to it is: what proves the link's fault is an exchange with a server that answers.
    """
    rng = generator(seed, "faults")
    choices = _choices(topology, chance.kinds)
    found: list[Fault | LinkFault] = []
    struck: _Times = defaultdict(list)
    needed: _Times = defaultdict(list)
    for _ in range(int(rng.poisson(chance.per_minute * max(0.0, duration_s - chance.from_s) / SECONDS_PER_MINUTE)) if choices else 0):
        for _ in range(ATTEMPTS):
            fault = _draw(rng, choices, duration_s, chance)
            time = fault.at_s, fault.heal_at_s + chance.recovery_s
            hit = targets(fault, topology)
            servers = servers_of(hit)
            if time[1] <= duration_s and _is_free(time, struck, {*hit, *servers}) and _is_free(time, needed, hit):
                found.append(fault)
                for times, names in ((struck, hit), (needed, servers)):
                    for name in names:
                        times[name].append(time)
                break
    return tuple(sorted(found, key=lambda fault: (fault.at_s, fault.where)))


def servers_of(names: Iterable[str]) -> frozenset[str]:
    """Where those of the names that are links lead."""
    return frozenset(server for _, is_link, server in (name.partition("->") for name in names) if is_link)


def _is_free(time: tuple[float, float], taken: _Times, names: Iterable[str]) -> bool:
    start_s, end_s = time
    return all(start_s >= other_end_s or end_s <= other_start_s for name in names for other_start_s, other_end_s in taken[name])


def _choices(topology: Topology, kinds: Collection[FaultKind | LinkFaultKind]) -> dict[FaultKind | LinkFaultKind, list[str]]:
    """What each kind can strike; a rolling restart strikes whole groups."""
    nodes = parts(topology)
    links = [edge.name for edge in edges(topology)] if topology.links.enabled else []
    found: dict[FaultKind | LinkFaultKind, list[str]] = {}
    for kind in sorted(kinds, key=str):
        if isinstance(kind, LinkFaultKind):
            names = links
        else:
            names = [name for name, part in nodes.items() if part in PARTS[kind]]
            if kind is FaultKind.ROLLING_RESTART:
                names = sorted({f"{name.rpartition('-')[0]}-*" for name in names})
        if names:
            found[kind] = names
    return found


def _draw(
    rng: np.random.Generator, choices: dict[FaultKind | LinkFaultKind, list[str]], duration_s: float, chance: Chance
) -> Fault | LinkFault:
    kind = list(choices)[int(rng.integers(len(choices)))]
    where = choices[kind][int(rng.integers(len(choices[kind])))]
    at_s = round(float(rng.uniform(chance.from_s, duration_s)), _DIGITS)
    lasts_s = round(float(rng.uniform(chance.shortest_s, chance.longest_s)), _DIGITS)
    if isinstance(kind, FaultKind):
        return Fault(kind=kind, node=where, at_s=at_s, duration_s=0 if kind in INSTANT else lasts_s)
    latency_ms = float(rng.choice(_LATENCIES_MS))
    return LinkFault(
        kind=kind,
        link=where,
        at_s=at_s,
        duration_s=lasts_s,
        direction=list(Direction)[int(rng.integers(len(Direction)))] if kind in _ONE_WAY else Direction.BOTH,
        latency_ms=latency_ms if kind is LinkFaultKind.LATENCY else 0,
        jitter_ms=latency_ms / 4 if kind is LinkFaultKind.LATENCY else 0,
        bandwidth_kib_per_s=float(rng.choice(_BANDWIDTHS_KIB_PER_S)) if kind is LinkFaultKind.BANDWIDTH else None,
    )
