"""What each kind of claim makes of good and bad trials, and what keeps it from a verdict."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace

import pytest

from experiments.definition import BoundClaim, Claim, CurveClaim, Experiment, Metric, Over, RatioClaim, Treatment
from reports.analysis.estimates import Observation, Unmeasured
from reports.analysis.pooled import Counts
from reports.page.judgements import claim_judgement
from reports.verdicts.claims import ClaimVerdict, judge_claims
from reports.verdicts.every_trial import bad_share
from reports.verdicts.finding import EveryTrial, Outcome
from reports.verdicts.vetoes import veto
from tests.unit.reports.factory import experiment
from tests.unit.reports.summaries import REQUESTS, summary_of

NO_FAILURE = BoundClaim(statement="No request fails", metric=Metric.FAILED_REQUESTS, treatment="one", at_most=0)
FAST = BoundClaim(statement="p95 is at most 100 ms", metric=Metric.RESPONSE_P95_MS, treatment="one", at_most=100)
AVAILABLE = BoundClaim(statement="At least 99.9 % succeed", metric=Metric.AVAILABILITY, treatment="one", at_least=0.999)
CONFIRMED, REFUTED, INCONCLUSIVE = Outcome.CONFIRMED, Outcome.REFUTED, Outcome.INCONCLUSIVE


def _asked(*claims: Claim, names: Sequence[str] = ("one",)) -> Experiment:
    return experiment(treatments=[Treatment(name=name, title=name) for name in names], claims=claims)


def _every_trial(trials: int, bad: int) -> ClaimVerdict:
    summary = summary_of(Metric.FAILED_REQUESTS, {"one": [7.0] * bad + [0.0] * (trials - bad)})
    return judge_claims(_asked(NO_FAILURE), summary)[0]


def _typical(trials: int, bad: int) -> ClaimVerdict:
    return judge_claims(_asked(FAST), summary_of(Metric.RESPONSE_P95_MS, {"one": [200.0] * bad + [50.0] * (trials - bad)}))[0]


def _pooled(trials: int, bad: int) -> ClaimVerdict:
    losses = [Counts(20, REQUESTS)] * bad + [Counts(0, REQUESTS)] * (trials - bad)
    summary = summary_of(Metric.AVAILABILITY, {"one": [1 - one.share for one in losses]}, losses={"one": losses})
    return judge_claims(_asked(AVAILABLE), summary)[0]


@pytest.mark.parametrize("trials", [1, 3, 5, 7, 10, 15, 20, 30, 50])
def test_one_counterexample_refutes_what_is_claimed_of_every_trial(trials: int) -> None:
    """However many clean trials there are beside it; without one it takes five trials."""
    assert _every_trial(trials, 0).outcome is (CONFIRMED if trials >= 5 else INCONCLUSIVE)
    for bad in {1, min(2, trials), max(1, trials // 2), trials}:
        verdict = _every_trial(trials, bad)
        assert verdict.outcome is REFUTED
        assert verdict.reason.startswith(f"{bad} of {trials} trials are counterexamples")


@pytest.mark.parametrize(
    ("trials", "confirmed_up_to", "refuted_from"),
    [(1, None, None), (3, None, None), (4, None, None), (5, 0, 5), (10, 1, 8), (15, 3, 11), (20, 5, 15), (30, 9, 21), (50, 18, 32)],
)
def test_the_median_decides_what_is_claimed_of_the_typical_trial(
    trials: int, confirmed_up_to: int | None, refuted_from: int | None
) -> None:
    """Bad trials refute it where they are so many that a median below the bound is excluded; fewer than five trials decide nothing."""
    _check(_typical, trials, confirmed_up_to, refuted_from)


@pytest.mark.parametrize(
    ("trials", "confirmed_up_to", "refuted_from"),
    [(1, None, None), (3, None, None), (5, None, 2), (7, None, 3), (10, None, 3), (15, None, 4), (20, None, 4), (30, None, 5), (50, 0, 7)],
)
def test_rare_bad_trials_keep_a_share_from_being_confirmed(trials: int, confirmed_up_to: int | None, refuted_from: int | None) -> None:
    """A trial that loses 2 % of its requests is never outvoted, and thirty clean trials don't exclude one more that does."""
    _check(_pooled, trials, confirmed_up_to, refuted_from)


