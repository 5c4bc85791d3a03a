"""Prometheus metrics of one process, in a registry of its own."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, Counter, Gauge, Histogram, generate_latest

from app.kit.request_metrics import RequestMetrics

PREFIX = "spire_"


class Metrics:
    """What a process counts; parts that have more to tell add their own by :meth:`counter` and :meth:`watch`."""

    content_type = CONTENT_TYPE_LATEST

    def __init__(self) -> None:
        self._registry = CollectorRegistry()
        requests = RequestMetrics(PREFIX)
        self._registry.register(requests)
        self.request_answered = requests.request_answered
        self.cache_answered = requests.cache_answered

    def counter(self, name: str, documentation: str, *labels: str) -> Counter:
        """A counter of that name; Prometheus appends ``_total``."""
        return Counter(PREFIX + name, documentation, labels, registry=self._registry)

    def histogram(self, name: str, documentation: str, buckets: Sequence[float]) -> Histogram:
        """A histogram of that name, which has the unit of its observations at its end."""
        return Histogram(PREFIX + name, documentation, buckets=buckets, registry=self._registry)

    def watch(self, name: str, documentation: str, value: Callable[[], float]) -> None:
        """A gauge that is read whenever somebody scrapes; ``value`` must not wait for anything."""
        Gauge(PREFIX + name, documentation, registry=self._registry).set_function(value)

    def text(self) -> bytes:
        """Everything in Prometheus' text format."""
        return generate_latest(self._registry)
