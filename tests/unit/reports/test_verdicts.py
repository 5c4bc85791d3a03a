"""Claims in three values, invariants as a gate."""

from __future__ import annotations

import math
from dataclasses import replace
from pathlib import Path
from typing import Literal

import pytest

from experiments.definition import BoundClaim, Metric, Operation, Phases, RatioClaim, Treatment
from experiments.records.schema import InvariantRecord, WitnessEvent
from reports.analysis.estimates import Estimate, Unmeasured
from reports.analysis.summary import summarise
from reports.page.data import Tone
from reports.page.judgements import gate_judgement
from reports.page.record_tables import witnesses_table
from reports.page.sections import JudgedRun
from reports.verdicts.claims import judge_claims
from reports.verdicts.finding import EveryTrial, Outcome, Pooled
from reports.verdicts.gate import Gate, GateVerdict, judge_invariants
from tests.unit.reports.example_runs import CACHE_CLAIM, write_cache_run
from tests.unit.reports.factory import PASSED, TrialSpec, experiment, load_trials, steady, write

Verdict = Literal["pass", "fail", "unknown"]


def test_the_ratio_that_was_put_in_comes_out(cache: JudgedRun) -> None:
    """Blocks of 45x, 47.5x, ... 55x have a typical ratio of 49.94x, which confirms 40-100x where nothing else is claimed."""
    alone = cache.run.record.experiment.model_copy(update={"claims": (CACHE_CLAIM,)})
    (ratio,) = judge_claims(alone, cache.summary)
    assert isinstance(ratio.measured, Estimate)
    assert ratio.outcome is Outcome.CONFIRMED
    assert (ratio.measured.value, ratio.measured.low, ratio.measured.high) == pytest.approx((math.sqrt(47.5 * 52.5), 45, 55))


def test_five_blocks_are_too_few_for_two_tests(cache: JudgedRun) -> None:
    """The ratio and the percentile are tested together; that no request failed was seen in every trial."""
    ratio, p95, failed = cache.claims
    assert [ratio.outcome, p95.outcome, failed.outcome] == [Outcome.INCONCLUSIVE, Outcome.INCONCLUSIVE, Outcome.CONFIRMED]
    for verdict in (ratio, p95):
        assert verdict.reason.endswith("but 5 trials can't give a verdict on 2 claims together; 7 can")
    assert ratio.effort is not None
    assert ratio.effort.minutes == pytest.approx((ratio.effort.trials or 0) * 200 / 60 / 10 * 2)


def test_fewer_than_five_blocks_have_no_verdict(tmp_path: Path) -> None:
    """Two of five blocks are shown with their range."""
    run = load_trials(write_cache_run(tmp_path, finished=2))
    ratio = judge_claims(run.record.experiment, summarise(run))[0]
    assert (ratio.outcome, ratio.reason, ratio.trials) == (Outcome.INCONCLUSIVE, "2 trials: a verdict takes 5", 2)


def test_invalid_trials_have_no_say(failover: JudgedRun) -> None:
    """Four valid trials are left of five: too few for a share and for a median, and enough to refute that none fails."""
    verdicts = failover.claims
    assert [verdict.outcome for verdict in verdicts] == [Outcome.INCONCLUSIVE, Outcome.REFUTED, Outcome.INCONCLUSIVE]
    assert {verdict.trials for verdict in verdicts} == {4}
    assert isinstance(verdicts[1].measured, EveryTrial)
    assert "3-" not in verdicts[1].measured.worst_trial


def test_a_trial_in_which_nothing_was_due_confirms_nothing(tmp_path: Path) -> None:
    """No request failed because none was there."""
    claim = BoundClaim(statement="No request fails", metric=Metric.FAILED_REQUESTS, treatment="plain", at_most=0)
    asked = experiment(treatments=[Treatment(name="plain", title="plain")], claims=(claim,), phases=Phases(warm_up_s=1, measure_s=1))
    warm_up_only = TrialSpec(steady(rate_per_s=50, duration_s=1))
    run = load_trials(write(tmp_path, asked, {(block, "plain"): warm_up_only for block in range(5)}))
    (verdict,) = judge_claims(asked, summarise(run))
    assert (verdict.outcome, verdict.reason) == (Outcome.INCONCLUSIVE, "no request was due in the measure phase")