def _check(judge: object, trials: int, confirmed_up_to: int | None, refuted_from: int | None) -> None:
    assert callable(judge)
    for bad in range(trials + 1):
        expected = INCONCLUSIVE
        if confirmed_up_to is not None and bad <= confirmed_up_to:
            expected = CONFIRMED
        if refuted_from is not None and bad >= refuted_from:
            expected = REFUTED
        assert judge(trials, bad).outcome is expected, f"{bad} bad trials of {trials}"


def test_fewer_than_five_trials_say_so() -> None:
    """The reason has both numbers, and nothing is called an interval."""
    assert _typical(2, 0).reason == _pooled(2, 0).reason == "2 trials: a verdict takes 5"
    assert _every_trial(3, 0).reason == "no counterexample in 3 trials; a verdict takes 5"
    assert "range [50, 50], 2 trials" in claim_judgement(_asked(FAST), _typical(2, 0)).measured
    assert "[" not in claim_judgement(_asked(AVAILABLE), _pooled(2, 0)).measured


def test_clean_trials_say_what_they_leave_open() -> None:
    """Five of them leave 45 % of trials, and their 5,000 requests 0.06 % of requests."""
    assert bad_share(5) == pytest.approx(0.4507, abs=1e-4)
    assert bad_share(5000) == pytest.approx(3 / 5000, rel=0.002)
    written = claim_judgement(_asked(NO_FAILURE), _every_trial(5, 0))
    assert written.measured == "Failed requests, “one”: at worst 0, 5 trials"
    assert written.asked == "Claimed: at most 0 in every trial"
    assert "up to 45.07 % of trials may still be bad" in written.remark
    assert "up to 0.06 % of them (5,000 were due)" in written.remark


def test_the_worst_trial_is_named() -> None:
    """Towards the bound that it breaks, or is nearest to."""
    for claim, expected in (
        (BoundClaim(statement="s", metric=Metric.SLOWEST_RESPONSE_MS, treatment="one", at_most=5), ("002-one", 9)),
        (BoundClaim(statement="s", metric=Metric.SLOWEST_RESPONSE_MS, treatment="one", at_least=5), ("001-one", 1)),
    ):
        found = judge_claims(_asked(claim), summary_of(claim.metric, {"one": [3.0, 1.0, 9.0]}))[0].measured
        assert isinstance(found, EveryTrial)
        assert (found.worst_trial, found.worst) == expected


@pytest.mark.parametrize("unmeasured", [1, 5])
def test_a_trial_without_a_number_is_no_clean_one(unmeasured: int) -> None:
    """Where no request was due none failed, which confirms nothing; a counterexample beside it still refutes."""
    nothing = Unmeasured("no request was due in the measure phase")
    values = [nothing] * unmeasured + [0.0] * (5 - unmeasured) + [0.0] * (0 if unmeasured == 5 else 5)
    verdict = judge_claims(_asked(NO_FAILURE), summary_of(Metric.FAILED_REQUESTS, {"one": values}))[0]
    assert verdict.outcome is INCONCLUSIVE
    assert nothing.reason in verdict.reason
    broken = judge_claims(_asked(NO_FAILURE), summary_of(Metric.FAILED_REQUESTS, {"one": [*values, 1.0]}))[0]
    assert broken.outcome is REFUTED


