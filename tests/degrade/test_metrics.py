"""What Prometheus is told, after traffic of every kind."""

from __future__ import annotations

from functools import partial

import pytest

from tests.contract.client import at_once, eventually
from tests.degrade.system import System
from tests.degrade.traffic import recorders

ANY = float("inf")


@pytest.fixture(scope="module")
def used_system(shared_system: System) -> System:
    """The system after reads that hit and miss, simultaneous readers of cold keys, and requests of every outcome."""
    client = shared_system.client
    for node in ("enrollment-1", "enrollment-2"):
        course = client.course(capacity=1)
        enrolled, _ = [client.enrolled(client.student()["id"], course["id"]) for _ in range(2)]
        with recorders(shared_system.url(node)) as (replica,):
            assert replica.send("DELETE", f"/enroll/{enrolled['id']}").status == 200
    for node in ("courses-1", "courses-2"):
        eventually(partial(_stampedes, shared_system, node), bool)
    return shared_system


def _stampedes(system: System, node: str) -> float | None:
    """How many readers were spared a load, after one more crowd at a cold key; a busy machine may send them one after the other."""
    path = f"/courses/{system.client.course()['id']}"
    at_once([partial(system.ask, node, path)] * 24)
    return system.metric(node, "spire_stampedes_avoided_total")


@pytest.mark.parametrize(
    ("node", "metric", "label", "least", "most"),
    [
        ("courses-1", "spire_requests_total", 'route="/courses/{course_id}"', 1, ANY),
        ("students-1", "spire_requests_total", 'route="/students"', 1, ANY),
        ("enrollment-1", "spire_requests_total", 'route="/enroll"', 1, ANY),
        ("worker-1", "spire_requests_total", 'route="/readyz"', 1, ANY),
        ("courses-1", "spire_request_duration_seconds_bucket", 'le="+Inf"', 1, ANY),
        ("enrollment-1", "spire_request_duration_seconds_sum", 'route="/enroll"', 0.0001, ANY),
        ("courses-1", "spire_cached_reads_total", 'result="hit"', 1, ANY),
        ("courses-1", "spire_cached_reads_total", 'result="miss"', 1, ANY),
        ("courses-1", "spire_stampedes_avoided_total", "", 1, ANY),
        ("courses-1", "spire_invalidations_total", 'by="itself"', 1, ANY),
        ("courses-1", "spire_cache_available", "", 1, 1),
        ("courses-1", "spire_peers_heard", "", 1, 1),
        ("courses-1", "spire_database_available", "", 1, 1),
        ("courses-1", "spire_database_pool_size", "", 8, 8),
        ("courses-1", "spire_database_pool_in_use", "", 0, 8),
        ("courses-1", "spire_work_threads", "", 8, 8),
        ("courses-1", "spire_work_queued", "", 0, 256),
        ("students-1", "spire_cache_available", "", 1, 1),
        ("enrollment-1", "spire_database_pool_in_use", "", 0, 8),
        ("enrollment-1", "spire_outbox_sent_total", "", 1, ANY),
        ("enrollment-1", "spire_outbox_oldest_age_seconds", "", 0, 60),
        ("enrollment-1", "spire_outbox_unsent", "", 0, 1000),
        ("enrollment-1", "spire_outbox_undone", "", 0, 1000),
        ("enrollment-1", "spire_confirms_outstanding", "", 0, 512),
        ("enrollment-1", "spire_accept_batch_size_count", "", 1, ANY),
        ("enrollment-1", "spire_peers_available", "", 1, 1),
        ("worker-1", "spire_database_available", "", 1, 1),
        ("worker-1", "spire_peers_available", "", 1, 1),
    ],
)
def test_a_node_tells(used_system: System, node: str, metric: str, label: str, least: float, most: float) -> None:
    """Each metric is there with a value that can be."""
    value = used_system.metric(node, metric, label)
    assert value is not None
    assert least <= value <= most


@pytest.mark.parametrize(
    ("metric", "label", "least"),
    [
        ("spire_decisions_total", 'outcome="enrolled"', 1),
        ("spire_decisions_total", 'reason="course_full"', 1),
        ("spire_decision_lag_seconds_count", "", 2),
        ("spire_deliveries_total", 'result="acknowledged"', 2),
    ],
)
def test_the_workers_together_tell(used_system: System, metric: str, label: str, least: float) -> None:
    """What the two workers have decided adds up."""
    told = [used_system.metric(node, metric, label) or 0 for node in ("worker-1", "worker-2")]
    assert sum(told) >= least


def test_a_hanging_dependency_is_told(used_system: System) -> None:
    """The circuit breaker before a database is open in the metrics of the replica that needs it, and of no other."""
    with used_system.without("paused", "students-db"):
        used_system.client.http.post("/students", json={"name": "Jane Doe"})
        eventually(lambda: used_system.metric("students-1", "spire_database_available"), lambda value: value == 0)
        assert used_system.metric("courses-1", "spire_database_available") == 1
    used_system.healed()
