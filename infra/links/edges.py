"""Who talks to whom in a topology: the edges that links can be placed on."""

from __future__ import annotations

from dataclasses import dataclass

from infra.topology import Topology

CACHED = ("courses", "students")
"""The services that read through the cache."""


@dataclass(frozen=True)
class Edge:
    """A node that opens connections, and the one that it opens them to."""

    client: str
    server: str

    @property
    def name(self) -> str:
        """The name of the link on it."""
        return f"{self.client}->{self.server}"


def edges(topology: Topology) -> tuple[Edge, ...]:
    """Every edge, by client."""
    replicas = {
        service: [f"{service}-{number + 1}" for number in range(factors.replicas)] for service, factors in topology.services().items()
    }
    found = [Edge("gateway", replica) for names in replicas.values() for replica in names]
    for service, names in replicas.items():
        for replica in names:
            found.append(Edge(replica, f"{service}-db"))
            if service in CACHED and topology.cache.enabled:
                found.append(Edge(replica, "cache"))
    askers = [(name, ("broker", "gateway")) for name in replicas["enrollment"]]
    workers = [(f"worker-{number + 1}", ("enrollment-db", "broker", "gateway")) for number in range(topology.worker.replicas)]
    found += [Edge(client, server) for client, servers in [*askers, *workers] for server in servers]
    return tuple(found)