def test_a_trial_that_ended_too_early_is_no_clean_one() -> None:
    """It is only known to be more than 3, and may be more than 5."""
    claim = BoundClaim(statement="s", metric=Metric.TIME_TO_DETECT_S, treatment="one", at_most=5, over=Over.EVERY_TRIAL)
    values = [Observation.exact(1)] * 5
    early, late = Observation.above(3), Observation.above(6)
    assert judge_claims(_asked(claim), summary_of(claim.metric, {"one": [*values, early]}))[0].outcome is INCONCLUSIVE
    assert judge_claims(_asked(claim), summary_of(claim.metric, {"one": [*values, late]}))[0].outcome is REFUTED


def test_a_share_says_what_it_rests_on() -> None:
    """Thirty-six clean trials confirm 99.9 %, unless some unseen trial loses more than ten times what is claimed."""
    assert _pooled(35, 0).outcome is INCONCLUSIVE
    verdict = _pooled(36, 0)
    assert verdict.outcome is CONFIRMED
    written = claim_judgement(_asked(AVAILABLE), verdict)
    assert "provided that no trial loses more than 1 % of its requests" in written.remark
    assert written.measured == "Availability, “one”: 100 % [99.90 %, 100 %], 0 of 36,000 requests lost in 36 trials"
    few = claim_judgement(_asked(AVAILABLE), replace(_pooled(5, 0)))
    assert "unseen yet, that lose up to 1 % of their requests" in few.remark
    assert "36 trials of each treatment decide it" in few.remark


@pytest.mark.parametrize(
    ("metric", "at_least", "at_most", "lost", "expected"),
    [
        (Metric.FAILED_DURING_FAULT, None, 0.5, 900, REFUTED),
        (Metric.FAILED_DURING_FAULT, None, 0.9, 10, CONFIRMED),
        (Metric.FAILED_DURING_FAULT, 0.1, None, 900, CONFIRMED),
        (Metric.FAILED_DURING_FAULT, 0.8, None, 10, REFUTED),
        (Metric.FAILED_DURING_FAULT, 0.2, 0.95, 500, CONFIRMED),
        (Metric.ERROR_BUDGET_SPENT, None, 1, 50, REFUTED),
        (Metric.ERROR_BUDGET_SPENT, 2, None, 50, CONFIRMED),
        (Metric.OBJECTIVE_MET, 0.999, None, 50, REFUTED),
        (Metric.OBJECTIVE_MET, 0.4, None, 10, CONFIRMED),
        (Metric.AVAILABILITY, None, 0.99, 50, CONFIRMED),
        (Metric.AVAILABILITY, 1, None, 0, INCONCLUSIVE),
    ],
)
def test_each_share_is_judged_in_its_own_unit(
    metric: Metric, at_least: float | None, at_most: float | None, lost: int, expected: Outcome
) -> None:
    """Ten trials that all lost the same; the objective is 99.9 %, so that 5 % lost are fifty error budgets."""
    claim = BoundClaim(statement="s", metric=metric, treatment="one", at_least=at_least, at_most=at_most)
    losses = [Counts(lost, REQUESTS)] * 10
    assert judge_claims(_asked(claim), summary_of(metric, {"one": [0.0] * 10}, losses={"one": losses}))[0].outcome is expected


def _ratio(at_most: float, denominator: str = "other", statement: str = "s") -> RatioClaim:
    return RatioClaim(statement=statement, metric=Metric.BACKLOG_PEAK, numerator="one", denominator=denominator, at_most=at_most)


def _spread(centre: float, trials: int) -> list[float]:
    return [centre * (1 + 0.01 * place) for place in range(trials)]


