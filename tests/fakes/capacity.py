"""A run directory of the hotpath experiment with plausible figures, made without any server."""

from __future__ import annotations

import random
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Final

from experiments.capacity.plan import plan
from experiments.catalog.hotpath import EXPERIMENT
from experiments.definition import CapacityExperiment, Implementation, Quantity, changed
from experiments.records.capacity import CapacityRunRecord, Measurement, PlannedMeasurement
from experiments.records.files import write_measurements, write_run
from experiments.records.schema import Provenance, ServerVersion

STARTED_AT: Final = datetime(2026, 11, 22, 12, 0, tzinfo=UTC)
SECONDS_EACH: Final = 4.0

THROUGHPUT_PER_S: Final = {
    ("hello", "hello"): 21_000,
    ("cached_course", "product"): 12_600,
    ("cached_course", "tutorial"): 790,
    ("cached_list", "product"): 5_900,
    ("cached_list", "tutorial"): 560,
    ("uncached_course", "product"): 2_900,
    ("uncached_course", "tutorial"): 520,
    ("overload", "product"): 2_600,
    ("overload", "tutorial"): 3,
    ("registration", "product"): 1_450,
    ("registration", "tutorial"): 130,
}
DECISIONS_PER_S: Final = {"product": 1_150.0, "tutorial": 42.0}
STATEMENTS: Final = {
    ("cold_key", "product"): 1,
    ("cold_key", "tutorial"): 32,
    ("zipf_reads", "product"): 851,
    ("zipf_reads", "tutorial"): 1_344,
}
KEYS: Final = {"cold_key": 1, "zipf_reads": 851}
FAILED: Final = {("overload", "tutorial"): 397.0}
REFUSED: Final = {("overload", "product"): 120.0}


def write_example(runs_dir: Path, *, rounds: int = 5, seed: int = 7, status: str = "finished") -> Path:
    """Write a run with so many finished rounds; its folder. One measurement of the tutorial's in the second round is invalid."""
    experiment = changed(EXPERIMENT, trials=rounds, seed=seed)
    path = runs_dir / f"{STARTED_AT:%Y%m%dT%H%M%SZ}-{experiment.name}"
    planned = plan(experiment)
    write_run(path, _record(path.name, experiment, planned, status))
    rng = random.Random(seed)  # noqa: S311 - nothing secret
    write_measurements(path, [_measurement(experiment, item, rng) for item in planned])
    return path


def _measurement(experiment: CapacityExperiment, planned: PlannedMeasurement, rng: random.Random) -> Measurement:
    at_s = 45.0 + planned.position * SECONDS_EACH
    side = planned.implementation
    if planned.round == 1 and planned.path == "cached_list" and side is Implementation.TUTORIAL:
        reason = "3 requests failed"
        return Measurement(planned=planned, at_s=at_s, reason=reason, values={Quantity.DURATION_S: 2.0, Quantity.FAILED_REQUESTS: 3.0})
    values = {Quantity.DURATION_S: 2.01}
    quantities = experiment.path(planned.path).quantities
    if Quantity.SQL_STATEMENTS in quantities:
        keys = KEYS[planned.path]
        values |= {
            Quantity.REQUESTS: 10_000.0,
            Quantity.FAILED_REQUESTS: 0.0,
            Quantity.KEYS: float(keys),
            Quantity.SQL_STATEMENTS: float(STATEMENTS[planned.path, side.value]),
        }
    if Quantity.THROUGHPUT_PER_S in quantities:
        values |= _load(planned, rng)
    if Quantity.DECISIONS in quantities:
        rate = DECISIONS_PER_S[side.value] * rng.uniform(0.9, 1.1)
        overbooked = 2.0 if side is Implementation.TUTORIAL else 0.0
        values |= {
            Quantity.DECISIONS: values[Quantity.REQUESTS],
            Quantity.DECISIONS_PER_S: rate,
            Quantity.WORKER_CPU_US_PER_DECISION: 0.6e6 / rate,
            Quantity.SYSTEM_CPU_US_PER_DECISION: 1.8e6 / rate,
            Quantity.OVERBOOKED_COURSES: overbooked,
            Quantity.OVERBOOKED_SEATS: overbooked * 2,
        }
    return Measurement(planned=planned, at_s=at_s, values=values)


def _load(planned: PlannedMeasurement, rng: random.Random) -> dict[Quantity, float]:
    side = planned.path, planned.implementation.value
    rate = THROUGHPUT_PER_S[side] * rng.uniform(0.92, 1.08)
    median_ms = 32e3 / rate
    return {
        Quantity.REQUESTS: round(rate * 2.01),
        Quantity.FAILED_REQUESTS: FAILED.get(side, 0.0),
        Quantity.REFUSED_REQUESTS: REFUSED.get(side, 0.0),
        Quantity.THROUGHPUT_PER_S: rate,
        Quantity.LATENCY_P50_MS: median_ms,
        Quantity.LATENCY_P99_MS: median_ms * 3.1,
        Quantity.SERVER_CPU_US_PER_REQUEST: 0.95e6 / rate,
        Quantity.SYSTEM_CPU_US_PER_REQUEST: 1.4e6 / rate,
        Quantity.REPLICA_MEMORY_MIB: 24.0 if planned.implementation is Implementation.HELLO else 68.0 + rng.uniform(0, 3),
    }


def _record(run_id: str, experiment: CapacityExperiment, planned: tuple[PlannedMeasurement, ...], status: str) -> CapacityRunRecord:
    values = {
        "run_id": run_id,
        "experiment": experiment,
        "plan": planned,
        "command": f"nox -s bench -- hotpath --trials {experiment.trials} --seed {experiment.seed}",
        "started_at": STARTED_AT,
        "finished_at": STARTED_AT + timedelta(seconds=60 + SECONDS_EACH * len(planned)),
        "status": status,
        "reason": None if status == "finished" else "stopped by a signal",
        "provenance": Provenance(
            target="process",
            engine="embedded",
            cpu_model="Example 3000",
            cpu_count=2,
            memory_bytes=24 * 2**30,
            kernel="Linux 6.1",
            operating_system="Debian GNU/Linux 12 (bookworm)",
            python="3.11.2",
            packages={"fastapi": "0.120.0", "uvicorn": "0.38.0"},
            servers=(ServerVersion(name="postgresql", version="15.14"), ServerVersion(name="redis", version="7.0.15")),
            git_commit="0123456789abcdef0123456789abcdef01234567",
            git_dirty=False,
            load_generator="wrk 4.1.0, closed loop",
        ),
    }
    return CapacityRunRecord.model_validate(values)
