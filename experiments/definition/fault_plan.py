"""Whether the faults of a treatment can be carried out as planned: where each strikes, in which order, and healed in time."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations

from experiments.definition.faults import AfterAccepted, AfterFault, Event, Fault, LinkFault, targets
from infra.topology import Topology

_WHEN_OVER = frozenset({Event.HEALED, Event.READY})


@dataclass(frozen=True)
class _Slot:
    """The earliest times at which a fault can happen and be healed, seconds after the load began."""

    fault: Fault | LinkFault
    targets: frozenset[str]
    start_s: float
    heal_s: float
    follows: frozenset[str]
    """Names of the faults that are over before it begins."""


def check_faults(faults: Sequence[Fault | LinkFault], topology: Topology, load_s: float) -> None:
    """Refuse what can't be carried out on ``topology`` within ``load_s`` seconds.

    Raises:
        ValueError: with a sentence that names the fault.
    """
    named = _by_name(faults)
    slots = [_slot(fault, named, topology) for fault in faults]
    for slot in slots:
        if slot.heal_s >= load_s:
            raise ValueError(
                f"the {slot.fault.kind} on {slot.fault.where} is healed at {slot.heal_s:g} s and the load ends at {load_s:g} s; "
                "make a phase longer or the fault shorter"
            )
    for one, other in combinations(slots, 2):
        if (common := one.targets & other.targets) and not _in_order(one, other):
            raise ValueError(f"two faults overlap on {min(common)}; give one a later at_s, or let it come after the other with AfterFault")


def start_order(faults: Sequence[Fault | LinkFault]) -> list[int]:
    """The places of the faults in ``faults``, in the order of their earliest times."""
    named = _by_name(faults)
    return sorted(range(len(faults)), key=lambda place: (_start_s(faults[place], named), _depth(faults[place], named), place))


def _by_name(faults: Sequence[Fault | LinkFault]) -> dict[str, Fault | LinkFault]:
    named: dict[str, Fault | LinkFault] = {}
    for fault in faults:
        if fault.name is not None:
            if fault.name in named:
                raise ValueError(f"two faults are called {fault.name}")
            named[fault.name] = fault
    for fault in faults:
        _chain(fault, named)
    return named


def _chain(fault: Fault | LinkFault, named: Mapping[str, Fault | LinkFault]) -> list[tuple[Fault | LinkFault, Event]]:
    """The faults that it waits for, the nearest first, each with the step that is waited for."""
    chain: list[tuple[Fault | LinkFault, Event]] = []
    seen = {fault.name}
    trigger = fault.after
    while isinstance(trigger, AfterFault):
        if trigger.fault not in named:
            raise ValueError(f"the {fault.title} comes after {trigger.fault!r}, and no fault of this treatment has that name")
        if trigger.fault in seen:
            raise ValueError(f"the {fault.title} waits for itself")
        seen.add(trigger.fault)
        chain.append((named[trigger.fault], trigger.event))
        trigger = named[trigger.fault].after
    return chain


def _depth(fault: Fault | LinkFault, named: Mapping[str, Fault | LinkFault]) -> int:
    return len(_chain(fault, named))


def _start_s(fault: Fault | LinkFault, named: Mapping[str, Fault | LinkFault]) -> float:
    waited = sum(other.heal_at_s if event in _WHEN_OVER else other.at_s for other, event in _chain(fault, named))
    return waited + fault.at_s


def _slot(fault: Fault | LinkFault, named: Mapping[str, Fault | LinkFault], topology: Topology) -> _Slot:
    start_s = _start_s(fault, named)
    follows: set[str] = set()
    for other, event in _chain(fault, named):
        if event not in _WHEN_OVER:
            break
        follows.add(str(other.name))
    return _Slot(fault, frozenset(targets(fault, topology)), start_s, start_s + fault.duration_s, frozenset(follows))


def _in_order(one: _Slot, other: _Slot) -> bool:
    if one.fault.name in other.follows or other.fault.name in one.follows:
        return True
    if _floats(one) or _floats(other):
        return False
    return one.heal_s <= other.start_s or other.heal_s <= one.start_s


def _floats(slot: _Slot) -> bool:
    """Only the trial itself will tell when it happens."""
    return isinstance(slot.fault.after, AfterAccepted)
