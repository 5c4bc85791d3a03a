"""Two whole runs like those of the quick suite, with known answers: cache off against on, and a replica that is killed."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np

from experiments.definition import BoundClaim, Experiment, Fault, Metric, Phases, RatioClaim, Treatment
from experiments.records.schema import FaultRecord
from tests.unit.reports.factory import TrialSpec, counters_of, experiment, steady, write

CACHE_CLAIM = RatioClaim(
    statement="The cache reduces SQL statements per read by 40-100x",
    metric=Metric.SQL_PER_10K_READS,
    numerator="off",
    denominator="on",
    at_least=40,
    at_most=100,
)


def write_cache_run(runs_dir: Path, *, run_id: str = "20261122T120000Z-cache", trials: int = 5, finished: int = 5) -> Path:
    """Cache off against on at 250 reads/s: 10,000 statements per 10,000 reads off; 200 or a little less or more on, so 45x to 55x."""
    treatments = (
        Treatment(name="off", title="cache off", factors={"cache": False}),
        Treatment(name="on", title="cache on", factors={"cache": True}),
    )
    claims = (
        CACHE_CLAIM,
        BoundClaim(statement="p95 stays under 5 ms with the cache", metric=Metric.RESPONSE_P95_MS, treatment="on", at_most=5),
        BoundClaim(statement="No read fails without the cache", metric=Metric.FAILED_REQUESTS, treatment="off", at_most=0),
    )
    asked = experiment(name="cache", treatments=treatments, claims=claims, trials=trials)
    specs = {}
    for block in range(finished):
        for name, typical_ms in (("off", 9.0), ("on", 3.0)):
            rng = np.random.default_rng([block, name == "on"])
            noise = rng.lognormal(0, 0.4, 2500)
            requests = steady(rate_per_s=250, duration_s=10, response_ms=lambda number, _at_s: float(typical_ms * noise[number]))  # noqa: B023
            sql_per_s = 250.0 if name == "off" else 250.0 / (45 + 2.5 * block)
            counters = counters_of(asked.topology_of(asked.treatment(name)), sql_per_s=sql_per_s)
            if name == "on":
                counters |= {("cache", "cache_hits"): lambda at_s: 245 * at_s, ("cache", "cache_misses"): lambda at_s: 5 * at_s}
            specs[block, name] = TrialSpec(requests, counters)
    return write(runs_dir, asked, specs, run_id=run_id)


def crash(*, at_s: float, duration_s: float, node: str = "courses-2") -> FaultRecord:
    """A crash that happened a little later than planned, and was over half a second after its heal."""
    planned = Fault(node=node, at_s=at_s, duration_s=duration_s)
    return FaultRecord(
        planned=planned,
        injected_s=at_s + 0.02,
        proven_s=at_s + 0.05,
        proof=f"no process of {node} was left",
        healed_s=planned.heal_at_s + 0.03,
        ready_s=planned.heal_at_s + 0.53,
    )


def write_failover_run(runs_dir: Path, *, run_id: str = "20261122T121000Z-failover") -> Path:
    """A replica of three is down from 5 s to 8 s: in its first second 4 requests fail and the tail is at 310 ms; one trial is invalid."""
    fault = Fault(node="courses-2", at_s=5, duration_s=3)
    treatments = (Treatment(name="control", title="no fault"), Treatment(name="crash", title="courses-2 killed", faults=(fault,)))
    claims = (
        BoundClaim(statement="99.9 % of requests succeed", metric=Metric.AVAILABILITY, treatment="crash", at_least=0.999),
        BoundClaim(statement="No request fails", metric=Metric.FAILED_REQUESTS, treatment="crash", at_most=0),
        BoundClaim(statement="Clients are served as before within 2 s", metric=Metric.TIME_TO_RECOVER_S, treatment="crash", at_most=2),
    )
    asked = experiment(
        treatments=treatments, claims=claims, phases=Phases(warm_up_s=2, measure_s=9), rate_per_s=200, replicas=3, name="failover"
    )
    specs = {(block, treatment.name): _failover_trial(asked, treatment, block) for block in range(asked.trials) for treatment in treatments}
    specs[3, "crash"] = replace(specs[3, "crash"], valid=False, reasons=("nothing shows that the crash of courses-2 took effect",))
    return write(runs_dir, asked, specs, run_id=run_id)


def _failover_trial(asked: Experiment, treatment: Treatment, block: int) -> TrialSpec:
    rng = np.random.default_rng([block, len(treatment.faults)])
    is_crash = bool(treatment.faults)
    requests = []
    for number, request in enumerate(steady(rate_per_s=200, duration_s=11)):
        is_down = is_crash and 5.02 <= request.intended_s < 8.5
        alive = ("courses-1", "courses-3") if is_down else ("courses-1", "courses-2", "courses-3")
        response_ms = 4.0 * float(rng.lognormal(0, 0.3))
        struck = is_crash and 5.02 <= request.intended_s < 5.32 and number % 3 == 0
        outcome = "connection_error" if struck and number % 15 == 0 else "ok"
        requests.append(replace(request, response_ms=310.0 if struck else response_ms, outcome=outcome, replica=alive[number % len(alive)]))
    counters = counters_of(asked.topology_of(treatment), sql_per_s=12.0)
    for replica in range(1, 4):
        down_s = 3.48 if is_crash and replica == 2 else 0.0
        rate = 66.0

        def deliveries(at_s: float, down_s: float = down_s, rate: float = rate) -> float:
            return rate * (at_s - min(max(at_s - 5.02, 0.0), down_s))

        counters[f"courses-{replica}", "upstream_requests"] = deliveries
        counters[f"courses-{replica}", "upstream_failures"] = (lambda at_s: 20.0 if at_s > 5.02 else 0.0) if down_s else (lambda _at_s: 0.0)
    counters["broker", "queue_messages"] = lambda at_s: 2 + at_s % 3
    return TrialSpec(requests, counters, faults=(crash(at_s=5, duration_s=3),) if is_crash else ())
