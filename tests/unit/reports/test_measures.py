"""The metrics of one trial against known answers."""

from __future__ import annotations

import math
from dataclasses import replace
from pathlib import Path

import pytest

from experiments.definition import Metric, Operation
from infra.topology import Topology
from reports.analysis.estimates import Observation, Unmeasured
from reports.analysis.latency import curve, generator_parts, latency_rows
from reports.analysis.measures import measures, sql_by_database
from reports.analysis.nodes import answered_shares, cache_row, node_rows
from tests.unit.reports.factory import Request, TrialSpec, counters_of, steady, trial_data


def _value(tmp_path: Path, metric: Metric, spec: TrialSpec) -> float:
    return _number(measures(trial_data(tmp_path, spec))[metric])


def _number(found: Observation | Unmeasured) -> float:
    assert isinstance(found, Observation)
    assert not found.is_censored
    return found.low


def test_response_time_counts_from_when_a_request_was_due(tmp_path: Path) -> None:
    """A 5 s stall after which a closed loop would send late shows in response time and is hidden from service time."""
    requests = steady(rate_per_s=250, duration_s=10, response_ms=lambda _number, _at_s: 5)
    stalled = [
        replace(request, response_ms=5 + (9 - request.intended_s) * 1000, slip_ms=(9 - request.intended_s) * 1000)
        if 4 <= request.intended_s < 9
        else request
        for request in requests
    ]
    (row, _) = latency_rows([trial_data(tmp_path, TrialSpec(stalled))])
    assert row.service_ms[990].value == pytest.approx(5)  # type: ignore[union-attr]
    # 1,250 of the 2,000 measured requests were due in the stall, evenly over it: the largest 1 % of all begin at 4.92 s.
    assert row.response_ms[990].value == pytest.approx(5 + 4924, abs=6)  # type: ignore[union-attr]
    assert row.response_ms[500].value == pytest.approx(5 + 1000, abs=6)  # type: ignore[union-attr]


def test_the_generators_part_is_what_lateness_adds(tmp_path: Path) -> None:
    """Requests that all left 2 ms late and took 8 ms are 20 % the generator's own; where failures lie beyond it has no part."""
    requests = [replace(one, slip_ms=2.0) for one in steady(rate_per_s=250, duration_s=10)]
    parts = generator_parts([trial_data(tmp_path, TrialSpec(requests))])
    assert [parts[per_mille].value for per_mille in (500, 950, 990)] == pytest.approx([0.2] * 3)  # type: ignore[union-attr]
    assert isinstance(parts[999], Unmeasured)
    failed = [replace(one, outcome="timeout") if number % 50 == 0 else one for number, one in enumerate(requests)]
    parts = generator_parts([trial_data(tmp_path / "failed", TrialSpec(failed))])
    assert [parts[per_mille].value for per_mille in (950, 990)] == pytest.approx([0.2, 0.0])  # type: ignore[union-attr]


def test_only_requests_due_in_the_measure_phase_count(tmp_path: Path) -> None:
    """A slow warm-up leaves no trace, and 250/s over 8 s are 2,000 requests."""
    spec = TrialSpec(steady(rate_per_s=250, duration_s=10, response_ms=lambda _number, at_s: 900 if at_s < 2 else 7))
    found = measures(trial_data(tmp_path, spec))
    assert _number(found[Metric.RESPONSE_P99_MS]) == pytest.approx(7)
    assert found[Metric.AVAILABILITY] == Observation.exact(1.0)


def test_failed_requests_are_slower_than_any_answer(tmp_path: Path) -> None:
    """With 2 % failed the p99 is infinite, the p95 an answer's, 40 of 2,000 failed and 98 % were available."""
    requests = [replace(r, outcome="timeout") if at % 50 == 0 else r for at, r in enumerate(steady(rate_per_s=250, duration_s=10))]
    found = measures(trial_data(tmp_path, TrialSpec(requests)))
    assert found[Metric.RESPONSE_P99_MS] == Observation.exact(math.inf)
    assert _number(found[Metric.RESPONSE_P95_MS]) == pytest.approx(10)
    assert found[Metric.FAILED_REQUESTS] == Observation.exact(40)
    assert _number(found[Metric.AVAILABILITY]) == pytest.approx(0.98)


def test_a_request_that_was_never_recorded_was_not_served(tmp_path: Path) -> None:
    """Availability is over scheduled arrivals, so 500 of 2,500 that the generator lost make it 80 %."""
    spec = TrialSpec(steady(rate_per_s=250, duration_s=10), unrecorded=500)
    assert _value(tmp_path, Metric.AVAILABILITY, spec) == pytest.approx(2000 / 2500)


def test_a_percentile_without_enough_requests_is_not_made_up(tmp_path: Path) -> None:
    """At 100/s the 800 requests of the measure phase support no p99."""
    found = measures(trial_data(tmp_path, TrialSpec(steady(rate_per_s=100, duration_s=10))))
    assert isinstance(found[Metric.RESPONSE_P99_MS], Unmeasured)
    assert isinstance(found[Metric.RESPONSE_P95_MS], Observation)


