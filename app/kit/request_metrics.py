"""What is counted for every request, cheaply.

The client library's counters take a lock each time, for programs that count in several threads, and cost a cached read a tenth of its
processor time. Requests are counted on the event loop alone, so plain integers do; they become Prometheus' samples when somebody scrapes.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import accumulate
from typing import Final

from prometheus_client.core import CounterMetricFamily, HistogramMetricFamily, Metric
from prometheus_client.registry import Collector

LATENCY_BUCKETS_S: Final = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0)
CACHE_RESULTS: Final = ("hit", "miss", "off")


@dataclass(slots=True)
class _Latency:
    total_s: float = 0.0
    counts: list[int] = field(default_factory=lambda: [0] * (len(LATENCY_BUCKETS_S) + 1))
    """Requests by the first bucket that holds them; the last one has no bound."""


class RequestMetrics(Collector):
    """Counts requests and cached reads; used from the event loop alone."""

    def __init__(self, prefix: str) -> None:
        self._prefix = prefix
        self._requests: dict[tuple[str, str, int], int] = {}
        self._latencies: dict[tuple[str, str], _Latency] = {}
        self._reads = dict.fromkeys(CACHE_RESULTS, 0)

    def request_answered(self, method: str, route: str, status: int, duration_s: float) -> None:
        """Count one request; ``route`` is the template, never the path, so that the number of series stays small."""
        key = (method, route, status)
        self._requests[key] = self._requests.get(key, 0) + 1
        latency = self._latencies.get((method, route))
        if latency is None:
            latency = self._latencies[method, route] = _Latency()
        latency.total_s += duration_s
        latency.counts[bisect_left(LATENCY_BUCKETS_S, duration_s)] += 1

    def cache_answered(self, result: str) -> None:
        """Count one read of what may be cached, by how the cache answered."""
        self._reads[result] += 1

    def collect(self) -> Iterator[Metric]:
        """The counts as they stand, for the client library."""
        requests = CounterMetricFamily(f"{self._prefix}requests", "requests answered", labels=("method", "route", "status"))
        for (method, route, status), count in list(self._requests.items()):
            requests.add_metric((method, route, str(status)), count)
        yield requests
        latencies = HistogramMetricFamily(
            f"{self._prefix}request_duration_seconds",
            "time from the first byte of a request to the last of its answer",
            labels=("method", "route"),
        )
        for labels, latency in list(self._latencies.items()):
            bounds = (*map(str, LATENCY_BUCKETS_S), "+Inf")
            latencies.add_metric(labels, list(zip(bounds, accumulate(latency.counts), strict=True)), latency.total_s)
        yield latencies
        reads = CounterMetricFamily(f"{self._prefix}cached_reads", "reads by how the cache answered: hit, miss or off", labels=("result",))
        for result, count in self._reads.items():
            reads.add_metric((result,), count)
        yield reads
