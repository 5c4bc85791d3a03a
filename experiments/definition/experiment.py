"""An open-loop experiment: treatments of one deployment under a scheduled load, with faults, phases and claims."""

from __future__ import annotations

import math
from enum import StrEnum
from typing import Annotated, Literal, Self

from pydantic import Field, field_validator, model_validator

from experiments.definition.base import BaseExperiment, Name, Scalar, Value, factor_path
from experiments.definition.fault_plan import check_faults
from experiments.definition.faults import AnyFault, LinkFault
from infra.errors import FactorError
from infra.topology import Topology


class Operation(StrEnum):
    """The kinds of request that a workload is mixed from."""

    READ_COURSE = "read_course"
    LIST_COURSES = "list_courses"
    READ_STUDENT = "read_student"
    ENROLL = "enroll"
    READ_ENROLLMENT = "read_enrollment"
    DROP = "drop"
    READ_SEATS = "read_seats"
    UPDATE_CAPACITY = "update_capacity"
    UPDATE_STUDENT = "update_student"
    REUSE_KEY = "reuse_key"
    """An enrolment whose Idempotency-Key is then sent again: with another body, which must be refused, and with its own."""


READS = frozenset({Operation.READ_COURSE, Operation.LIST_COURSES, Operation.READ_STUDENT})
"""The operations on the cached read paths; the denominator of everything "per read"."""
WRITES = frozenset({Operation.ENROLL, Operation.DROP, Operation.UPDATE_CAPACITY, Operation.UPDATE_STUDENT, Operation.REUSE_KEY})
"""The operations that change the data; what became of one that got no answer is unknown."""


class Phase(StrEnum):
    """The part of a trial that a sample belongs to; warm-up is labelled and kept, and left out of measures."""

    WARM_UP = "warm_up"
    MEASURE = "measure"
    COOL_DOWN = "cool_down"


class Phases(Value):
    """How long each part of a trial's load lasts, s."""

    warm_up_s: float = Field(3.0, ge=0, le=3600)
    measure_s: float = Field(8.0, gt=0, le=86_400)
    cool_down_s: float = Field(0.0, ge=0, le=3600)

    @property
    def total_s(self) -> float:
        """The whole load of one trial, s."""
        return self.warm_up_s + self.measure_s + self.cool_down_s


class Arrivals(Value):
    """When requests are sent: an open loop, from the seed, whether or not earlier ones were answered."""

    process: Literal["constant", "poisson"] = "poisson"
    rate_per_s: float = Field(200.0, gt=0, le=20_000, description="offered load over all operations")


class Treatment(Value):
    """One level of what is varied: some factors changed, some faults planned."""

    name: Name
    title: str = Field(min_length=1, description="as charts and tables call it")
    factors: dict[str, Scalar] = Field(default_factory=dict, description="changes to the experiment's topology, by factor path")
    faults: tuple[AnyFault, ...] = ()


class Metric(StrEnum):
    """What claims speak of; one number a trial, computed in reports over the measure phase."""

    SQL_PER_10K_READS = "sql_per_10k_reads"
    RESPONSE_P50_MS = "response_p50_ms"
    RESPONSE_P95_MS = "response_p95_ms"
    RESPONSE_P99_MS = "response_p99_ms"
    THROUGHPUT_PER_S = "throughput_per_s"
    AVAILABILITY = "availability"
    FAILED_REQUESTS = "failed_requests"
    TIME_TO_RECOVER_S = "time_to_recover_s"
    CPU_MS_PER_REQUEST = "cpu_ms_per_request"


class RatioClaim(Value):
    """A statement on how many times larger a metric is under one treatment than under another."""

    kind: Literal["ratio"] = "ratio"
    statement: str = Field(min_length=1)
    metric: Metric
    numerator: str
    """Name of the treatment above the line."""
    denominator: str
    """Name of the treatment below the line."""
    at_least: float | None = None
    at_most: float | None = None