def test_several_claims_are_judged_together() -> None:
    """Five trials confirm one claim and can't confirm four; eight can."""
    alone = _asked(_ratio(2), names=("one", "other"))
    four = _asked(*[_ratio(2, statement=f"s{place}") for place in range(4)], names=("one", "other"))

    def outcomes(asked: Experiment, trials: int) -> list[Outcome]:
        measured = {"one": _spread(100, trials), "other": [100.0] * trials}
        return [verdict.outcome for verdict in judge_claims(asked, summary_of(Metric.BACKLOG_PEAK, measured))]

    assert outcomes(alone, 5) == [CONFIRMED]
    assert outcomes(four, 7) == [INCONCLUSIVE] * 4
    assert outcomes(four, 8) == [CONFIRMED] * 4
    summary = summary_of(Metric.BACKLOG_PEAK, {"one": _spread(100, 5), "other": [100.0] * 5})
    assert "5 trials can't give a verdict on 4 claims together; 8 can" in judge_claims(four, summary)[0].reason


def test_a_claim_on_every_trial_is_no_part_of_the_family() -> None:
    """It is a statement about what was seen: it neither costs the others anything nor is it corrected."""
    extra = [NO_FAILURE.model_copy(update={"statement": f"s{place}"}) for place in range(9)]
    summary = summary_of(Metric.RESPONSE_P95_MS, {"one": [50.0] * 5})
    asked = _asked(FAST, *extra)
    verdict, *others = judge_claims(asked, summary)
    assert (verdict.outcome, verdict.family) == (CONFIRMED, 1)
    assert {other.family for other in others} == {0}


def test_what_the_correction_takes_away_says_so() -> None:
    """Two claims that their intervals just confirm, each by itself: together they are not, and a clear one beside them is."""
    measured = {"one": _spread(100, 7), "other": [100.0] * 7}
    summary = summary_of(Metric.BACKLOG_PEAK, measured)
    edge = _ratio(1.05)
    alone = judge_claims(_asked(edge, names=("one", "other")), summary)[0]
    clear, *weak = judge_claims(_asked(_ratio(2), edge, edge.model_copy(), names=("one", "other")), summary)
    assert alone.outcome is CONFIRMED
    assert [verdict.outcome for verdict in (clear, *weak)] == [CONFIRMED, INCONCLUSIVE, INCONCLUSIVE]
    assert "no longer after the correction for 3 claims" in weak[0].reason


CURVE = CurveClaim(statement="40-100x", metric=Metric.SQL_PER_10K_READS, numerator="off", points=("slow", "fast"), at_least=40, at_most=100)


@pytest.mark.parametrize(
    ("slow", "fast", "expected"),
    [(50, 60, CONFIRMED), (10, 20, REFUTED), (10, 60, Outcome.PARTLY), (60, 110, Outcome.PARTLY), (40.1, 60, INCONCLUSIVE)],
)
def test_a_curve_holds_where_its_points_do(slow: float, fast: float, expected: Outcome) -> None:
    """Everywhere, nowhere, in part; one point without a verdict leaves the whole without one."""
    treatments = (
        Treatment(name="off", title="cache off"),
        Treatment(name="slow", title="slow", rate_per_s=100),
        Treatment(name="fast", title="fast", rate_per_s=1000),
    )
    asked = experiment(treatments=treatments, claims=(CURVE,))
    off = [100.0 * factor for factor in (1.0, 1.01, 0.99, 1.02, 0.98, 1.005, 0.995, 1.015)]
    measured = {"off": off, "slow": [100 / slow] * 8, "fast": [100 / fast] * 8}
    verdict = judge_claims(asked, summary_of(CURVE.metric, measured))[0]
    assert verdict.outcome is expected
    assert verdict.family == 2
    written = claim_judgement(asked, verdict)
    assert written.word == expected.value
    if expected is Outcome.PARTLY:
        assert ("Holds at 1,000/s." if slow == 10 else "Holds at 100/s.") in written.remark
        assert ("Does not hold at 100/s." if slow == 10 else "Does not hold at 1,000/s.") in written.remark
    if expected is INCONCLUSIVE:
        assert "Undecided at 100/s." in written.remark
        assert verdict.effort is not None
        assert "If the estimate is right" in written.remark


