"""A capacity experiment: how much each implementation can do, the paths measured side by side in one run, and the ratios asked for.

Closed loop: a client sends its next request when the last one was answered, so what is found is the most that a server can do, not
what users of a given number would see; that is what :class:`experiments.definition.Experiment` is for.
"""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated, Final, Literal, Self

from pydantic import Field, model_validator

from experiments.definition.base import BaseExperiment, Name, Value
from infra.topology import ANY_FREE_PORT, Topology


class Implementation(StrEnum):
    """What is measured."""

    PRODUCT = "product"
    """The system as it is."""
    TUTORIAL = "tutorial"
    """The same paths written plainly, as a tutorial would."""
    HELLO = "hello"
    """A bare ASGI application on the same server program: the least that a request can cost there."""


DEPLOYED: Final = (Implementation.PRODUCT, Implementation.TUTORIAL)
"""The implementations that are whole deployments; the third is one process."""


class Quantity(StrEnum):
    """What is measured of a path; unit and meaning of each are in ``experiments.records.capacity.QUANTITIES``."""

    DURATION_S = "duration_s"
    REQUESTS = "requests"
    FAILED_REQUESTS = "failed_requests"
    REFUSED_REQUESTS = "refused_requests"
    THROUGHPUT_PER_S = "throughput_per_s"
    LATENCY_P50_MS = "latency_p50_ms"
    LATENCY_P99_MS = "latency_p99_ms"
    SERVER_CPU_US_PER_REQUEST = "server_cpu_us_per_request"
    SYSTEM_CPU_US_PER_REQUEST = "system_cpu_us_per_request"
    REPLICA_MEMORY_MIB = "replica_memory_mib"
    KEYS = "keys"
    SQL_STATEMENTS = "sql_statements"
    DECISIONS = "decisions"
    DECISIONS_PER_S = "decisions_per_s"
    WORKER_CPU_US_PER_DECISION = "worker_cpu_us_per_decision"
    SYSTEM_CPU_US_PER_DECISION = "system_cpu_us_per_decision"
    OVERBOOKED_COURSES = "overbooked_courses"
    OVERBOOKED_SEATS = "overbooked_seats"


COST_QUANTITIES: Final = frozenset({Quantity.SERVER_CPU_US_PER_REQUEST, Quantity.SYSTEM_CPU_US_PER_REQUEST, Quantity.REPLICA_MEMORY_MIB})
"""Of whatever serves many requests."""
LOAD_QUANTITIES: Final = COST_QUANTITIES | {
    Quantity.DURATION_S,
    Quantity.REQUESTS,
    Quantity.FAILED_REQUESTS,
    Quantity.REFUSED_REQUESTS,
    Quantity.THROUGHPUT_PER_S,
    Quantity.LATENCY_P50_MS,
    Quantity.LATENCY_P99_MS,
}
"""Of a closed loop of requests."""
SQL_QUANTITIES: Final = frozenset(
    {Quantity.DURATION_S, Quantity.REQUESTS, Quantity.FAILED_REQUESTS, Quantity.KEYS, Quantity.SQL_STATEMENTS}
)
"""Of reads that are counted at the database."""
DECISION_QUANTITIES: Final = frozenset(
    {
        Quantity.DECISIONS,
        Quantity.DECISIONS_PER_S,
        Quantity.WORKER_CPU_US_PER_DECISION,
        Quantity.SYSTEM_CPU_US_PER_DECISION,
        Quantity.OVERBOOKED_COURSES,
        Quantity.OVERBOOKED_SEATS,
    }
)
"""Of the workers' decisions on what was accepted."""


class _Path(Value):
    name: Name
    title: str = Field(min_length=1, description="as charts and tables call it")
    cache: bool = Field(default=True, description="whether the deployments have their cache while it is measured")
    implementations: tuple[Implementation, ...] = Field(DEPLOYED, min_length=1)


class ReadPath(_Path):
    """The same GET again and again over several connections, at one replica past the gateway."""

    kind: Literal["read"] = "read"
    target: str = Field(pattern=r"^/", description="path and query at the courses service; {id} stands for the most popular course")
    connections: int = Field(32, ge=1, le=1000)
    overload: bool = Field(default=False, description="refusals and failures are part of the result; without it they make it invalid")

    @property
    def quantities(self) -> frozenset[Quantity]:
        """What is measured of it."""
        return LOAD_QUANTITIES


class ColdKeyPath(_Path):
    """Simultaneous GETs of one course that no cache holds, spread over all replicas; several courses one after the other."""

    kind: Literal["cold_key"] = "cold_key"
    clients: int = Field(32, ge=2, le=1000)
    keys: int = Field(8, ge=1, le=1000, description="courses tried; SQL statements are those of the worst")

    @property
    def quantities(self) -> frozenset[Quantity]:
        """What is measured of it."""
        return SQL_QUANTITIES


class ZipfPath(_Path):
    """GETs of courses by their popularity, from an empty cache, spread over all replicas."""

    kind: Literal["zipf"] = "zipf"
    reads: int = Field(10_000, ge=1, le=1_000_000)
    clients: int = Field(32, ge=1, le=1000)

    @property
    def quantities(self) -> frozenset[Quantity]:
        """What is measured of it."""
        return SQL_QUANTITIES | COST_QUANTITIES


