"""NGINX's choice among the replicas, from the tail of its access log."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Mapping
from typing import Final, Protocol

from experiments.errors import ProbeError
from experiments.probes.sampler import Reading
from infra.errors import NodeError

GIVEN_UP: Final = frozenset({"502", "503", "504", "-", ""})
"""What stands as upstream_status of a delivery that brought no answer of the replica's own."""


class Log(Protocol):
    """The access log as it grows."""

    def new_lines(self) -> list[bytes]:
        """The whole lines that came since the last call, or since it was made; raises NodeError where it can't be read."""
        ...


class NginxProbe:
    """Counts deliveries by replica; NGINX lists every try of a request, separated by commas."""

    name: Final = "nginx"

    def __init__(self, log: Log, nodes: Mapping[str, str]) -> None:
        """``nodes`` maps what the log calls a replica to the node's name."""
        self._log = log
        self._nodes = nodes
        self._requests: Counter[str] = Counter()
        self._failures: Counter[str] = Counter()

    def read(self) -> list[Reading]:
        """Both counters for each replica, since the probe was made.

        Raises:
            ProbeError: the log can't be read.
        """
        for node, failed in deliveries(self._new_lines(), self._nodes):
            self._requests[node] += 1
            self._failures[node] += failed
        return [
            reading
            for node in self._nodes.values()
            for reading in (
                Reading(node, "upstream_requests", float(self._requests[node])),
                Reading(node, "upstream_failures", float(self._failures[node])),
            )
        ]

    def close(self) -> None:
        """Holds nothing open between readings."""

    def _new_lines(self) -> list[bytes]:
        try:
            return self._log.new_lines()
        except NodeError as error:
            raise ProbeError(f"NGINX's access log: {error}") from None


def deliveries(lines: Iterable[bytes], nodes: Mapping[str, str]) -> list[tuple[str, bool]]:
    """Every delivery in the lines as (node, gave up); ``nodes`` maps ``host:port`` to the node's name."""
    found = []
    for line in lines:
        try:
            entry = json.loads(line)
        except ValueError:
            continue
        addresses = _list(entry.get("upstream_addr", ""))
        statuses = _list(entry.get("upstream_status", ""))
        for address, status in zip(addresses, statuses, strict=False):
            if address in nodes:
                found.append((nodes[address], status in GIVEN_UP))
    return found


def _list(value: str) -> list[str]:
    return [part.strip() for part in value.replace(" : ", ", ").split(",")]
