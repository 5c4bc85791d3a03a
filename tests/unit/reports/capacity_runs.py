"""A capacity run with known answers: one comparison of each outcome, one invalid measurement, and a tutorial that over-enrols."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

from experiments.definition import (
    CapacityExperiment,
    ColdKeyPath,
    Comparison,
    Implementation,
    Measured,
    Quantity,
    ReadPath,
    RegistrationPath,
)
from experiments.records.capacity import CapacityRunRecord, Measurement, PlannedMeasurement
from experiments.records.files import write_measurements, write_run
from tests.unit.reports.factory import PROVENANCE

PRODUCT, TUTORIAL, HELLO = Implementation.PRODUCT, Implementation.TUTORIAL, Implementation.HELLO
ROUNDS = 5
MEASUREMENT_S = 2.0

Change = Callable[[Measurement], Measurement]
"""What a test makes of a measurement before it is written."""


def side(path: str, quantity: Quantity = Quantity.THROUGHPUT_PER_S, implementation: Implementation = PRODUCT) -> Measured:
    """A figure, by default the product's throughput."""
    return Measured(path=path, implementation=implementation, quantity=quantity)


def compared(title: str, path: str, *, must: float, aim: float, quantity: Quantity = Quantity.THROUGHPUT_PER_S) -> Comparison:
    """The product at least so many times the tutorial."""
    return Comparison(
        title=title,
        against="the tutorial",
        subject=side(path, quantity),
        reference=side(path, quantity, TUTORIAL),
        direction="at_least",
        must=must,
        aim=aim,
    )


EXPERIMENT = CapacityExperiment(
    name="capacity",
    title="Capacity & its <title>",
    question="Is the ratio that comes out the one that was put in?",
    paths=(
        ReadPath(name="hello", title="bare hello", target="/", implementations=(HELLO,)),
        ReadPath(name="cached", title="cached read", target="/courses/{id}"),
        ReadPath(name="listed", title="cached list", target="/courses?limit=100"),
        ReadPath(name="uncached", title="uncached read", target="/courses/{id}", cache=False),
        ReadPath(name="crowd", title="uncached read, 200 readers", target="/courses/{id}", cache=False, connections=200, overload=True),
        ColdKeyPath(name="cold", title="a cold key"),
        RegistrationPath(name="registration", title="registration"),
    ),
    comparisons=(
        compared("cached read", "cached", must=10, aim=20),
        compared("uncached read", "uncached", must=4, aim=7),
        compared("cached list", "listed", must=8, aim=11),
        Comparison(
            title="CPU of a cached read",
            against="a bare hello",
            subject=side("cached", Quantity.SERVER_CPU_US_PER_REQUEST),
            reference=side("hello", Quantity.SERVER_CPU_US_PER_REQUEST, HELLO),
            direction="at_most",
            must=2,
            aim=1.3,
        ),
        compared("accepted enrolments", "registration", must=6, aim=10),
        Comparison(
            title="SQL statements on a cold key",
            against="two processes",
            subject=side("cold", Quantity.SQL_STATEMENTS),
            direction="at_most",
            must=2,
            aim=1,
        ),
        Comparison(
            title="200 readers",
            against="32 readers",
            subject=side("crowd"),
            reference=side("uncached"),
            direction="at_least",
            must=0.8,
            aim=1,
        ),
    ),
    trials=ROUNDS,
    seed=7,
)

PER_S = {
    ("hello", HELLO): 20_000.0,
    ("cached", TUTORIAL): 500.0,
    ("listed", PRODUCT): 4_800.0,
    ("listed", TUTORIAL): 400.0,
    ("uncached", PRODUCT): 2_500.0,
    ("uncached", TUTORIAL): 500.0,
    ("crowd", PRODUCT): 2_250.0,
    ("registration", TUTORIAL): 200.0,
}
"""Answers a second where they are the same in every round."""


def per_s(path: str, implementation: Implementation, number: int) -> float:
    """Answers a second: the cached ratio is 21 to 25, that of enrolments 5 to 9, and the tutorial's crowd gets nothing but once."""
    if (path, implementation) == ("cached", PRODUCT):
        return 500.0 * (21 + number)
    if (path, implementation) == ("registration", PRODUCT):
        return 200.0 * (5 + number)
    if (path, implementation) == ("crowd", TUTORIAL):
        return 4.0 if number == 0 else 0.0
    return PER_S[path, implementation]


