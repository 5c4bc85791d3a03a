"""Claims over every trial: one valid counterexample refutes them, and only its absence from enough trials confirms them."""

from __future__ import annotations

import math
from collections.abc import Sequence

from experiments.definition import TRIALS_FOR_A_VERDICT, BoundClaim, Metric
from reports.analysis.estimates import CONFIDENCE, Observation, Unmeasured
from reports.analysis.pooled import Counts
from reports.analysis.summary import Summary
from reports.verdicts.finding import EveryTrial, Outcome

OF_REQUESTS = frozenset({Metric.FAILED_REQUESTS, Metric.SLOWEST_RESPONSE_MS})
"""Metrics that a single request decides."""


def judge_every_trial(claim: BoundClaim, summary: Summary) -> tuple[Outcome, EveryTrial | Unmeasured, str]:
    """The outcome, what the trials say, and why.

    This is a statement about what was seen in these trials. It has no p-value and takes no part in the correction for several claims;
    what that many clean trials leave open is said by :func:`bad_share`.
    """
    trial_ids = summary.trial_ids[claim.treatment]
    values = {trial_id: summary.by_trial[trial_id][claim.metric] for trial_id in trial_ids}
    measured = [(trial_id, value) for trial_id, value in values.items() if isinstance(value, Observation)]
    unmeasured = [value for value in values.values() if isinstance(value, Unmeasured)]
    if not measured:
        return Outcome.INCONCLUSIVE, unmeasured[0] if unmeasured else Unmeasured("no valid trial"), ""
    bad = [trial_id for trial_id, value in measured if _contradicts(value, claim)]
    undecided = [trial_id for trial_id, value in measured if trial_id not in bad and not _agrees(value, claim)]
    worst_trial, worst = max(measured, key=lambda pair: _badness(pair[1], claim))
    found = EveryTrial(
        worst=worst.low,
        worst_trial=worst_trial,
        trials=len(measured),
        counterexamples=len(bad),
        requests=_requests([trial_id for trial_id, _ in measured], summary) if claim.metric in OF_REQUESTS else None,
    )
    if bad:
        return Outcome.REFUTED, found, f"{len(bad)} of {len(measured)} trials are counterexamples, the worst is {worst_trial}"
    if unmeasured:
        reason = f"no counterexample, but {len(unmeasured)} of {len(trial_ids)} trials could not be measured: {unmeasured[0].reason}"
        return Outcome.INCONCLUSIVE, found, reason
    if undecided:
        reason = f"no counterexample, but {len(undecided)} of {len(measured)} trials ended before they could show one"
        return Outcome.INCONCLUSIVE, found, reason
    if len(measured) < TRIALS_FOR_A_VERDICT:
        trials = f"{len(measured)} trial{'' if len(measured) == 1 else 's'}"
        return Outcome.INCONCLUSIVE, found, f"no counterexample in {trials}; a verdict takes {TRIALS_FOR_A_VERDICT}"
    return Outcome.CONFIRMED, found, f"no counterexample in {len(measured)} trials"


def bad_share(clean: int) -> float:
    """The largest share of bad ones that so many clean draws leave open, at 95 % confidence: 1 - 0.05**(1/n), about 3/n.

    A larger share would have shown up among them with a probability of more than 95 %. Of requests it is the share on average over
    trials only if they fail independently of each other; Hanley & Lippman-Hand, "If nothing goes wrong, is everything all right?",
    Journal of the American Medical Association 249(13), 1983.
    """
    return 1 - math.pow(1 - CONFIDENCE, 1 / clean)


def _contradicts(value: Observation, claim: BoundClaim) -> bool:
    return (claim.at_most is not None and value.low > claim.at_most) or (claim.at_least is not None and value.high < claim.at_least)


def _agrees(value: Observation, claim: BoundClaim) -> bool:
    return (claim.at_most is None or value.high <= claim.at_most) and (claim.at_least is None or value.low >= claim.at_least)


def _badness(value: Observation, claim: BoundClaim) -> float:
    """How far a value is towards or beyond the nearest bound."""
    beyond_most = value.low - claim.at_most if claim.at_most is not None else float("-inf")
    beyond_least = claim.at_least - value.high if claim.at_least is not None else float("-inf")
    return max(beyond_most, beyond_least)


def _requests(trial_ids: Sequence[str], summary: Summary) -> int:
    counts = [summary.losses[trial_id][Metric.AVAILABILITY] for trial_id in trial_ids]
    return sum(one.of for one in counts if isinstance(one, Counts))
