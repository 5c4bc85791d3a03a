"""Tells whether a node is still the same process."""

from __future__ import annotations

from infra import operations
from infra.deployment import Deployment

Lives = dict[str, tuple[int, float]]


def lives(deployment: Deployment) -> Lives:
    """Pid and start time of each node's first process."""
    firsts = {node.name: operations.processes(deployment, node.name)[0] for node in deployment.nodes}
    return {node: (process.pid, process.create_time()) for node, process in firsts.items()}