def test_rare_bad_trials_are_seen_through_the_whole_path(tmp_path: Path) -> None:
    """Four of twenty trials lost seven requests each to timeouts of 10 s: none of three claims about every request is confirmed."""
    claims = (
        BoundClaim(statement="No request fails", metric=Metric.FAILED_REQUESTS, treatment="plain", at_most=0),
        BoundClaim(statement="No request takes longer than 1.1 s", metric=Metric.SLOWEST_RESPONSE_MS, treatment="plain", at_most=1100),
        BoundClaim(statement="At least 99.9 % succeed", metric=Metric.AVAILABILITY, treatment="plain", at_least=0.999),
    )
    asked = experiment(
        treatments=[Treatment(name="plain", title="plain")], claims=claims, phases=Phases(warm_up_s=0, measure_s=4), trials=20
    )
    clean = steady(rate_per_s=250, duration_s=4, response_ms=lambda _number, _at_s: 5)
    bad = [replace(one, outcome="timeout", response_ms=10_000) if number < 7 else one for number, one in enumerate(clean)]
    run = load_trials(write(tmp_path, asked, {(block, "plain"): TrialSpec(bad if block % 5 == 0 else clean) for block in range(20)}))
    none_fails, none_is_slow, available = judge_claims(asked, summarise(run))
    assert [none_fails.outcome, none_is_slow.outcome] == [Outcome.REFUTED] * 2
    assert none_fails.reason == "4 of 20 trials are counterexamples, the worst is 000-b0-plain"
    assert available.outcome is Outcome.INCONCLUSIVE
    assert isinstance(available.measured, Pooled)
    assert available.measured.value == pytest.approx(1 - 28 / 20_000)
    assert available.measured.low < 1 - 28 / 20_000 < 0.999 < available.measured.high


def test_what_was_not_measured_is_inconclusive_and_says_why(tmp_path: Path) -> None:
    """No fault, no time to recover; no SQL counter, no ratio of SQL."""
    claims = (
        BoundClaim(statement="recovers", metric=Metric.TIME_TO_RECOVER_S, treatment="plain", at_most=1),
        RatioClaim(statement="saves", metric=Metric.SQL_PER_10K_READS, numerator="plain", denominator="other", at_least=2),
    )
    treatments = [Treatment(name=name, title=name) for name in ("plain", "other")]
    asked = experiment(treatments=treatments, claims=claims, phases=Phases(warm_up_s=0, measure_s=2), trials=1)
    run = load_trials(write(tmp_path, asked, {(0, name): TrialSpec(steady(rate_per_s=50, duration_s=2)) for name in ("plain", "other")}))
    recovers, saves = judge_claims(asked, summarise(run))
    assert (recovers.outcome, recovers.measured) == (Outcome.INCONCLUSIVE, Unmeasured("no fault is planned"))
    assert saves.outcome is Outcome.INCONCLUSIVE
    assert "courses-db" in saves.reason


def _gate(
    tmp_path: Path, *trials: tuple[InvariantRecord, ...], planned: int | None = None, operation: Operation = Operation.ENROLL
) -> GateVerdict:
    asked = experiment(
        treatments=[Treatment(name="plain", title="plain")], phases=Phases(warm_up_s=0, measure_s=1), trials=planned or len(trials)
    ).model_copy(update={"mix": {operation: 1.0}})
    specs = {(block, "plain"): TrialSpec(steady(rate_per_s=10, duration_s=1), invariants=found) for block, found in enumerate(trials)}
    run = load_trials(write(tmp_path, asked, specs))
    return judge_invariants(run.record, [trial.record for trial in run.trials])


def _said(verdict: Verdict, name: str = "no_loss") -> tuple[InvariantRecord, ...]:
    return (InvariantRecord(name=name, verdict=verdict, detail=f"because {verdict}"),)


@pytest.mark.parametrize(
    ("verdicts", "expected"),
    [
        (("pass", "pass"), Gate.PASS),
        (("pass", "unknown"), Gate.UNKNOWN),
        (("unknown", "fail", "pass"), Gate.FAIL),
    ],
)
def test_the_worst_trial_wins(tmp_path: Path, verdicts: tuple[Verdict, ...], expected: Gate) -> None:
    """Fail beats unknown, unknown beats pass."""
    assert _gate(tmp_path, *(_said(verdict) for verdict in verdicts)).gate is expected


def test_the_first_witness_of_a_failure_is_shown(tmp_path: Path) -> None:
    """Its trial is named with it."""
    (invariant,) = _gate(tmp_path, _said("pass"), _said("fail")).invariants
    assert invariant.detail == "001-b1-plain: because fail"
    assert (invariant.passed, invariant.failed, invariant.unknown) == (1, 1, 0)


