"""Claims in three values, invariants as a gate."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Literal

import pytest

from experiments.definition import BoundClaim, Metric, Phases, RatioClaim, Treatment
from experiments.records.schema import InvariantRecord, WitnessEvent
from reports.analysis.estimates import Estimate, Unmeasured
from reports.analysis.summary import summarise
from reports.page.judgements import gate_judgement
from reports.page.record_tables import witnesses_table
from reports.page.sections import JudgedRun
from reports.verdicts.claims import Outcome, judge, judge_claims
from reports.verdicts.gate import Gate, GateVerdict, judge_invariants
from tests.unit.reports.example_runs import write_cache_run
from tests.unit.reports.factory import PASSED, TrialSpec, experiment, load_trials, steady, write

Verdict = Literal["pass", "fail", "unknown"]


@pytest.mark.parametrize(
    ("interval", "at_least", "at_most", "expected"),
    [
        ((45, 80), 40, 100, Outcome.CONFIRMED),
        ((40, 100), 40, 100, Outcome.CONFIRMED),
        ((10, 39), 40, 100, Outcome.REFUTED),
        ((101, 200), 40, 100, Outcome.REFUTED),
        ((30, 80), 40, 100, Outcome.INCONCLUSIVE),
        ((80, 120), 40, 100, Outcome.INCONCLUSIVE),
        ((30, 120), 40, 100, Outcome.INCONCLUSIVE),
        ((0, 0), None, 0, Outcome.CONFIRMED),
        ((0, 1), None, 0, Outcome.INCONCLUSIVE),
        ((1, 4), None, 0, Outcome.REFUTED),
        ((2, math.inf), None, 5, Outcome.INCONCLUSIVE),
        ((6, math.inf), None, 5, Outcome.REFUTED),
        ((6, math.inf), 5, None, Outcome.CONFIRMED),
    ],
)
def test_the_place_of_the_interval_decides(
    interval: tuple[float, float], at_least: float | None, at_most: float | None, expected: Outcome
) -> None:
    """All inside confirms, all outside refutes, across a bound is inconclusive."""
    assert judge(Estimate(interval[0], *interval, trials=5), at_least, at_most)[0] is expected


def test_one_trial_concludes_nothing() -> None:
    """It has no interval, however clear its number looks."""
    assert judge(Estimate(60, 60, 60, trials=1), 40, 100) == (Outcome.INCONCLUSIVE, "one trial has no interval")


def test_the_ratio_that_was_put_in_comes_out(cache: JudgedRun) -> None:
    """Blocks of 45x, 47.5x, ... 55x confirm 40-100x with a typical ratio of 49.94x; p95 above 5 ms refutes; no failure confirms."""
    ratio, p95, failed = cache.claims
    assert isinstance(ratio.measured, Estimate)
    assert (ratio.outcome, ratio.is_indicative) == (Outcome.CONFIRMED, False)
    assert (ratio.measured.value, ratio.measured.low, ratio.measured.high) == pytest.approx((math.sqrt(47.5 * 52.5), 45, 55))
    assert (p95.outcome, failed.outcome) == (Outcome.REFUTED, Outcome.CONFIRMED)


def test_fewer_trials_are_only_indicative(tmp_path: Path) -> None:
    """Two of five blocks give the same outcome, called indicative."""
    run = load_trials(write_cache_run(tmp_path, finished=2))
    ratio = judge_claims(run.record.experiment, summarise(run))[0]
    assert (ratio.outcome, ratio.is_indicative, ratio.trials) == (Outcome.CONFIRMED, True, 2)


def test_invalid_trials_have_no_say(failover: JudgedRun) -> None:
    """Four valid trials are left of five, and the block of the invalid one is in no ratio."""
    verdicts = failover.claims
    assert [verdict.outcome for verdict in verdicts] == [Outcome.REFUTED, Outcome.REFUTED, Outcome.CONFIRMED]
    assert {verdict.trials for verdict in verdicts} == {4}
    assert all(verdict.is_indicative for verdict in verdicts)


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


def _gate(tmp_path: Path, *trials: tuple[InvariantRecord, ...], planned: int | None = None) -> GateVerdict:
    asked = experiment(
        treatments=[Treatment(name="plain", title="plain")], phases=Phases(warm_up_s=0, measure_s=1), trials=planned or len(trials)
    )
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
