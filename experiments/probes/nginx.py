"""NGINX's choice among the replicas, from the tail of its access log."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Final

from experiments.errors import ProbeError
from experiments.probes.sampler import Reading

GIVEN_UP: Final = frozenset({"502", "503", "504", "-", ""})
"""What stands as upstream_status of a delivery that brought no answer of the replica's own."""


class NginxProbe:
    """Counts deliveries by replica; NGINX lists every try of a request, separated by commas."""

    name: Final = "nginx"

    def __init__(self, log: Path, nodes: Mapping[str, str]) -> None:
        self._log = log
        self._nodes = nodes
        self._rest = b""
        self._requests: Counter[str] = Counter()
        self._failures: Counter[str] = Counter()
        self._offset = log.stat().st_size if log.exists() else 0

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
            with self._log.open("rb") as file:
                file.seek(self._offset)
                fresh = file.read()
        except OSError as error:
            raise ProbeError(f"NGINX's access log can't be read ({error.strerror})") from None
        self._offset += len(fresh)
        *lines, self._rest = (self._rest + fresh).split(b"\n")
        return lines


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
