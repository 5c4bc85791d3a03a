"""What Prometheus gets to see of the requests."""

from __future__ import annotations

import re

from app.kit.metrics import Metrics


def _sample(text: str, series: str) -> float:
    found = re.search(rf"^{re.escape(series)} (\S+)$", text, re.MULTILINE)
    assert found is not None, series
    return float(found[1])


def test_requests_are_counted_by_method_route_and_status() -> None:
    """Each combination has a counter of its own."""
    metrics = Metrics()
    for status in (200, 200, 404):
        metrics.request_answered("GET", "/things/{id}", status, 0.001)
    text = metrics.text().decode()
    assert _sample(text, 'spire_requests_total{method="GET",route="/things/{id}",status="200"}') == 2
    assert _sample(text, 'spire_requests_total{method="GET",route="/things/{id}",status="404"}') == 1


def test_durations_fall_into_cumulative_buckets() -> None:
    """A bucket counts what took as long as its bound or less; the last one counts all."""
    metrics = Metrics()
    for duration_s in (0.0005, 0.001, 0.0011, 0.3, 60.0):
        metrics.request_answered("GET", "/", 200, duration_s)
    text = metrics.text().decode()
    series = 'spire_request_duration_seconds_bucket{le="%s",method="GET",route="/"}'
    counts = {bound: _sample(text, series % bound) for bound in ("0.001", "0.0025", "0.25", "0.5", "5.0", "+Inf")}
    assert counts == {"0.001": 2, "0.0025": 3, "0.25": 3, "0.5": 4, "5.0": 4, "+Inf": 5}
    assert _sample(text, 'spire_request_duration_seconds_count{method="GET",route="/"}') == 5
    assert abs(_sample(text, 'spire_request_duration_seconds_sum{method="GET",route="/"}') - 60.3026) < 1e-9


def test_cached_reads_are_there_from_the_start() -> None:
    """Hits, misses and reads without the cache are told as 0 before the first one."""
    metrics = Metrics()
    metrics.cache_answered("hit")
    text = metrics.text().decode()
    assert [_sample(text, f'spire_cached_reads_total{{result="{result}"}}') for result in ("hit", "miss", "off")] == [1, 0, 0]
