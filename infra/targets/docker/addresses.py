"""Where containers are now: the engine gives one that is started again the first address that is free, which may have been another's."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping

from pydantic import SecretStr

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


def relocated(deployment: Deployment, now: Addresses) -> Deployment:
    """The deployment with every address as it is now, in URLs too."""
    moved = {before: after for before, after in _moves(deployment, now) if after is not None}
    if not moved:
        return deployment
    known = re.compile("|".join(rf"(?<![\d.]){re.escape(address)}(?![\d.])" for address in moved))
    text = json.dumps(deployment.model_dump(), default=SecretStr.get_secret_value)
    return Deployment.model_validate_json(known.sub(lambda found: moved[found[0]], text))


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
