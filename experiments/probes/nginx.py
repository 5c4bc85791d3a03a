"""NGINX's choice among the replicas, from the tail of its access log."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
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


@dataclass(frozen=True)
class Delivery:
    """One try of a request at a replica."""

    node: str
    is_given_up: bool
    ended_unix_s: float | None
    """When the request ended, by NGINX's clock; None where the line does not say."""


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
        """Both counters for each replica, since the probe was made, and when it was given up on for the first time since the last reading.

        Raises:
            ProbeError: the log can't be read.
        """
        gave_up_at: dict[str, float] = {}
        for one in deliveries(self._new_lines(), self._nodes):
            self._requests[one.node] += 1
            self._failures[one.node] += one.is_given_up
            if one.is_given_up and one.ended_unix_s is not None:
                gave_up_at[one.node] = min(one.ended_unix_s, gave_up_at.get(one.node, one.ended_unix_s))
        counters = [
            reading
            for node in self._nodes.values()
            for reading in (
                Reading(node, "upstream_requests", float(self._requests[node])),
                Reading(node, "upstream_failures", float(self._failures[node])),
            )
        ]
        return counters + [Reading(node, "upstream_gave_up_at", unix_s) for node, unix_s in gave_up_at.items()]

    def close(self) -> None:
        """Holds nothing open between readings."""

    def _new_lines(self) -> list[bytes]:
        try:
            return self._log.new_lines()
        except NodeError as error:
            raise ProbeError(f"NGINX's access log: {error}") from None


def deliveries(lines: Iterable[bytes], nodes: Mapping[str, str]) -> list[Delivery]:
    """Every delivery in the lines; ``nodes`` maps ``host:port`` to the node's name."""
    found = []
    for line in lines:
        try:
            entry = json.loads(line)
        except ValueError:
            continue
        addresses = _list(entry.get("upstream_addr", ""))
        statuses = _list(entry.get("upstream_status", ""))
        ended_unix_s = entry.get("msec")
        for address, status in zip(addresses, statuses, strict=False):
            if address in nodes:
                found.append(Delivery(nodes[address], status in GIVEN_UP, ended_unix_s))
    return found


def _list(value: str) -> list[str]:
    return [part.strip() for part in value.replace(" : ", ", ").split(",")]
