"""What may be broken on purpose, where and when: planned faults as frozen values, and what a topology admits of them."""

from __future__ import annotations

import re
from collections.abc import Mapping
from enum import StrEnum
from fnmatch import fnmatchcase
from typing import Annotated, Final, Literal, Self

from pydantic import Discriminator, Field, Tag, model_validator

from experiments.definition.base import Name, Value
from infra.links.conditions import LONGEST_LATENCY_MS, Conditions, Direction, Passage
from infra.links.edges import edges
from infra.topology import Topology


class Part(StrEnum):
    """What a node is, as far as faults care."""

    SERVICE = "service"
    WORKER = "worker"
    DATABASE = "database"
    CACHE = "cache"
    BROKER = "broker"
    GATEWAY = "gateway"


class FaultKind(StrEnum):
    """What is done to nodes."""

    CRASH = "crash"
    """SIGKILL of the whole process tree; healed by starting it again."""
    STOP = "stop"
    """The node is asked to end and ends in good order; healed by starting it again."""
    PAUSE = "pause"
    """SIGSTOP of the whole process tree: connections are accepted, nothing is answered; healed by SIGCONT."""
    RESTART = "restart"
    """A stop, and a start at once."""
    SLOW_START = "slow_start"
    """The node is stopped and started again, and its start takes as long as the fault lasts."""
    ROLLING_RESTART = "rolling_restart"
    """The replicas of a group are restarted one after the other, each as soon as the one before is ready."""
    CPU_HOG = "cpu_hog"
    """A busy loop on each processor that the node may use."""
    DISK_FULL = "disk_full"
    """PostgreSQL can't write to any file, and panics at its next write; RabbitMQ raises its disk alarm and blocks publishers."""
    CONNECTION_EXHAUSTION = "connection_exhaustion"
    """Every connection that PostgreSQL has left is taken by somebody else."""
    MEMORY_ALARM = "memory_alarm"
    """RabbitMQ finds its memory above the high watermark and blocks publishers."""
    QUEUE_LOSS = "queue_loss"
    """RabbitMQ loses its queues with all that is in them; clients declare them anew."""
    FLUSH = "flush"
    """Redis forgets everything."""
    MEMORY_FULL = "memory_full"
    """Redis refuses every write, for it has no memory left and evicts nothing."""
    RELOAD = "reload"
    """NGINX takes over its configuration anew: new worker processes, and an end to the old ones."""


class LinkFaultKind(StrEnum):
    """What is done to links."""

    LATENCY = "latency"
    BANDWIDTH = "bandwidth"
    SILENT = "silent"
    """A black hole: nothing arrives, and nobody is told."""
    REFUSED = "refused"
    """Connections are refused, and those that there were are reset."""
    RESET = "reset"
    """Connections are accepted and reset."""


class Event(StrEnum):
    """The steps of a fault, for another fault to wait for."""

    INJECTED = "injected"
    PROVEN = "proven"
    HEALED = "healed"
    READY = "ready"


class AfterFault(Value):
    """Waits for a step of another fault."""

    kind: Literal["fault"] = "fault"
    fault: Name
    event: Event = Event.READY


class AfterAccepted(Value):
    """Waits until so many enrolments of the trial were accepted."""

    kind: Literal["accepted"] = "accepted"
    count: int = Field(ge=1)


Trigger = Annotated[AfterFault | AfterAccepted, Field(discriminator="kind")]


class _Planned(Value):
    """When a fault happens, and for how long."""

    name: Name | None = Field(None, description="by which other faults wait for it")
    at_s: float = Field(0.0, ge=0, description="seconds after the load began, or after what it waits for")
    after: Trigger | None = None
    duration_s: float = Field(0.0, ge=0, description="seconds until it is healed; 0 for what is over by itself")

    @property
    def when(self) -> str:
        """When and for how long, as people say it."""
        match self.after:
            case AfterFault(fault=fault, event=event):
                start = f"{self.at_s:g} s after {fault} is {event}"
            case AfterAccepted(count=count):
                start = f"{self.at_s:g} s after {count:,} accepted enrolments"
            case None:
                start = f"at {self.at_s:g} s"
        return f"{start} for {self.duration_s:g} s" if self.duration_s else start

    @property
    def heal_at_s(self) -> float:
        """When it is healed, counted as :attr:`at_s` is."""
        return self.at_s + self.duration_s


