"""What an experiment claims: the metrics, what a claim is over, and the statements that a run confirms or refutes."""

from __future__ import annotations

import math
from collections.abc import Mapping
from enum import StrEnum
from typing import Annotated, Final, Literal, Self

from pydantic import Field, model_validator

from experiments.definition.base import Value


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
    TAIL_AFTER_RATIO = "tail_after_ratio"
    """The tail of the response time once the system was ready again, against the same seconds of the block's trial without a fault."""


class Over(StrEnum):
    """What a claim is over: which of its trials have to agree with it."""

    EVERY_TRIAL = "every_trial"
    """Each single trial: one valid counterexample refutes the claim, and only their absence confirms it."""
    POOLED = "pooled"
    """All requests of all trials together: a ratio of sums, whose interval takes each trial as a cluster."""
    TYPICAL = "typical"
    """The typical trial or block: the median over trials, or the typical ratio within blocks."""


POOLABLE: Final = frozenset({Metric.AVAILABILITY, Metric.OBJECTIVE_MET, Metric.ERROR_BUDGET_SPENT, Metric.FAILED_DURING_FAULT})
"""Metrics that are a share of requests, which can be added up over trials."""
DEFAULT_OVER: Final[Mapping[Metric, Over]] = dict.fromkeys(POOLABLE, Over.POOLED) | dict.fromkeys(
    (Metric.FAILED_REQUESTS, Metric.SLOWEST_RESPONSE_MS, Metric.BACKLOG_PEAK), Over.EVERY_TRIAL
)
"""Counts and maxima are meant of every trial, shares of all requests; every other metric is meant of the typical trial."""


class _Bounds(Value):
    """What the metric, or the ratio, is claimed to lie within."""

    at_least: float | None = Field(None, allow_inf_nan=False)
    at_most: float | None = Field(None, allow_inf_nan=False)

    @model_validator(mode="after")
    def _refutable(self) -> Self:
        if self.at_least is None and self.at_most is None:
            raise ValueError("needs at_least or at_most, or nothing could refute it")
        if (self.at_least if self.at_least is not None else -math.inf) > (self.at_most if self.at_most is not None else math.inf):
            raise ValueError(f"at_least is {self.at_least:g} and at_most {self.at_most:g}, so nothing could confirm it; swap them")
        return self


class RatioClaim(_Bounds):
    """A statement on how many times larger a metric is under one treatment than under another, in the typical block."""

    kind: Literal["ratio"] = "ratio"
    statement: str = Field(min_length=1)
    metric: Metric
    numerator: str
    """Name of the treatment above the line."""
    denominator: str
    """Name of the treatment below the line."""

    @property
    def treatments(self) -> tuple[str, ...]:
        """The treatments that it speaks of."""
        return self.numerator, self.denominator


class CurveClaim(_Bounds):
    """A ratio claim at several operating points; the verdict says at which of them it holds.

    The points are treatments that differ in their load or in one factor, each below the line of the same numerator.
    """

    kind: Literal["curve"] = "curve"
    statement: str = Field(min_length=1)
    metric: Metric
    numerator: str
    """Name of the treatment above the line."""
    points: tuple[str, ...] = Field(min_length=2)
    """Names of the treatments below the line, in the order of the curve."""

    @property
    def treatments(self) -> tuple[str, ...]:
        """The treatments that it speaks of."""
        return self.numerator, *self.points


class BoundClaim(_Bounds):
    """A statement on the value of a metric under one treatment."""

    kind: Literal["bound"] = "bound"
    statement: str = Field(min_length=1)
    metric: Metric
    treatment: str
    over: Over | None = Field(None, description="what it is over; None: what DEFAULT_OVER says of the metric")

    @property
    def is_over(self) -> Over:
        """What it is over."""
        return self.over or DEFAULT_OVER.get(self.metric, Over.TYPICAL)

    @property
    def treatments(self) -> tuple[str, ...]:
        """The treatments that it speaks of."""
        return (self.treatment,)

    @model_validator(mode="after")
    def _poolable(self) -> Self:
        if self.over is Over.POOLED and self.metric not in POOLABLE:
            raise ValueError(f"{self.metric} is no share of requests, so it can't be pooled; leave over out, or take typical")
        return self


Claim = Annotated[RatioClaim | CurveClaim | BoundClaim, Field(discriminator="kind")]
