"""An open-loop experiment: treatments of one deployment under a scheduled load, with faults, phases and claims."""

from __future__ import annotations

from enum import StrEnum
from typing import Literal, Self

from pydantic import Field, model_validator

from experiments.definition.arrivals import Arrivals, Mix, Operation, Rate
from experiments.definition.base import BaseExperiment, Name, Scalar, Value, ZipfExponent, factor_path
from experiments.definition.chance import Chance
from experiments.definition.claims import Claim
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
    rate_per_s: Rate | None = Field(None, description="offered load of this treatment; None: that of the experiment")
    zipf_exponent: ZipfExponent | None = Field(None, description="popularity under this treatment; None: that of the experiment's dataset")
    delay_us: float = Field(
        0.0,
        ge=0,
        le=1_000_000,
        description="a planted slowdown of known size: the links from the gateway to the services hold every answer back so long, µs",
    )

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
    cache_start: Literal["empty", "steady"] = Field(
        "empty",
        description="what each trial's cache begins with: nothing, or what it holds once every entry has lived a time to live at this "
        "treatment's rate, filled in before the load",
    )
    recovery_band: float = Field(
        1.5,
        gt=1,
        le=10,
        allow_inf_nan=False,
        description="clients are served as before while median and tail of the response time are within this factor of the control trial's",
    )
    bring_ups: int = Field(1, ge=1, le=1000, description="fresh deployments over which the blocks are spread")
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
            if treatment.delay_us and not self.topology_of(treatment).links.enabled:
                raise ValueError(f"treatment {treatment.name} has a delay and its links are off; set links=on in the topology")
        self._check_load()
        if self.bring_ups > self.trials:
            raise ValueError(
                f"bring_ups are {self.bring_ups} and there are {self.trials} blocks to spread over them; lower bring_ups or raise trials"
            )
        for claim in self.claims:
            for name in claim.treatments:
                if name not in names:
                    raise ValueError(f"claim {claim.statement!r} names the treatment {name!r}; there are {', '.join(names)}")
            if claim.treatments.count(claim.treatments[0]) > 1:
                raise ValueError(f"claim {claim.statement!r} compares {claim.treatments[0]} with itself, which is always 1")
        return self

    def _check_load(self) -> None:
        arrivals, load_s = self.arrivals, self.phases.total_s
        if self.cache_start == "steady" and (arrivals.ramp is not None or arrivals.spike is not None):
            raise ValueError("cache_start is steady and the rate changes, which has no steady state; leave ramp and spike out")
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

    def arrivals_of(self, treatment: Treatment) -> Arrivals:
        """The arrivals under a treatment, which may have a rate of its own."""
        return self.arrivals if treatment.rate_per_s is None else self.arrivals.model_copy(update={"rate_per_s": treatment.rate_per_s})

    def zipf_exponent_of(self, treatment: Treatment) -> float:
        """The popularity under a treatment, which may have one of its own."""
        return self.dataset.zipf_exponent if treatment.zipf_exponent is None else treatment.zipf_exponent

    def staleness_bound_of(self, treatment: Treatment) -> float:
        """How long after an acknowledged write an older version may still be read under a treatment, s."""
        return self.topology_of(treatment).cache.ttl_s if self.staleness_bound_s is None else self.staleness_bound_s

    def topology_of(self, treatment: Treatment) -> Topology:
        """The topology that a treatment is measured on.

        Raises:
            FactorError: the treatment changes a factor that does not exist or can't take the value.
        """
        return self.topology.override(treatment.factors)
