"""What a replica says of itself: whether it is ready, and from its Prometheus metrics its circuit breakers and the outbox."""

from __future__ import annotations

import contextlib
import http.client
from collections.abc import Callable, Mapping
from http import HTTPStatus
from typing import Final

from experiments.errors import ProbeError
from experiments.probes.sampler import Reading
from infra.errors import InfraError

TIMEOUT_S: Final = 1.0
"""As Kubernetes' readiness probes have it by default: who does not answer in this time is not ready."""
GAUGES: Final[Mapping[str, str]] = {
    "spire_cache_available": "cache_available",
    "spire_peers_available": "peers_available",
    "spire_broker_connected": "broker_connected",
}
"""Metrics here by their names at the replica."""
OUTBOX: Final = ("spire_outbox_unsent", "spire_outbox_undone")
"""Tasks that wait to be sent, and those that were sent and have no effect yet: together all that is in the outbox."""


class ReplicaProbe:
    """Asks one replica, over a connection that stays open; one probe a replica, so that one which is away hides no other.

    Both questions cost the replica 1 to 2 ms of processor time, and the readiness check asks its database for a constant: experiments that
    break nothing do without.
    """

    def __init__(self, node: str, locate: Callable[[], tuple[str, int]], *, timeout_s: float = TIMEOUT_S) -> None:
        """``locate`` gives host and port; it is asked before each connection, for a container that was started again may have moved."""
        self._node = node
        self._locate = locate
        self._timeout_s = timeout_s
        self._connection: http.client.HTTPConnection | None = None

    @property
    def name(self) -> str:
        """The replica's."""
        return f"replica-{self._node}"

    def read(self) -> list[Reading]:
        """Whether it is ready, and its gauges if it answers at all.

        Raises:
            ProbeError: nobody knows where it is.
        """
        status, metrics = self._get("/metrics")
        if status != HTTPStatus.OK:
            return [Reading(self._node, "ready", 0.0)]
        ready, _ = self._get("/readyz")
        return [
            Reading(self._node, "ready", float(ready == HTTPStatus.OK)),
            *(Reading(self._node, metric, value) for metric, value in gauges(metrics).items()),
        ]

    def close(self) -> None:
        """Close the connection; the next reading would open another."""
        if self._connection is not None:
            self._connection.close()
            self._connection = None

    def _get(self, path: str) -> tuple[int | None, bytes]:
        """Status and body; no status where there is no answer in time. One that the replica closed while idle is opened again."""
        for _ in range(1 if self._connection is None else 2):
            connection = self._open()
            try:
                connection.request("GET", path)
                answer = connection.getresponse()
                return answer.status, answer.read()
            except TimeoutError:
                self.close()
                break
            except (OSError, http.client.HTTPException):
                self.close()
        return None, b""

    def _open(self) -> http.client.HTTPConnection:
        if self._connection is None:
            try:
                host, port = self._locate()
            except (InfraError, KeyError) as error:
                raise ProbeError(f"{self._node} can't be found ({error})") from None
            self._connection = http.client.HTTPConnection(host, port, timeout=self._timeout_s)
        return self._connection


def gauges(text: bytes) -> dict[str, float]:
    """The gauges of Prometheus' text format that are known here; those that are not told are left out."""
    told = {}
    for line in text.decode("utf-8", "replace").splitlines():
        name, _, value = line.partition(" ")
        if name in GAUGES or name in OUTBOX:
            with contextlib.suppress(ValueError):
                told[name] = float(value)
    found = {metric: told[name] for name, metric in GAUGES.items() if name in told}
    if all(name in told for name in OUTBOX):
        found["outbox_tasks"] = sum(told[name] for name in OUTBOX)
    return found
