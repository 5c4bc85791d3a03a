"""From a planned fault to what carries it out: the class of each kind."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from pydantic import SecretStr

from experiments.definition import Fault, FaultKind, LinkFault
from experiments.errors import FaultError
from experiments.faults.cpu import CpuHog
from experiments.faults.interfaces import Disturbance, NodeControl
from experiments.faults.links import HttpLinkControl, LinkDisturbance
from experiments.faults.nginx import Reload
from experiments.faults.postgres import ConnectionExhaustion, DatabaseDiskFull
from experiments.faults.processes import Crash, Pause, Restart, RollingRestart, SlowStart, Stop
from experiments.faults.rabbitmq import BrokerDiskFull, MemoryAlarm, QueueLoss
from experiments.faults.redis import Flush, MemoryFull
from infra.deployment import Deployment, Node, Role


@dataclass(frozen=True)
class _Subject:
    """What a fault is made of."""

    fault: Fault
    nodes: Sequence[Node]
    deployment: Deployment
    control: NodeControl

    @property
    def node(self) -> Node:
        """The one node of a kind that strikes one server."""
        return self.nodes[0]

    @property
    def dsn(self) -> SecretStr:
        """The way into the node's database."""
        return self.deployment.credentials.database_dsns[self.node.group]

    @property
    def cache_url(self) -> SecretStr:
        """The way into the cache."""
        if (url := self.deployment.credentials.cache_url) is None:
            raise FaultError("the cache is off")
        return url


def _disk_full(it: _Subject) -> Disturbance:
    if it.node.role is Role.DATABASE:
        return DatabaseDiskFull(it.node, it.control, it.dsn)
    return BrokerDiskFull(it.node, it.control, it.deployment.credentials.broker_management_url)


_KINDS: Final[Mapping[FaultKind, Callable[[_Subject], Disturbance]]] = {
    FaultKind.CRASH: lambda it: Crash(it.nodes, it.control),
    FaultKind.STOP: lambda it: Stop(it.nodes, it.control),
    FaultKind.PAUSE: lambda it: Pause(it.nodes, it.control),
    FaultKind.RESTART: lambda it: Restart(it.nodes, it.control),
    FaultKind.SLOW_START: lambda it: SlowStart(it.nodes, it.control),
    FaultKind.ROLLING_RESTART: lambda it: RollingRestart(it.nodes, it.control),
    FaultKind.CPU_HOG: lambda it: CpuHog(it.nodes, it.control, deployment=it.deployment.name, duration_s=it.fault.duration_s),
    FaultKind.DISK_FULL: _disk_full,
    FaultKind.CONNECTION_EXHAUSTION: lambda it: ConnectionExhaustion(it.node, it.control, it.dsn),
    FaultKind.MEMORY_ALARM: lambda it: MemoryAlarm(it.node, it.control, it.deployment.credentials.broker_management_url),
    FaultKind.QUEUE_LOSS: lambda it: QueueLoss(
        it.node, it.control, it.deployment.credentials.broker_management_url, it.deployment.credentials.broker_vhost
    ),
    FaultKind.FLUSH: lambda it: Flush(it.node, it.control, it.cache_url),
    FaultKind.MEMORY_FULL: lambda it: MemoryFull(it.node, it.control, it.cache_url, memory_mib=it.deployment.topology.cache.memory_mib),
    FaultKind.RELOAD: lambda it: Reload(it.node, it.control),
}


def disturbance(fault: Fault | LinkFault, targets: Sequence[str], deployment: Deployment, control: NodeControl) -> Disturbance:
    """What carries out ``fault`` on its targets.

    Raises:
        FaultError: the deployment lacks what it needs.
    """
    if isinstance(fault, LinkFault):
        credentials = deployment.credentials
        if credentials.links_url is None or credentials.links_token is None:
            raise FaultError(f"the {fault.title} needs links, and the deployment {deployment.name!r} has none")
        return LinkDisturbance(fault, targets, deployment, HttpLinkControl(credentials.links_url, credentials.links_token))
    return _KINDS[fault.kind](_Subject(fault, [deployment.node(name) for name in targets], deployment, control))