class BoundClaim(Value):
    """A statement on the value of a metric under one treatment."""

    kind: Literal["bound"] = "bound"
    statement: str = Field(min_length=1)
    metric: Metric
    treatment: str
    at_least: float | None = None
    at_most: float | None = None


Claim = Annotated[RatioClaim | BoundClaim, Field(discriminator="kind")]


class Experiment(BaseExperiment):
    """A whole open-loop experiment: what is asked, of what, under which load, in which treatments."""

    treatments: tuple[Treatment, ...] = Field(min_length=1)
    mix: dict[Operation, float] = Field(description="relative weight of each operation")
    arrivals: Arrivals = Arrivals()
    phases: Phases = Phases()
    resends: int = Field(
        0,
        ge=0,
        le=10,
        description="times that a student sends an enrolment again, with the same Idempotency-Key, while its fate is unknown",
    )
    staleness_bound_s: float | None = Field(
        None,
        ge=0,
        description="the oldest that a cached answer may be after a newer version's write was acknowledged; None: the cache's time to live",
    )
    decision_bound_s: float | None = Field(
        None,
        ge=0,
        description="the longest that an accepted request may be undecided after the load is over and all faults are healed, for which "
        "SPIRELAB_SETTLE_TIMEOUT_S must be long enough; None: no bound, and no verdict on what is still under way when that is over",
    )
    claims: tuple[Claim, ...] = ()

    @field_validator("mix")
    @classmethod
    def _weights(cls, mix: dict[Operation, float]) -> dict[Operation, float]:
        if any(not math.isfinite(weight) or weight < 0 for weight in mix.values()) or sum(mix.values()) <= 0:
            raise ValueError("needs weights of 0 or more, at least one of them above 0")
        return mix

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        names = [treatment.name for treatment in self.treatments]
        if len(set(names)) != len(names):
            raise ValueError(f"treatments need names of their own, got {', '.join(names)}")
        for treatment in self.treatments:
            try:
                self.topology_of(treatment)
            except FactorError as error:
                raise ValueError(f"treatment {treatment.name}: {error}") from None
            self._check_faults(treatment)
        for claim in self.claims:
            used = (claim.numerator, claim.denominator) if isinstance(claim, RatioClaim) else (claim.treatment,)
            for name in used:
                if name not in names:
                    raise ValueError(f"claim {claim.statement!r} names the treatment {name!r}; there are {', '.join(names)}")
            if claim.at_least is None and claim.at_most is None:
                raise ValueError(f"claim {claim.statement!r} needs at_least or at_most, or nothing could refute it")
        return self

    def _check_faults(self, treatment: Treatment) -> None:
        try:
            check_faults(treatment.faults, self.topology_of(treatment), self.phases.total_s)
        except ValueError as error:
            raise ValueError(f"treatment {treatment.name}: {error}") from None
        if any(isinstance(fault, LinkFault) for fault in treatment.faults):
            for other in self.treatments:
                if not self.topology_of(other).links.enabled:
                    raise ValueError(
                        f"treatment {other.name}: links are off, and {treatment.name} has faults on them; every treatment needs them"
                    )

    def treatment(self, name: str) -> Treatment:
        """The treatment of that name.

        Raises:
            KeyError: there is none.
        """
        for treatment in self.treatments:
            if treatment.name == name:
                return treatment
        raise KeyError(name)

    @property
    def varied(self) -> dict[str, str]:
        """Who sets each factor that this experiment varies, by the factor's path."""
        return {factor_path(factor): f"treatment {treatment.name}" for treatment in self.treatments for factor in treatment.factors}

    def staleness_bound_of(self, treatment: Treatment) -> float:
        """How long after an acknowledged write an older version may still be read under a treatment, s."""
        return self.topology_of(treatment).cache.ttl_s if self.staleness_bound_s is None else self.staleness_bound_s

    def topology_of(self, treatment: Treatment) -> Topology:
        """The topology that a treatment is measured on.

        Raises:
            FactorError: the treatment changes a factor that does not exist or can't take the value.
        """
        return self.topology.override(treatment.factors)
