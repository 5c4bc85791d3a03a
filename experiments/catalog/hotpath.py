"""How much the paths that registration day is made of can take, beside the same paths written plainly."""

from __future__ import annotations

from typing import Final

from experiments.definition import (
    CapacityExperiment,
    ColdKeyPath,
    Comparison,
    Dataset,
    Implementation,
    Measured,
    Quantity,
    ReadPath,
    RegistrationPath,
    ZipfPath,
)
from infra.topology import Topology

REPLICAS: Final = 2
"""Of the courses service: a cold key must be met by more than one process to show whether they agree on who loads it."""

PRODUCT, TUTORIAL, HELLO = Implementation.PRODUCT, Implementation.TUTORIAL, Implementation.HELLO


def measured(path: str, quantity: Quantity, implementation: Implementation = PRODUCT) -> Measured:
    """A figure, by default of the product."""
    return Measured(path=path, implementation=implementation, quantity=quantity)


def against_tutorial(title: str, path: str, quantity: Quantity, *, must: float, aim: float) -> Comparison:
    """The product must do so many times as much as the tutorial."""
    return Comparison(
        title=title,
        against="the tutorial",
        subject=measured(path, quantity),
        reference=measured(path, quantity, TUTORIAL),
        direction="at_least",
        must=must,
        aim=aim,
    )


EXPERIMENT = CapacityExperiment(
    name="hotpath",
    title="Hot paths beside a tutorial's",
    question="How many times as much as a tutorial's code do the hot paths take, and what does a request cost beyond a bare hello?",
    # Two workers, because over-enrolment needs a race. The gateway is passed by: one replica is what is compared.
    topology=Topology().override({"courses.replicas": REPLICAS, "worker.replicas": 2}),
    dataset=Dataset(courses=1000, students=200),
    paths=(
        ReadPath(name="hello", title="bare ASGI hello", target="/", implementations=(HELLO,)),
        ReadPath(name="cached_course", title="GET /courses/{id}, cached", target="/courses/{id}"),
        ReadPath(name="cached_list", title="GET /courses?limit=100, cached", target="/courses?limit=100"),
        ColdKeyPath(name="cold_key", title="one cold course, 32 clients at once"),
        ZipfPath(name="zipf_reads", title="10,000 Zipf reads from a cold cache"),
        RegistrationPath(name="registration", title="POST /enroll, and the decisions"),
        ReadPath(name="uncached_course", title="GET /courses/{id}, no cache", target="/courses/{id}", cache=False),
        ReadPath(name="overload", title="the same from 200 readers", target="/courses/{id}", cache=False, connections=200, overload=True),
    ),
    comparisons=(
        against_tutorial("cached GET /courses/{id}", "cached_course", Quantity.THROUGHPUT_PER_S, must=10, aim=20),
        Comparison(
            title="CPU of a cached GET /courses/{id}",
            against="a bare ASGI hello",
            subject=measured("cached_course", Quantity.SERVER_CPU_US_PER_REQUEST),
            reference=measured("hello", Quantity.SERVER_CPU_US_PER_REQUEST, HELLO),
            direction="at_most",
            must=2,
            aim=1.3,
        ),
        against_tutorial("uncached GET /courses/{id}", "uncached_course", Quantity.THROUGHPUT_PER_S, must=4, aim=7),
        against_tutorial("cached GET /courses?limit=100", "cached_list", Quantity.THROUGHPUT_PER_S, must=8, aim=11),
        Comparison(
            title="SQL statements for 32 clients on one cold key",
            against=f"the number of processes, {REPLICAS}",
            subject=measured("cold_key", Quantity.SQL_STATEMENTS),
            direction="at_most",
            must=REPLICAS,
            aim=1,
        ),
        Comparison(
            title="SQL statements for 10,000 Zipf reads from a cold cache",
            against="distinct courses read",
            subject=measured("zipf_reads", Quantity.SQL_STATEMENTS),
            reference=measured("zipf_reads", Quantity.KEYS),
            direction="at_most",
            must=1.05,
            aim=1.0,
        ),
        against_tutorial("POST /enroll, durable before its 202", "registration", Quantity.THROUGHPUT_PER_S, must=6, aim=10),
        against_tutorial("worker decisions per second", "registration", Quantity.DECISIONS_PER_S, must=10, aim=25),
        Comparison(
            title="courses with more students than seats",
            against="none",
            subject=measured("registration", Quantity.OVERBOOKED_COURSES),
            direction="at_most",
            must=0,
            aim=0,
        ),
        Comparison(
            title="uncached GET from 200 readers",
            against="32 readers",
            subject=measured("overload", Quantity.THROUGHPUT_PER_S),
            reference=measured("uncached_course", Quantity.THROUGHPUT_PER_S),
            direction="at_least",
            must=0.8,
            aim=1.0,
        ),
    ),
)