_ANYWHERE: Final = frozenset(Part)
PARTS: Final[Mapping[FaultKind, frozenset[Part]]] = {
    FaultKind.CRASH: _ANYWHERE,
    FaultKind.STOP: _ANYWHERE,
    FaultKind.PAUSE: _ANYWHERE,
    FaultKind.RESTART: _ANYWHERE,
    FaultKind.SLOW_START: _ANYWHERE,
    FaultKind.ROLLING_RESTART: frozenset({Part.SERVICE, Part.WORKER}),
    FaultKind.CPU_HOG: _ANYWHERE,
    FaultKind.DISK_FULL: frozenset({Part.DATABASE, Part.BROKER}),
    FaultKind.CONNECTION_EXHAUSTION: frozenset({Part.DATABASE}),
    FaultKind.MEMORY_ALARM: frozenset({Part.BROKER}),
    FaultKind.QUEUE_LOSS: frozenset({Part.BROKER}),
    FaultKind.FLUSH: frozenset({Part.CACHE}),
    FaultKind.MEMORY_FULL: frozenset({Part.CACHE}),
    FaultKind.RELOAD: frozenset({Part.GATEWAY}),
}
"""Which parts a kind applies to."""
INSTANT: Final = frozenset({FaultKind.RESTART, FaultKind.ROLLING_RESTART, FaultKind.QUEUE_LOSS, FaultKind.FLUSH, FaultKind.RELOAD})
"""Kinds that are over as soon as they have happened."""
SETTLES_LATE: Final = frozenset({FaultKind.QUEUE_LOSS})
"""What was in a lost queue is sent again minutes later, which only an experiment made for it waits for."""
SLOWEST_BANDWIDTH_KIB_PER_S: Final = 1.0
PROVABLE_BANDWIDTH_KIB_PER_S: Final = 256.0
"""A wider link can't be told from a normal one by an exchange that a server takes from a stranger."""
PROVABLE_LATENCY_MS: Final = 5.0
_GROUP = re.compile(r"([a-z]+)-\*")


class Fault(_Planned):
    """One disturbance of a node, or of every replica of a group at once (``courses-*``), and its healing."""

    kind: FaultKind = FaultKind.CRASH
    node: str = Field(min_length=1)

    @property
    def where(self) -> str:
        """What it strikes."""
        return self.node

    @property
    def title(self) -> str:
        """As people call it."""
        return f"{self.kind.replace('_', ' ')} of {self.node}"

    @model_validator(mode="after")
    def _lasts(self) -> Self:
        if self.kind in INSTANT and self.duration_s:
            raise ValueError(f"the {self.title} is over as soon as it has happened; leave duration_s out")
        if self.kind not in INSTANT and not self.duration_s:
            raise ValueError(f"the {self.title} needs a duration_s, after which it is healed")
        return self