class RegistrationPath(_Path):
    """POST /enroll at one replica while the workers are paused, then the decisions of the workers about all that was accepted.

    Every request is a student's first for a course. Courses are filled some at a time, each by more students than it has seats, so that
    the workers' transactions meet at its last seat.
    """

    kind: Literal["registration"] = "registration"
    connections: int = Field(32, ge=1, le=1000)
    courses: int = Field(
        200, ge=1, le=10_000, description="courses created for one measurement; when all had their applicants, more follow"
    )
    seats: int = Field(20, ge=1, le=100_000, description="of each course")
    applicants: int = Field(30, ge=1, le=100_000, description="students that ask for a seat of a course before its time comes again")
    courses_at_once: int = Field(4, ge=1, le=10_000, description="courses that are being filled at the same time")
    decide_timeout_s: float = Field(60.0, gt=0, le=3600, description="time that the workers get for all decisions")

    @property
    def quantities(self) -> frozenset[Quantity]:
        """What is measured of it."""
        return LOAD_QUANTITIES | DECISION_QUANTITIES


AnyPath = Annotated[ReadPath | ColdKeyPath | ZipfPath | RegistrationPath, Field(discriminator="kind")]
"""One way through the system, measured once a round on each of its implementations."""


class Measured(Value):
    """One figure a round: a quantity of a path on an implementation."""

    path: Name
    implementation: Implementation
    quantity: Quantity


class Comparison(Value):
    """What is asked of a figure, alone or relative to another one of the same round: what it must reach, and what it aims at."""

    title: str = Field(min_length=1, description="what is compared")
    against: str = Field(min_length=1, description="with what, in words")
    subject: Measured
    reference: Measured | None = Field(None, description="what it is divided by; None: the figure itself is judged")
    direction: Literal["at_least", "at_most"]
    must: float
    aim: float

    @model_validator(mode="after")
    def _ordered(self) -> Self:
        if (self.aim < self.must) if self.direction == "at_least" else (self.aim > self.must):
            raise ValueError(f"comparison {self.title!r} aims at {self.aim:g}, which is less than the {self.must:g} that it must reach")
        return self

    def reaches(self, value: float, bound: float) -> bool:
        """Whether a value is on the good side of a bound."""
        return value >= bound if self.direction == "at_least" else value <= bound


class CapacityExperiment(BaseExperiment):
    """A whole capacity experiment: the paths, and what is asked of their figures.

    ``topology`` is that of each deployment, but for its implementation and its cache; a trial is a round, which measures every path once on
    each of its implementations.
    """

    kind: Literal["capacity"] = "capacity"
    paths: tuple[AnyPath, ...] = Field(min_length=1)
    comparisons: tuple[Comparison, ...] = ()
    warm_up_s: float = Field(0.5, ge=0, le=60, description="the same load before each measurement, not recorded")
    measure_s: float = Field(2.0, gt=0, le=600, description="time that the load of one measurement lasts")

    @property
    def implementations(self) -> frozenset[Implementation]:
        """Everything that some path is measured on."""
        return frozenset(side for path in self.paths for side in path.implementations)

    @property
    def varied(self) -> dict[str, str]:
        """Who sets each factor that this experiment varies, by the factor's path."""
        return dict.fromkeys(("software.implementation", "cache.enabled"), "the experiment itself")

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        names = [path.name for path in self.paths]
        if len(set(names)) != len(names):
            raise ValueError(f"paths need names of their own, got {', '.join(names)}")
        if self.implementations.isdisjoint(DEPLOYED):
            raise ValueError(f"no path is measured on {' or '.join(DEPLOYED)}, so nothing would be deployed")
        for path in self.paths:
            self._check_path(path)
        for comparison in self.comparisons:
            for measured in (comparison.subject, comparison.reference):
                if measured is not None:
                    self._check_measured(comparison, measured)
        return self

    def _check_path(self, path: AnyPath) -> None:
        if len(set(path.implementations)) != len(path.implementations):
            raise ValueError(f"path {path.name}: an implementation is named twice")
        if Implementation.HELLO in path.implementations and not (
            isinstance(path, ReadPath) and path.implementations == (Implementation.HELLO,)
        ):
            raise ValueError(
                f"path {path.name}: {Implementation.HELLO} is a process that answers one thing; give it a read path of its own"
            )
        if isinstance(path, ColdKeyPath) and path.keys > self.dataset.courses:
            raise ValueError(f"path {path.name}: needs {path.keys} courses and the dataset has {self.dataset.courses}")
        if isinstance(path, RegistrationPath) and path.applicants > self.dataset.students:
            raise ValueError(f"path {path.name}: needs {path.applicants} students and the dataset has {self.dataset.students}")

    def _check_measured(self, comparison: Comparison, measured: Measured) -> None:
        path = next((path for path in self.paths if path.name == measured.path), None)
        if path is None:
            known = ", ".join(path.name for path in self.paths)
            raise ValueError(f"comparison {comparison.title!r} names the path {measured.path!r}; there are {known}")
        if measured.implementation not in path.implementations:
            raise ValueError(f"comparison {comparison.title!r}: {path.name} is not measured on {measured.implementation}")
        if measured.quantity not in path.quantities:
            raise ValueError(f"comparison {comparison.title!r}: {measured.quantity} is not measured of {path.name}")

    def path(self, name: str) -> AnyPath:
        """The path of that name.

        Raises:
            KeyError: there is none.
        """
        for path in self.paths:
            if path.name == name:
                return path
        raise KeyError(name)

    def topology_of(self, implementation: Implementation, *, cache: bool) -> Topology:
        """What an implementation is deployed as; the tutorial on free ports, for the product has those that were asked for."""
        free = {} if implementation is Implementation.PRODUCT else dict.fromkeys(("gateway.port", "broker.management_port"), ANY_FREE_PORT)
        return self.topology.override({"software.implementation": implementation.value, "cache.enabled": cache, **free})
