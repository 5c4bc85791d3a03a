"""Prometheus metrics of one process, in a registry of its own."""

from __future__ import annotations

from collections.abc import Callable

from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, Counter, Gauge, Histogram, generate_latest

PREFIX = "spire_"
LATENCY_BUCKETS_S = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0)


class Metrics:
    """What a process counts; parts that have more to tell add their own by :meth:`counter` and :meth:`watch`."""

    content_type = CONTENT_TYPE_LATEST

    def __init__(self) -> None:
        self._registry = CollectorRegistry()
        self._requests = self.counter("requests", "requests answered", "method", "route", "status")
        self._latency_s = Histogram(
            f"{PREFIX}request_duration_seconds",
            "time from the first byte of a request to the last of its answer",
            ("method", "route"),
            buckets=LATENCY_BUCKETS_S,
            registry=self._registry,
        )
        self._of_request: dict[tuple[str, str, int], tuple[Counter, Histogram]] = {}
        """Series once looked up; the client library takes a lock and a tuple of strings for it each time."""
        cached_reads = self.counter("cached_reads", "reads by how the cache answered: hit, miss or off", "result")
        self._of_cache = {result: cached_reads.labels(result) for result in ("hit", "miss", "off")}

    def counter(self, name: str, documentation: str, *labels: str) -> Counter:
        """A counter of that name; Prometheus appends ``_total``."""
        return Counter(PREFIX + name, documentation, labels, registry=self._registry)

    def watch(self, name: str, documentation: str, value: Callable[[], float]) -> None:
        """A gauge that is read whenever somebody scrapes; ``value`` must not wait for anything."""
        Gauge(PREFIX + name, documentation, registry=self._registry).set_function(value)

    def request_answered(self, method: str, route: str, status: int, duration_s: float) -> None:
        """Count one request; ``route`` is the template, never the path, so that the number of series stays small."""
        key = (method, route, status)
        series = self._of_request.get(key)
        if series is None:
            series = self._of_request[key] = (self._requests.labels(method, route, str(status)), self._latency_s.labels(method, route))
        series[0].inc()
        series[1].observe(duration_s)

    def cache_answered(self, result: str) -> None:
        """Count one read of what may be cached."""
        self._of_cache[result].inc()

    def text(self) -> bytes:
        """Everything in Prometheus' text format."""
        return generate_latest(self._registry)