def test_an_invariant_that_a_trial_did_not_check_is_unknown(tmp_path: Path) -> None:
    """What other trials checked is expected of every trial."""
    gate = _gate(tmp_path, PASSED, PASSED[:1])
    assert gate.gate is Gate.UNKNOWN
    assert [invariant.gate for invariant in gate.invariants] == [Gate.PASS, Gate.UNKNOWN]


def test_a_trial_without_anything_to_check_counts_neither_for_nor_against(tmp_path: Path) -> None:
    """It is counted by itself; where no trial had anything, the invariant is unknown and keeps no other from passing."""
    idle = (InvariantRecord(name="no_loss", verdict="unknown", detail="no request was accepted", evidence={"accepted requests": 0}),)
    (invariant,) = _gate(tmp_path / "some", _said("pass"), idle).invariants
    assert (invariant.gate, invariant.passed, invariant.unknown, invariant.vacuous) == (Gate.PASS, 1, 0, 1)
    gate = _gate(tmp_path / "none", (*idle, *_said("pass", "other")), (*idle, *_said("pass", "other")))
    assert gate.gate is Gate.PASS
    assert [(invariant.gate, invariant.is_exercised) for invariant in gate.invariants] == [(Gate.UNKNOWN, False), (Gate.PASS, True)]
    assert gate_judgement(gate).remark == "Nothing to check in any trial: no loss."
    alone = _gate(tmp_path / "alone", idle)
    assert alone.gate is Gate.UNKNOWN
    assert gate_judgement(alone).measured == "none was checked"


def test_a_failure_is_shown_with_what_proves_it(tmp_path: Path) -> None:
    """The timeline of the first trial that failed; without a failure there is none."""
    events = (WitnessEvent(at_s=1.5, who="process 3", what="enroll"), WitnessEvent(at_s=9, who="final read, api", what="missing"))
    failed = tuple(record.model_copy(update={"witness": events}) for record in _said("fail"))
    table = witnesses_table(_gate(tmp_path / "failed", _said("pass"), failed), "run")
    assert [[cell.text for cell in row] for row in table.rows] == [
        ["no loss", "001-b1-plain", "1.500", "process 3", "enroll"],
        ["no loss", "001-b1-plain", "9.000", "final read, api", "missing"],
    ]
    assert witnesses_table(_gate(tmp_path / "passed", _said("pass")), "run").rows == ()


def test_without_any_invariant_nothing_passed(tmp_path: Path) -> None:
    """An absent check is never a pass."""
    assert _gate(tmp_path, (), ()).gate is Gate.UNKNOWN


def test_an_experiment_that_only_reads_has_no_invariants(tmp_path: Path) -> None:
    """Nothing was written, so nothing was lost, also where a trial left no record; a rule that was checked all the same counts."""
    idle = (InvariantRecord(name="no_loss", verdict="unknown", detail="no request was accepted", evidence={"accepted requests": 0}),)
    for number, trials in enumerate([((), ()), (idle, idle), (idle,)]):
        gate = _gate(tmp_path / str(number), *trials, planned=2, operation=Operation.READ_COURSE)
        assert gate.gate is Gate.NOT_APPLICABLE
        judged = gate_judgement(gate)
        assert (judged.word, judged.tone) == ("not applicable", Tone.NEUTRAL)
    assert _gate(tmp_path / "failing", _said("fail"), operation=Operation.READ_COURSE).gate is Gate.FAIL
    assert _gate(tmp_path / "passing", _said("pass"), planned=2, operation=Operation.READ_COURSE).gate is Gate.UNKNOWN


def test_a_planned_trial_without_a_record_did_not_pass(tmp_path: Path) -> None:
    """What was not looked at keeps the gate from passing; a failure elsewhere still fails it."""
    gate = _gate(tmp_path, PASSED, planned=3)
    assert (gate.gate, gate.unfinished) == (Gate.UNKNOWN, 2)
    assert _gate(tmp_path / "failing", _said("fail"), planned=3).gate is Gate.FAIL


def test_an_invalid_trial_can_still_break_an_invariant(tmp_path: Path) -> None:
    """Data that was lost is lost, whatever the load generator did."""
    asked = experiment(treatments=[Treatment(name="plain", title="plain")], phases=Phases(warm_up_s=0, measure_s=1), trials=1)
    spec = TrialSpec(steady(rate_per_s=10, duration_s=1), invariants=_said("fail"), valid=False, reasons=("too late",))
    run = load_trials(write(tmp_path, asked, {(0, "plain"): spec}))
    assert judge_invariants(run.record, [trial.record for trial in run.trials]).gate is Gate.FAIL