def measurement(planned: PlannedMeasurement) -> Measurement:
    """One measurement as the runner would have recorded it."""
    path, implementation, number = planned.path, planned.implementation, planned.round
    quantities = EXPERIMENT.path(path).quantities
    at_s = 30.0 + 4 * planned.position
    values = {Quantity.DURATION_S: MEASUREMENT_S, Quantity.FAILED_REQUESTS: 0.0}
    if (path, implementation, number) == ("listed", TUTORIAL, 1):
        return Measurement(planned=planned, at_s=at_s, reason="3 requests failed", values=values | {Quantity.FAILED_REQUESTS: 3.0})
    if Quantity.SQL_STATEMENTS in quantities:
        statements = 1.0 if implementation is PRODUCT else 32.0
        values |= {Quantity.REQUESTS: 32.0, Quantity.KEYS: 1.0, Quantity.SQL_STATEMENTS: statements}
    if Quantity.THROUGHPUT_PER_S in quantities:
        rate = per_s(path, implementation, number)
        values |= {Quantity.REQUESTS: rate * MEASUREMENT_S, Quantity.REFUSED_REQUESTS: 0.0, Quantity.THROUGHPUT_PER_S: rate}
        values |= {Quantity.REPLICA_MEMORY_MIB: 64.0 + number}
        if rate:
            cpu_us = {HELLO: 40.0, PRODUCT: 100.0, TUTORIAL: 1500.0}[implementation]
            values |= {Quantity.SERVER_CPU_US_PER_REQUEST: cpu_us, Quantity.SYSTEM_CPU_US_PER_REQUEST: 1.5 * cpu_us}
            values |= {Quantity.LATENCY_P50_MS: 32e3 / rate, Quantity.LATENCY_P99_MS: 64e3 / rate}
    if path == "crowd":
        values[Quantity.REFUSED_REQUESTS if implementation is PRODUCT else Quantity.FAILED_REQUESTS] = 150.0
    if Quantity.DECISIONS in quantities:
        is_product = implementation is PRODUCT
        values |= {
            Quantity.DECISIONS: values[Quantity.REQUESTS],
            Quantity.DECISIONS_PER_S: 1000.0 if is_product else 40.0,
            Quantity.WORKER_CPU_US_PER_DECISION: 500.0 if is_product else 12_000.0,
            Quantity.SYSTEM_CPU_US_PER_DECISION: 900.0 if is_product else 20_000.0,
            Quantity.OVERBOOKED_COURSES: 0.0 if is_product else 2.0,
            Quantity.OVERBOOKED_SEATS: 0.0 if is_product else 5.0,
        }
    return Measurement(planned=planned, at_s=at_s, values=values)


def write_capacity_run(
    runs_dir: Path, *, finished: int = ROUNDS, change: Change = lambda one: one, run_id: str = "20261122T130000Z-capacity"
) -> Path:
    """Write the run with so many finished rounds."""
    sides = [(path.name, implementation) for path in EXPERIMENT.paths for implementation in path.implementations]
    order = [(number, name, implementation) for number in range(ROUNDS) for name, implementation in sides]
    plan = tuple(
        PlannedMeasurement(position=at, round=number, path=name, implementation=implementation)
        for at, (number, name, implementation) in enumerate(order)
    )
    path = runs_dir / run_id
    record = CapacityRunRecord(
        run_id=run_id,
        experiment=EXPERIMENT,
        plan=plan,
        command="nox -s bench -- capacity --trials 5 --seed 7",
        started_at=datetime(2026, 11, 22, 13, tzinfo=UTC),
        finished_at=datetime(2026, 11, 22, 13, 6, tzinfo=UTC),
        status="finished",
        provenance=PROVENANCE.model_copy(update={"load_generator": "wrk 4.1.0, closed loop"}),
    )
    write_run(path, record)
    write_measurements(path, [change(measurement(planned)) for planned in plan if planned.round < finished])
    return path
