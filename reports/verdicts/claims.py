"""Each claim of an experiment against what was measured, and all of a run together.

Claims over every trial are statements about what was seen in them. All others (typical values, ratios, the points of curves, pooled
shares) are tested, and the tests of one run are one family: a verdict stands if its p-value, adjusted by Holm's procedure, is at most 5 %.
The p-value of a claim is the smallest level at which its interval would give a verdict, so that the level is that of the two-sided 95 %
interval. A claim that is alone in its family is judged by its interval as it is printed, which with five trials has 93.75 %.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from experiments.definition import BoundClaim, Claim, CurveClaim, Experiment, Over, RatioClaim
from reports.analysis.estimates import Estimate, Unmeasured
from reports.analysis.families import holm
from reports.analysis.power import LEVEL, trials_to_reach
from reports.analysis.summary import Summary
from reports.verdicts.effort import level_of, location_effort, pooled_effort
from reports.verdicts.every_trial import judge_every_trial
from reports.verdicts.finding import Effort, Figure, Finding, Outcome, Pooled
from reports.verdicts.pooled import judge_pooled, lost_bounds, metric_per_share
from reports.verdicts.typical import judge_ratio, judge_typical
from reports.verdicts.vetoes import veto


@dataclass(frozen=True)
class PointVerdict:
    """One point of a curve."""

    treatment: str
    """Below the line."""
    outcome: Outcome
    measured: Figure
    trials: int
    reason: str
    effort: Effort | None
    """As of a claim."""


@dataclass(frozen=True)
class ClaimVerdict:
    """A claim, what was measured and what follows."""

    claim: Claim
    over: Over
    outcome: Outcome
    measured: Figure | None
    """None for a curve, whose points have theirs."""
    trials: int
    """Valid trials of each treatment that it rests on, the fewest; for a ratio the blocks that are complete."""
    reason: str
    family: int = 0
    """Tests of the run that it is corrected for, itself included; 0 for a claim over every trial, which is no test."""
    p_value: float | None = None
    """Adjusted for the family; None where nothing was tested, and for a curve."""
    effort: Effort | None = None
    """What it would take; of a curve at the point that takes most. None where there is a verdict, and where more trials are not what is
    missing."""
    points: tuple[PointVerdict, ...] = ()
    """Of a curve, in its order."""


EACH_POINT = "each point is judged by itself, by its whole interval and after the correction for all tested claims"
Key = tuple[int, int]
"""A test by the place of its claim and, for a curve, of its point."""


def judge_claims(
    experiment: Experiment, summary: Summary, *, not_steady: Mapping[str, str] | None = None, minutes_per_block: float | None = None
) -> tuple[ClaimVerdict, ...]:
    """Every claim of the experiment, in its order.

    Args:
        experiment: What was asked.
        summary: What was measured.
        not_steady: Why a treatment has no steady state, by its name; treatments that have one are left out.
        minutes_per_block: How long one trial of each treatment took, for the effort of another run; None: unknown.
    """
    findings = {
        (place, point): finding
        for place, claim in enumerate(experiment.claims)
        for point, finding in enumerate(_findings(claim, experiment, summary, not_steady or {}))
    }
    adjusted = holm({key: finding.tested.p_value if finding.tested else 1.0 for key, finding in findings.items()})
    family = _Family(experiment, findings, adjusted, minutes_per_block)
    return tuple(family.verdict(place, claim, summary) for place, claim in enumerate(experiment.claims))


def _findings(claim: Claim, experiment: Experiment, summary: Summary, not_steady: Mapping[str, str]) -> Sequence[Finding]:
    def vetoed(finding: Finding, *treatments: str) -> Finding:
        if finding.tested is None:
            return finding
        titles = {name: experiment.treatment(name).title for name in treatments}
        reason = veto(claim.metric, titles, not_steady, summary.generator_parts)
        return replace(finding, tested=None, reason=reason, sample=None) if reason else finding

    if isinstance(claim, BoundClaim):
        if claim.is_over is Over.EVERY_TRIAL:
            return ()
        if claim.is_over is Over.POOLED:
            return (judge_pooled(claim, summary, experiment.objective),)
        return (vetoed(judge_typical(claim, summary), claim.treatment),)
    below = (claim.denominator,) if isinstance(claim, RatioClaim) else claim.points
    return [
        vetoed(judge_ratio(claim.metric, claim.numerator, name, claim.at_least, claim.at_most, summary), claim.numerator, name)
        for name in below
    ]


@dataclass(frozen=True)
class _Family:
    """The tests of one run, each with its p-value adjusted for all of them."""

    experiment: Experiment
    findings: Mapping[Key, Finding]
    adjusted: Mapping[Key, float]
    minutes_per_block: float | None

    def verdict(self, place: int, claim: Claim, summary: Summary) -> ClaimVerdict:
        if isinstance(claim, CurveClaim):
            return self._curve(place, claim)
        if isinstance(claim, BoundClaim) and claim.is_over is Over.EVERY_TRIAL:
            outcome, found, reason = judge_every_trial(claim, summary)
            trials = summary.valid_trials[claim.treatment] if isinstance(found, Unmeasured) else found.trials
            return ClaimVerdict(claim, Over.EVERY_TRIAL, outcome, found, trials, found.reason if isinstance(found, Unmeasured) else reason)
        finding = self.findings[place, 0]
        outcome, reason = self._outcome((place, 0))
        return ClaimVerdict(
            claim,
            claim.is_over if isinstance(claim, BoundClaim) else Over.TYPICAL,
            outcome,
            finding.figure,
            finding.trials,
            reason,
            family=len(self.findings),
            p_value=self.adjusted[place, 0] if finding.tested else None,
            effort=self._effort(claim, finding) if outcome is Outcome.INCONCLUSIVE else None,
        )

    def _outcome(self, key: Key) -> tuple[Outcome, str]:
        finding, claims = self.findings[key], len(self.findings)
        tested = finding.tested
        if tested is None:
            return Outcome.INCONCLUSIVE, finding.reason
        if tested.p_value > tested.interval_level:
            return Outcome.INCONCLUSIVE, "the interval reaches across a claimed bound" + _unseen(finding)
        place = "within" if tested.outcome is Outcome.CONFIRMED else "outside"
        lies = f"the whole interval lies {place} the claimed bounds"
        if claims == 1:
            return tested.outcome, lies + _condition(finding, tested.outcome)
        if self.adjusted[key] <= LEVEL:
            return tested.outcome, f"{lies}, also after the correction for {claims} claims{_condition(finding, tested.outcome)}"
        if isinstance(finding.figure, Estimate) and finding.trials < (fewest := trials_to_reach(LEVEL / claims)):
            return (
                Outcome.INCONCLUSIVE,
                f"{lies}, but {finding.trials} trials can't give a verdict on {claims} claims together; {fewest} can",
            )
        return Outcome.INCONCLUSIVE, f"{lies}, but no longer after the correction for {claims} claims (p = {self.adjusted[key]:.2f})"

    def _effort(self, claim: Claim, finding: Finding) -> Effort | None:
        interval_level = finding.tested.interval_level if finding.tested else LEVEL
        level = level_of(len(self.findings), interval_level)
        if finding.sample is not None:
            return location_effort(finding.sample, level, self.minutes_per_block)
        if isinstance(finding.figure, Pooled) and isinstance(claim, BoundClaim):
            bounds = lost_bounds(claim, self.experiment.objective)
            per_share = metric_per_share(claim.metric, self.experiment.objective)
            return pooled_effort(finding.figure.share, bounds, level, per_share, self.minutes_per_block)
        return None

    def _curve(self, place: int, claim: CurveClaim) -> ClaimVerdict:
        points = []
        for number, name in enumerate(claim.points):
            finding = self.findings[place, number]
            outcome, reason = self._outcome((place, number))
            effort = self._effort(claim, finding) if outcome is Outcome.INCONCLUSIVE else None
            points.append(PointVerdict(name, outcome, finding.figure, finding.trials, reason, effort))
        outcomes = {point.outcome for point in points}
        overall = outcomes.pop() if len(outcomes) == 1 else Outcome.PARTLY
        if any(point.outcome is Outcome.INCONCLUSIVE for point in points):
            overall = Outcome.INCONCLUSIVE
        return ClaimVerdict(
            claim,
            Over.TYPICAL,
            overall,
            None,
            min(point.trials for point in points),
            next((point.reason for point in points if point.outcome is Outcome.INCONCLUSIVE), EACH_POINT),
            family=len(self.findings),
            effort=max((point.effort for point in points if point.effort), key=_cost, default=None),
            points=tuple(points),
        )


def _cost(effort: Effort) -> float:
    return math.inf if effort.trials is None else effort.trials


def _condition(finding: Finding, outcome: Outcome) -> str:
    """What a confirmed share rests on."""
    if not isinstance(finding.figure, Pooled) or outcome is Outcome.REFUTED:
        return ""
    return f", provided that no trial loses more than {100 * finding.figure.share.ceiling:.3g} % of its requests"


def _unseen(finding: Finding) -> str:
    if not isinstance(finding.figure, Pooled):
        return ""
    return f": it allows for trials, unseen yet, that lose up to {100 * finding.figure.share.ceiling:.3g} % of their requests"
