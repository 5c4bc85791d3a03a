"""Claims over all requests of all trials together: a share, by its interval over trials."""

from __future__ import annotations

from dataclasses import dataclass

from experiments.definition import TRIALS_FOR_A_VERDICT, BoundClaim, Metric, Objective
from reports.analysis.estimates import TAIL, Unmeasured
from reports.analysis.pooled import Counts, PooledShare, pooled_share
from reports.analysis.summary import Summary
from reports.verdicts.finding import Finding, Pooled, Tested, too_few

SERVED_SHARES = frozenset({Metric.AVAILABILITY, Metric.OBJECTIVE_MET})
"""Metrics that count what was not lost."""


@dataclass(frozen=True)
class _Scale:
    """How a metric is made from the share of requests that were lost: ``start + slope * share``."""

    start: float
    slope: float

    @classmethod
    def of(cls, metric: Metric, objective: Objective) -> _Scale:
        if metric in SERVED_SHARES:
            return cls(1.0, -1.0)
        return cls(0.0, 1 / (1 - objective.availability) if metric is Metric.ERROR_BUDGET_SPENT else 1.0)

    def value(self, share: float) -> float:
        return self.start + self.slope * share

    def share(self, value: float) -> float:
        return (value - self.start) / self.slope


def judge_pooled(claim: BoundClaim, summary: Summary, objective: Objective) -> Finding:
    """The share over all valid trials of the treatment, and its test against the claimed bounds."""
    trial_ids = summary.trial_ids[claim.treatment]
    losses = [summary.losses[trial_id][claim.metric] for trial_id in trial_ids]
    unmeasured = next((one for one in losses if isinstance(one, Unmeasured)), None)
    counts = [one for one in losses if isinstance(one, Counts)]
    scale = _Scale.of(claim.metric, objective)
    least, most = lost_bounds(claim, objective)
    share = pooled_share(counts, (least or 0.0) if most is None else most)
    if unmeasured is not None or share is None:
        reason = unmeasured or Unmeasured("no valid trial")
        return Finding(reason, len(trial_ids), None, reason.reason)
    ends = sorted(scale.value(end) for end in (share.low(TAIL), share.high(TAIL)))
    figure = Pooled(scale.value(share.value), ends[0], ends[1], share)
    if share.trials < TRIALS_FOR_A_VERDICT:
        return Finding(figure, share.trials, None, too_few(share.trials))
    return Finding(figure, share.trials, tested_share(share, least, most))


def lost_bounds(claim: BoundClaim, objective: Objective) -> tuple[float | None, float | None]:
    """The claimed bounds as the least and the most that may be lost, as a share of the requests."""
    scale = _Scale.of(claim.metric, objective)
    least, most = (None if bound is None else scale.share(bound) for bound in (claim.at_least, claim.at_most))
    return (most, least) if scale.slope < 0 else (least, most)


def metric_per_share(metric: Metric, objective: Objective) -> float:
    """How far the metric moves, in its own unit, where the share of lost requests moves from 0 to 1."""
    return abs(_Scale.of(metric, objective).slope)


def tested_share(share: PooledShare, least: float | None, most: float | None) -> Tested:
    """The test of a share against the least and the most that it is claimed to be."""
    confirms = [share.p_at_most(most)] if most is not None else []
    refutes = [share.p_at_least(most)] if most is not None else []
    if least is not None:
        confirms.append(share.p_at_least(least))
        refutes.append(share.p_at_most(least))
    return Tested(min(1.0, 2 * max(confirms)), min(1.0, 2 * min(refutes)))
