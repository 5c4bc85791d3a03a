"""An open-loop experiment: treatments of one deployment under a scheduled load, with faults, phases and claims."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from experiments.definition.arrivals import Arrivals, Mix, Operation
from experiments.definition.base import BaseExperiment, Name, Scalar, Value, factor_path
from experiments.definition.chance import Chance
from experiments.definition.fault_plan import check_faults
from experiments.definition.faults import AnyFault, LinkFault
from infra.errors import FactorError
from infra.topology import Topology

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


class Treatment(Value):
    """One level of what is varied: some factors changed, some faults planned."""

    name: Name
    title: str = Field(min_length=1, description="as charts and tables call it")
    factors: dict[str, Scalar] = Field(default_factory=dict, description="changes to the experiment's topology, by factor path")
    faults: tuple[AnyFault, ...] = ()
    chance: Chance | None = Field(None, description="faults are drawn from each trial's seed, instead of planned ones")

    @property
    def breaks(self) -> bool:
        """Whether anything is to be broken."""
        return bool(self.faults) or self.chance is not None

    @property
    def plan(self) -> str:
        """What is to be broken, in words; empty where nothing is."""
        if self.chance is not None:
            return f"{self.chance.per_minute:g} a minute by chance, of {len(self.chance.kinds)} kinds"
        return ", ".join(f"{fault.title} {fault.when}" for fault in self.faults)

    @model_validator(mode="after")
    def _either(self) -> Self:
        if self.faults and self.chance is not None:
            raise ValueError(f"treatment {self.name} has both faults and a chance of faults; leave one out")
        return self


class Objective(Value):
    """What the service promises its clients (a service level objective): so many of their requests are answered right and in time."""

    availability: float = Field(0.999, gt=0, lt=1, description="share of requests that are to be served")
    response_ms: float = Field(
        1000.0, gt=0, description="a request is served if its right answer is there within this, counted from when it was due"
    )


class Metric(StrEnum):
    """What claims speak of; one number a trial, computed in reports over the measure phase or over the fault and what comes after it."""

    SQL_PER_10K_READS = "sql_per_10k_reads"
    RESPONSE_P50_MS = "response_p50_ms"
    RESPONSE_P95_MS = "response_p95_ms"
    RESPONSE_P99_MS = "response_p99_ms"
    THROUGHPUT_PER_S = "throughput_per_s"
    AVAILABILITY = "availability"
    FAILED_REQUESTS = "failed_requests"
    TIME_TO_RECOVER_S = "time_to_recover_s"
    CPU_MS_PER_REQUEST = "cpu_ms_per_request"
    SLOWEST_RESPONSE_MS = "slowest_response_ms"
    """A failed request is slower than any answer."""
    OBJECTIVE_MET = "objective_met"
    """Share of requests that were served as :class:`Objective` has it."""
    ERROR_BUDGET_SPENT = "error_budget_spent"
    """Share of the failures that the objective allows; above 1 it was missed."""
    LOST_SERVICE_S = "lost_service_s"
    FAILED_DURING_FAULT = "failed_during_fault"
    """Share of the requests that were due from the first injection until everything was ready again."""
    TAIL_RATIO = "tail_ratio"
    """The tail of the response time from injection to ready, against the same seconds of the block's trial without a fault."""
    TIME_TO_FIRST_FAILURE_S = "time_to_first_failure_s"
    """Infinite where no request failed."""
    TIME_TO_DETECT_S = "time_to_detect_s"
    TIME_TO_MITIGATE_S = "time_to_mitigate_s"
    RECOVERY_AFTER_HEAL_S = "recovery_after_heal_s"
    """Counted from the moment at which the last heal was begun: a server's own start is part of it."""
    RECOVERY_AFTER_READY_S = "recovery_after_ready_s"
    """Counted from the moment at which the last target was seen in good health again."""
    BACKLOG_PEAK = "backlog_peak"
    DRAIN_AFTER_READY_S = "drain_after_ready_s"
    DECIDED_AFTER_HEAL_S = "decided_after_heal_s"
    """Until every accepted request of the trial was decided, at most; those that came after the heal too."""


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
    mix: Mix
    arrivals: Arrivals = Arrivals()
    phases: Phases = Phases()
    resends: int = Field(
        0,
        ge=0,
        le=10,
        description="times that a student sends an enrolment again, with the same Idempotency-Key, while its fate is unknown",
    )
    objective: Objective = Objective()
    staleness_bound_s: float | None = Field(
        None,
        ge=0,
        description="the oldest that a cached answer may be after a newer version's write was acknowledged; None: the cache's time to live",
    )
    hot_courses: int | None = Field(
        None,
        ge=1,
        description="enrolments, in a spike if there is one, are for so few courses, which are others in each trial; None: by popularity",
    )
    decision_bound_s: float | None = Field(
        None,
        ge=0,
        description="the longest that an accepted request may be undecided after the load is over and all faults are healed, for which "
        "SPIRELAB_SETTLE_TIMEOUT_S must be long enough; None: no bound, and no verdict on what is still under way when that is over",
    )
    claims: tuple[Claim, ...] = ()

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
        self._check_load()
        for claim in self.claims:
            used = (claim.numerator, claim.denominator) if isinstance(claim, RatioClaim) else (claim.treatment,)
            for name in used:
                if name not in names:
                    raise ValueError(f"claim {claim.statement!r} names the treatment {name!r}; there are {', '.join(names)}")
            if claim.at_least is None and claim.at_most is None:
                raise ValueError(f"claim {claim.statement!r} needs at_least or at_most, or nothing could refute it")
        return self

    def _check_load(self) -> None:
        arrivals, load_s = self.arrivals, self.phases.total_s
        if arrivals.ramp is not None and arrivals.ramp.duration_s > load_s:
            raise ValueError(f"the ramp lasts {arrivals.ramp.duration_s:g} s and the load {load_s:g} s; make it shorter or a phase longer")
        if arrivals.spike is not None and arrivals.spike.end_s > load_s:
            raise ValueError(
                f"the spike ends at {arrivals.spike.end_s:g} s and the load at {load_s:g} s; make it shorter or a phase longer"
            )
        if self.hot_courses is not None and self.hot_courses > self.dataset.courses:
            raise ValueError(f"hot_courses are {self.hot_courses} of {self.dataset.courses}; raise dataset.courses or lower them")

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
    def is_by_chance(self) -> bool:
        """Whether some faults are drawn from the trial's seed."""
        return any(treatment.chance is not None for treatment in self.treatments)

    @property
    def mixes(self) -> tuple[dict[Operation, float], ...]:
        """The mix, and that of the spike where it has one of its own."""
        spike = self.arrivals.spike
        return (self.mix,) if spike is None or spike.mix is None else (self.mix, spike.mix)

    @property
    def operations(self) -> frozenset[Operation]:
        """Everything that is sent."""
        return frozenset(operation for mix in self.mixes for operation, weight in mix.items() if weight)

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
