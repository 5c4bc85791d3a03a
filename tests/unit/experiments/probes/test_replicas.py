"""What a replica says of itself, over real sockets."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread

import pytest

from experiments.errors import ProbeError
from experiments.probes.replicas import ReplicaProbe, gauges
from experiments.records.schema import METRICS
from infra.errors import NodeError

TEXT = b"""# HELP spire_outbox_unsent tasks in the outbox that were never sent
# TYPE spire_outbox_unsent gauge
spire_outbox_unsent 3.0
spire_outbox_undone 4.0
spire_broker_connected 0.0
spire_cached_reads_total{result="hit"} 70.0
"""


class _Replica(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    ready = 200

    def do_GET(self) -> None:
        body = TEXT if self.path == "/metrics" else b"{}"
        self.send_response(200 if self.path == "/metrics" else self.ready)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        """Say nothing."""


@contextmanager
def _replica(ready: int) -> Iterator[int]:
    with ThreadingHTTPServer(("127.0.0.1", 0), type("Replica", (_Replica,), {"ready": ready})) as server:
        thread = Thread(target=server.serve_forever)
        thread.start()
        try:
            yield server.server_port
        finally:
            server.shutdown()
            thread.join()


def _values(port: int, timeout_s: float = 1.0) -> dict[str, float]:
    probe = ReplicaProbe("enrollment-1", lambda: ("127.0.0.1", port), timeout_s=timeout_s)
    try:
        probe.read()  # the second reading takes the connection of the first
        return {reading.metric: reading.value for reading in probe.read()}
    finally:
        probe.close()


def test_a_ready_replica_tells_its_gauges() -> None:
    """The outbox is what waits in it and what was sent from it; what is not known here is left alone."""
    with _replica(200) as port:
        found = _values(port)
    assert found == {"ready": 1.0, "broker_connected": 0.0, "outbox_tasks": 7.0}
    assert found.keys() <= METRICS.keys()


def test_a_replica_that_says_no_still_tells_its_gauges() -> None:
    """503 is not ready."""
    with _replica(503) as port:
        assert _values(port)["ready"] == 0.0


def test_a_replica_that_is_gone_is_not_ready() -> None:
    """Nobody listens; and one that accepts connections and is silent is no better."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        assert _values(listener.getsockname()[1]) == {"ready": 0.0}
        listener.listen()
        assert _values(listener.getsockname()[1], timeout_s=0.05) == {"ready": 0.0}


def test_a_replica_that_came_back_elsewhere_is_found_again() -> None:
    """As a container may; one that nobody can find has no reading."""
    places: list[int] = []
    probe = ReplicaProbe("enrollment-1", lambda: ("127.0.0.1", places[-1]))
    with _replica(200) as port:
        places.append(port)
        assert probe.read()[0].value == 1.0
        probe.close()
    assert probe.read()[0].value == 0.0
    with _replica(200) as port:
        places.append(port)
        assert probe.read()[0].value == 1.0
        probe.close()

    def lost() -> tuple[str, int]:
        raise NodeError("it is gone")

    with pytest.raises(ProbeError, match="enrollment-1 can't be found"):
        ReplicaProbe("enrollment-1", lost).read()


def test_half_of_the_outbox_is_not_the_outbox() -> None:
    """A number that is missing or damaged leaves the metric out."""
    assert gauges(b"spire_outbox_unsent 3.0\nspire_peers_available nonsense\n") == {}