def test_throughput_counts_answers_when_they_come(tmp_path: Path) -> None:
    """Answers that come after the measure phase are no throughput of it."""
    spec = TrialSpec(steady(rate_per_s=100, duration_s=10, response_ms=lambda _number, at_s: 3000 if at_s >= 6 else 10))
    assert _value(tmp_path, Metric.THROUGHPUT_PER_S, spec) == pytest.approx((401 + 100) / 8, abs=0.3)


def test_sql_per_10k_reads_divides_the_statements_of_reads_by_answered_reads(tmp_path: Path) -> None:
    """500 statements a second for 250 arrivals a second, a fifth of them enrolments, are 25,000 per 10,000 reads.

    What enrollment-db is polled for meanwhile is not among them, and stands in the table by node.
    """
    requests = [
        replace(request, operation=Operation.ENROLL if at % 5 == 0 else Operation.READ_COURSE)
        for at, request in enumerate(steady(rate_per_s=250, duration_s=10))
    ]
    polled = {("enrollment-db", "sql_statements"): lambda at_s: 20.0 * at_s}
    spec = TrialSpec(requests, counters_of(Topology(), sql_per_s=500) | polled)
    assert _value(tmp_path, Metric.SQL_PER_10K_READS, spec) == pytest.approx(500 / 200 * 10_000)
    by_database = sql_by_database(trial_data(tmp_path / "again", spec))
    assert by_database["students-db"] == Observation.exact(0)
    assert _number(by_database["enrollment-db"]) == pytest.approx(1000)


def test_sql_is_unknown_when_a_database_of_the_reads_was_not_watched(tmp_path: Path) -> None:
    """A missing counter is no zero."""
    counters = counters_of(Topology(), sql_per_s=500)
    del counters["students-db", "sql_statements"]
    found = measures(trial_data(tmp_path, TrialSpec(steady(rate_per_s=250, duration_s=10), counters)))[Metric.SQL_PER_10K_READS]
    assert found == Unmeasured("the SQL counter of students-db was not read throughout the measure phase")


def test_processor_time_per_request_adds_up_all_nodes(tmp_path: Path) -> None:
    """Ten nodes at 5 % of a processor each, 250 answers a second: 2 ms each."""
    spec = TrialSpec(steady(rate_per_s=250, duration_s=10), counters_of(Topology(), sql_per_s=1))
    assert _value(tmp_path, Metric.CPU_MS_PER_REQUEST, spec) == pytest.approx(2.0)


def test_processor_time_is_unknown_when_a_node_was_not_watched(tmp_path: Path) -> None:
    """A node without readings would make the system look cheaper than it is."""
    counters = counters_of(Topology(), sql_per_s=1)
    del counters["gateway", "cpu_seconds"]
    found = measures(trial_data(tmp_path, TrialSpec(steady(rate_per_s=250, duration_s=10), counters)))[Metric.CPU_MS_PER_REQUEST]
    assert found == Unmeasured("the processor time of gateway was not read throughout the measure phase")


def test_replicas_share_the_answers_of_their_own_service(tmp_path: Path) -> None:
    """Three to one within courses is 75 % and 25 %, whatever students answered."""
    names = ["courses-1", "courses-1", "courses-1", "courses-2", "students-1"]
    spec = TrialSpec([Request(2 + at / 250, 5, replica=names[at % 5]) for at in range(1000)])
    shares = answered_shares(trial_data(tmp_path, spec))
    assert shares == {"courses-1": Observation.exact(0.75), "courses-2": Observation.exact(0.25), "students-1": Observation.exact(1)}


def test_nodes_and_cache_are_read_from_the_probes(tmp_path: Path) -> None:
    """One node's processor share, memory and SQL, and the ratio of hits, are what was put in."""
    counters = counters_of(Topology(), sql_per_s=50) | {
        ("cache", "cache_hits"): lambda at_s: 95 * at_s,
        ("cache", "cache_misses"): lambda at_s: 5 * at_s,
    }
    trial = trial_data(tmp_path, TrialSpec(steady(rate_per_s=250, duration_s=10), counters))
    rows = {row.node: row for row in node_rows([trial])}
    assert rows["courses-db"].cpu_share.value == pytest.approx(0.05)  # type: ignore[union-attr]
    assert rows["courses-db"].memory_mib.value == 50  # type: ignore[union-attr]
    assert rows["courses-db"].sql_per_10k_reads.value == pytest.approx(2000)  # type: ignore[union-attr]
    assert rows["gateway"].sql_per_10k_reads is None
    cache = cache_row([trial])
    assert cache is not None
    assert cache.hit_ratio.value == pytest.approx(0.95)  # type: ignore[union-attr]
    assert cache_row([trial_data(tmp_path / "off", TrialSpec(steady(rate_per_s=250, duration_s=10)))]) is None


def test_the_percentile_curve_ends_where_the_sample_does(tmp_path: Path) -> None:
    """2,000 requests support p99 and not p99.9; response times of 1, 2, 3, ... have their rank as percentile."""
    spec = TrialSpec(steady(rate_per_s=250, duration_s=10, response_ms=lambda number, _at_s: 1 + (number - 500) % 2000))
    found = curve([trial_data(tmp_path, spec)], "response_ms")
    assert found is not None
    assert 990 <= found.per_mille[-1] < 999
    assert dict(zip(found.per_mille, found.median, strict=True))[900] == pytest.approx(1800)
