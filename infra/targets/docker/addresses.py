"""Where containers are now: the engine gives one that is started again the first address that is free, which may have been another's."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from typing import Any

from infra.deployment import Deployment, Role
from infra.targets.docker.engine import Containers
from infra.targets.target import INSIDE

Addresses = Mapping[str, Mapping[str, str]]
"""By node and network; none of a node that has ended."""


def addresses(containers: Containers) -> Addresses:
    """Those of the containers that run."""
    prefix = containers.names.thing("")
    return {
        node: {
            network.removeprefix(prefix): str(joined["IPAddress"])
            for network, joined in container.attrs["NetworkSettings"]["Networks"].items()
            if joined["IPAddress"]
        }
        for node, container in containers.all().items()
    }


def relocated(deployment: Deployment, outputs: Mapping[str, Any], now: Addresses) -> dict[str, Any]:
    """What the program returned when it made ``deployment``, with every address as it is now, in URLs too."""
    moved = {before: after for before, after in _moves(deployment, now) if after is not None}
    if not moved:
        return dict(outputs)
    known = re.compile("|".join(rf"(?<![\d.]){re.escape(address)}(?![\d.])" for address in moved))
    moved_outputs: dict[str, Any] = json.loads(known.sub(lambda found: moved[found[0]], json.dumps(dict(outputs))))
    return moved_outputs


def _moves(deployment: Deployment, now: Addresses) -> Iterator[tuple[str, str | None]]:
    databases = {node.name for node in deployment.nodes if node.role is Role.DATABASE}

    def network(server: str) -> str:
        return server if server in databases else INSIDE

    for node in deployment.nodes:
        yield node.host, now.get(node.name, {}).get(network(node.name))
    proxies = [node.name for node in deployment.nodes if node.role is Role.SUPPORT]
    for link in deployment.links:
        for proxy in proxies:
            yield link.host, now.get(proxy, {}).get(network(link.server))
