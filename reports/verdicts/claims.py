"""Each claim of an experiment against what was measured, in three values."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from experiments.definition import TRIALS_FOR_A_VERDICT, BoundClaim, Claim, CurveClaim, Experiment
from reports.analysis.effects import ratio
from reports.analysis.estimates import Estimate, Unmeasured
from reports.analysis.summary import Summary


class Outcome(StrEnum):
    """What the measurement says of a claim."""

    CONFIRMED = "confirmed"
    """The whole interval lies within the claimed bounds."""
    REFUTED = "refuted"
    """The whole interval lies outside of them."""
    INCONCLUSIVE = "inconclusive"
    """The interval reaches across a bound, or there is no interval."""


@dataclass(frozen=True)
class ClaimVerdict:
    """A claim, what was measured and what follows."""

    claim: Claim
    outcome: Outcome
    measured: Estimate | Unmeasured
    trials: int
    """Valid trials of each treatment that it rests on, the fewest; for a ratio the blocks that are complete."""
    reason: str

    @property
    def is_indicative(self) -> bool:
        """Too few trials for a verdict: it may be read as a hint only."""
        return self.trials < TRIALS_FOR_A_VERDICT


def judge_claims(experiment: Experiment, summary: Summary) -> tuple[ClaimVerdict, ...]:
    """Every claim of the experiment, in its order."""
    return tuple(_judge(claim, summary) for claim in experiment.claims)


def _judge(claim: Claim, summary: Summary) -> ClaimVerdict:
    measured = _measured(claim, summary)
    if isinstance(measured, Unmeasured):
        return ClaimVerdict(claim, Outcome.INCONCLUSIVE, measured, _trials(claim, summary), measured.reason)
    outcome, reason = judge(measured, claim.at_least, claim.at_most)
    return ClaimVerdict(claim, outcome, measured, measured.trials, reason)


def judge(measured: Estimate, at_least: float | None, at_most: float | None) -> tuple[Outcome, str]:
    """The outcome by the place of the interval, and why."""
    if measured.trials == 1:
        return Outcome.INCONCLUSIVE, "one trial has no interval"
    if (at_least is not None and measured.high < at_least) or (at_most is not None and measured.low > at_most):
        return Outcome.REFUTED, "the whole interval lies outside the claimed bounds"
    if (at_least is None or measured.low >= at_least) and (at_most is None or measured.high <= at_most):
        return Outcome.CONFIRMED, "the whole interval lies within the claimed bounds"
    return Outcome.INCONCLUSIVE, "the interval reaches across a claimed bound"


def _measured(claim: Claim, summary: Summary) -> Estimate | Unmeasured:
    if isinstance(claim, CurveClaim):
        return Unmeasured("curves are not judged yet")
    if isinstance(claim, BoundClaim):
        return summary.by_treatment[claim.treatment][claim.metric]
    for name in (claim.numerator, claim.denominator):
        value = summary.by_treatment[name][claim.metric]
        if isinstance(value, Unmeasured):
            return Unmeasured(f"{name}: {value.reason}")
    return ratio(summary.blocks[claim.numerator][claim.metric], summary.blocks[claim.denominator][claim.metric])


def _trials(claim: Claim, summary: Summary) -> int:
    return min(summary.valid_trials[name] for name in claim.treatments)