class LinkFault(_Planned):
    """One disturbance of a link, or of all whose names match (``*->cache``), and its healing."""

    kind: LinkFaultKind
    link: str = Field(min_length=1, description="<client>-><server>; * stands for anything")
    direction: Direction = Direction.BOTH
    latency_ms: float = Field(0.0, ge=0, le=LONGEST_LATENCY_MS, description="of latency: added to each way")
    jitter_ms: float = Field(0.0, ge=0, description="of latency: it varies by up to this")
    bandwidth_kib_per_s: float | None = Field(None, ge=SLOWEST_BANDWIDTH_KIB_PER_S, le=PROVABLE_BANDWIDTH_KIB_PER_S)

    @property
    def where(self) -> str:
        """What it strikes."""
        return self.link

    @property
    def title(self) -> str:
        """As people call it."""
        return f"{self.kind} of {self.link}"

    @property
    def conditions(self) -> Conditions:
        """What the link is told."""
        passage = {LinkFaultKind.SILENT: Passage.SILENT, LinkFaultKind.REFUSED: Passage.REFUSED, LinkFaultKind.RESET: Passage.RESET}
        return Conditions(
            passage=passage.get(self.kind, Passage.OPEN),
            direction=self.direction,
            latency_ms=self.latency_ms,
            jitter_ms=self.jitter_ms,
            bandwidth_kib_per_s=self.bandwidth_kib_per_s,
        )

    @model_validator(mode="after")
    def _fits(self) -> Self:
        if not self.duration_s:
            raise ValueError(f"the {self.title} needs a duration_s, after which it is healed")
        if (self.kind is LinkFaultKind.LATENCY) != bool(self.latency_ms):
            raise ValueError(f"the {self.title}: latency_ms belongs to latency, which needs it")
        if (self.kind is LinkFaultKind.BANDWIDTH) != (self.bandwidth_kib_per_s is not None):
            raise ValueError(f"the {self.title}: bandwidth_kib_per_s belongs to bandwidth, which needs it")
        if self.latency_ms and self.latency_ms < PROVABLE_LATENCY_MS:
            raise ValueError(
                f"the {self.title}: {self.latency_ms:g} ms can't be told from a busy machine; use {PROVABLE_LATENCY_MS:g} or more"
            )
        if self.jitter_ms > self.latency_ms / 2:
            raise ValueError(f"the {self.title}: jitter_ms may be half of latency_ms, or nothing could prove the latency")
        if self.direction is not Direction.BOTH and self.kind not in {LinkFaultKind.LATENCY, LinkFaultKind.SILENT}:
            raise ValueError(f"the {self.title} has no direction; latency and silent have one")
        return self


def _strikes(fault: object) -> str:
    links = "link" in fault if isinstance(fault, Mapping) else isinstance(fault, LinkFault)
    return "link" if links else "node"


AnyFault = Annotated[Annotated[Fault, Tag("node")] | Annotated[LinkFault, Tag("link")], Discriminator(_strikes)]
"""A fault of a node or of a link."""


def parts(topology: Topology) -> dict[str, Part]:
    """The nodes of a topology that a fault may strike, and what each is."""
    found = {"gateway": Part.GATEWAY, "broker": Part.BROKER}
    found |= {f"{service}-db": Part.DATABASE for service in topology.services()}
    if topology.cache.enabled:
        found["cache"] = Part.CACHE
    for service, factors in topology.services().items():
        found |= {f"{service}-{number}": Part.SERVICE for number in range(1, factors.replicas + 1)}
    return found | {f"worker-{number}": Part.WORKER for number in range(1, topology.worker.replicas + 1)}


def node_names(topology: Topology) -> frozenset[str]:
    """The names of all nodes of a topology that a fault may strike."""
    return frozenset(parts(topology))


def targets(fault: Fault | LinkFault, topology: Topology) -> tuple[str, ...]:
    """The nodes or links that a fault strikes.

    Raises:
        ValueError: none, or one that the fault does not apply to.
    """
    return _links(fault, topology) if isinstance(fault, LinkFault) else _nodes(fault, topology)


def _links(fault: LinkFault, topology: Topology) -> tuple[str, ...]:
    if not topology.links.enabled:
        raise ValueError(f"the {fault.title} needs links; set links.enabled in the experiment's topology, so that every treatment has them")
    names = [edge.name for edge in edges(topology)]
    found = tuple(name for name in names if fnmatchcase(name, fault.link))
    if not found:
        raise ValueError(f"no link {fault.link!r} in its topology; there are {', '.join(names)}")
    return found


def _nodes(fault: Fault, topology: Topology) -> tuple[str, ...]:
    known = parts(topology)
    if group := _GROUP.fullmatch(fault.node):
        found = tuple(name for name in known if re.fullmatch(rf"{group[1]}-\d+", name))
    else:
        found = (fault.node,) if fault.node in known else ()
    if not found:
        raise ValueError(f"no node {fault.node!r} in its topology; there are {', '.join(sorted(known))}")
    for name in found:
        if known[name] not in PARTS[fault.kind]:
            applies = " or ".join(sorted(PARTS[fault.kind]))
            raise ValueError(f"{fault.kind} strikes a {applies}, and {name} is a {known[name]}")
    return found