def test_points_that_share_their_rate_are_called_by_their_title() -> None:
    """A factor is varied, not the load."""
    asked = _asked(CURVE, names=("off", "slow", "fast"))
    measured = {"off": [100.0] * 8, "slow": [2.0] * 8, "fast": [10.0] * 8}
    remark = claim_judgement(asked, judge_claims(asked, summary_of(CURVE.metric, measured))[0]).remark
    assert "Holds at “slow”. Does not hold at “fast”." in remark


def test_without_a_steady_state_a_typical_value_is_not_judged() -> None:
    """A response time is not, nor a ratio of two where either side has none; a recovery is."""
    summary = summary_of(Metric.RESPONSE_P95_MS, {"one": [50.0] * 5})
    verdict = judge_claims(_asked(FAST), summary, not_steady={"one": "no steady state: it grew"})[0]
    assert (verdict.outcome, verdict.reason, verdict.effort) == (INCONCLUSIVE, "“one”: no steady state: it grew", None)
    assert judge_claims(_asked(FAST), summary, not_steady={"other": "it grew"})[0].outcome is CONFIRMED
    assert veto(Metric.CPU_MS_PER_REQUEST, {"two": "Two", "one": "One"}, {"one": "it grew"}, {}) == "“One”: it grew"
    assert veto(Metric.TIME_TO_RECOVER_S, {"one": "One"}, {"one": "it grew"}, {}) is None


@pytest.mark.parametrize(("share", "expected"), [(0.1, CONFIRMED), (0.18, INCONCLUSIVE)])
def test_a_percentile_of_the_generator_is_not_judged(share: float, expected: Outcome) -> None:
    """More than a tenth of it is the load generator's own lateness."""
    summary = summary_of(Metric.RESPONSE_P95_MS, {"one": [50.0] * 5}, generator_parts={"one": share})
    verdict = judge_claims(_asked(FAST), summary)[0]
    assert verdict.outcome is expected
    if expected is INCONCLUSIVE:
        assert verdict.reason.startswith("“one”: the load generator's own lateness is 18 % of p95")
    assert veto(Metric.CPU_MS_PER_REQUEST, {"one": "One"}, {}, summary.generator_parts) is None


def test_an_inconclusive_claim_says_what_it_would_take() -> None:
    """Trials that decide it, and how long they take; none where the estimate lies on the bound."""
    values = [94.0, 97.0, 99.0, 101.0, 95.0]
    asked = _asked(FAST)
    verdict = judge_claims(asked, summary_of(FAST.metric, {"one": values}), minutes_per_block=0.5)[0]
    assert verdict.outcome is INCONCLUSIVE
    assert verdict.effort is not None
    assert verdict.effort.trials is not None
    assert 5 < verdict.effort.trials < 30
    assert verdict.effort.minutes == verdict.effort.trials / 2
    written = claim_judgement(asked, verdict)
    assert f"{verdict.effort.trials} trials of each treatment decide it with a power of 80 %" in written.remark
    assert f"about {math.ceil(verdict.effort.trials / 2)} minutes" in written.remark
    on_the_bound = judge_claims(asked, summary_of(FAST.metric, {"one": [98.0, 99.0, 100.0, 101.0, 102.0]}))[0]
    assert on_the_bound.effort is not None
    assert on_the_bound.effort.trials is None
    assert "no number of trials up to 1,000 decides it" in claim_judgement(asked, on_the_bound).remark


def test_a_single_trial_and_an_unknown_value_have_no_spread_to_plan_with() -> None:
    """Then nothing is said of what it would take."""
    assert _typical(1, 0).effort is None
    claim = BoundClaim(statement="s", metric=Metric.TIME_TO_RECOVER_S, treatment="one", at_most=2)
    values = [Observation.above(5), *[Observation.exact(1)] * 4]
    verdict = judge_claims(_asked(claim), summary_of(claim.metric, {"one": values}))[0]
    assert (verdict.outcome, verdict.effort) == (INCONCLUSIVE, None)
