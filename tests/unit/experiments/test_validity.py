"""When a trial counts."""

from __future__ import annotations

import numpy as np
import pytest

from experiments.definition import BoundClaim, Experiment, Fault, Metric, Operation, Phase, Phases, RatioClaim, Treatment
from experiments.records.schema import ClockRecord, FaultRecord, PhaseRecord, TrialRecord, ValidityRules
from experiments.records.validity import RequestTimes, bounds_slowest, clock_problems, fault_problems, problems, slip_p99_ms, slip_problems
from infra.topology import Topology

RULES = ValidityRules()
MEASURE = PhaseRecord(phase=Phase.MEASURE, start_s=10, end_s=20)
PHASES = (PhaseRecord(phase=Phase.WARM_UP, start_s=0, end_s=10), MEASURE)
COUNT = 1000
"""Requests in each phase; ten of them are one in a hundred."""


def _times(slip_ms: object = 0.0, *, service_ms: object = 5.0, warm_up_slip_ms: float = 0.0) -> RequestTimes:
    """A thousand requests in the warm-up and as many in the measure phase."""
    intended_s = np.arange(2 * COUNT) / COUNT * 10
    late_s = np.concatenate([np.full(COUNT, warm_up_slip_ms), np.broadcast_to(np.asarray(slip_ms, dtype=np.float64), COUNT)]) / 1000
    served_s = np.broadcast_to(np.asarray(service_ms, dtype=np.float64), 2 * COUNT) / 1000
    return RequestTimes(intended_s, intended_s + late_s, intended_s + late_s + served_s)


def _some(late: int, slip_ms: float) -> list[float]:
    return [slip_ms] * late + [0.0] * (COUNT - late)


@pytest.mark.parametrize(
    ("slip_ms", "service_ms", "is_valid"),
    [
        (1.9, 1.0, True),  # the floor, whatever the service time
        (2.1, 1.0, False),
        (2.1, 5.0, True),  # half of the service time
        (2.6, 5.0, False),
        (19.0, 1000.0, True),
        (21.0, 1000.0, False),  # a fault makes the service time long, and the ceiling holds
        (49.0, 5.0, False),  # passed in the time of the 50 ms rule
        (_some(9, 3000.0), 5.0, True),  # 0.9 % very late: harmless unless a claim is about the slowest
        (_some(20, 40.0), 5.0, False),
    ],
)
def test_the_slip_is_judged_against_the_service_time(slip_ms: object, service_ms: float, is_valid: bool) -> None:  # noqa: FBT001 - a row
    """Half of the same percentile of the service time, but never under the floor nor over the ceiling."""
    assert (slip_problems(PHASES, _times(slip_ms, service_ms=service_ms), RULES) == ()) is is_valid


@pytest.mark.parametrize(("longest_ms", "is_valid"), [(99.0, True), (101.0, False), (3000.0, False)])
def test_one_late_request_spoils_a_claim_about_the_slowest(longest_ms: float, is_valid: bool) -> None:  # noqa: FBT001 - a row
    """A single one, where a claim could rest on it."""
    found = slip_problems(PHASES, _times(_some(1, longest_ms)), RULES, bounds_slowest=True)
    assert (found == ()) is is_valid
    assert all("slowest request" in reason for reason in found)


def test_only_the_measure_phase_counts() -> None:
    """A generator that is late while everything warms up spoils nothing."""
    times = _times(1.0, warm_up_slip_ms=500)
    assert slip_problems(PHASES, times, RULES, bounds_slowest=True) == ()
    assert slip_p99_ms(PHASES, times) == pytest.approx(1)


def test_without_a_request_there_is_no_slip() -> None:
    """Nothing sent, nothing late; that nothing was recorded is another problem."""
    nothing = RequestTimes(np.empty(0), np.empty(0), np.empty(0))
    assert slip_p99_ms(PHASES, nothing) == 0
    assert slip_problems(PHASES, nothing, RULES, bounds_slowest=True) == ()


@pytest.mark.parametrize(("step_s", "reasons"), [(0.019, 0), (-0.019, 0), (0.5, 1), (-0.5, 1)])
def test_a_step_of_the_clock_is_named(step_s: float, reasons: int) -> None:
    """Forwards or backwards, above the limit."""
    found = clock_problems(ClockRecord(epoch_at_start_unix_s=1.7e9, epoch_at_end_unix_s=1.7e9 + step_s), RULES)
    assert len(found) == reasons
    assert all(f"{step_s * 1000:+.0f} ms" in reason for reason in found)


def test_a_fault_without_proof_or_recovery_is_a_problem() -> None:
    """Each with the fault's own name."""
    fault = FaultRecord(planned=Fault(node="courses-1", at_s=1, duration_s=1), injected_s=1, proof=None, healed_s=2, ready_s=3)
    unready = fault.model_copy(update={"proof": "gone", "ready_s": None})
    assert "took effect" in fault_problems([fault])[0]
    assert "not ready again" in fault_problems([unready])[0]
    assert fault_problems([fault.model_copy(update={"proof": "gone"})]) == ()


SLOWEST = BoundClaim(statement="none is slow", metric=Metric.SLOWEST_RESPONSE_MS, treatment="struck", at_most=1100)
RATIO = RatioClaim(statement="the same", metric=Metric.RESPONSE_P50_MS, numerator="struck", denominator="calm", at_most=1)
EXPERIMENT = Experiment(
    name="sample",
    title="A sample",
    question="Does it count?",
    treatments=(Treatment(name="calm", title="calm"), Treatment(name="struck", title="struck")),
    mix={Operation.READ_COURSE: 1},
    phases=Phases(warm_up_s=10, measure_s=10),
    claims=(SLOWEST, RATIO),
)


def test_a_claim_about_the_slowest_concerns_its_treatment_only() -> None:
    """A claim about another metric, or another treatment, does not make a late request matter."""
    assert [bounds_slowest(EXPERIMENT, treatment.name) for treatment in EXPERIMENT.treatments] == [False, True]


def _record(treatment: str, *, offered: int = 2 * COUNT, clock: ClockRecord | None = None) -> TrialRecord:
    return TrialRecord(
        trial_id=f"000-b0-{treatment}",
        position=0,
        block=0,
        treatment=treatment,
        seed=1,
        epoch_unix_s=1.7e9,
        phases=PHASES,
        topology=Topology(),
        faults=(),
        offered=offered,
        slip_p99_ms=0,
        clock=clock,
        valid=True,
        reasons=(),
        invariants=(),
    )


def test_a_recorded_trial_is_judged_by_everything_at_once() -> None:
    """Missing requests, slip, the slowest and the clock; a trial without any has no problem."""
    assert problems(_record("struck"), _times(), RULES, EXPERIMENT) == ()
    stepped = ClockRecord(epoch_at_start_unix_s=1.7e9, epoch_at_end_unix_s=1.7e9 + 1)
    late = _times(_some(20, 3000.0))
    found = problems(_record("struck", offered=2 * COUNT + 1, clock=stepped), late, RULES, EXPERIMENT)
    assert [word in reason for word, reason in zip(("2000 of 2001", "1 %", "3000 ms late", "clock"), found, strict=True)] == [True] * 4
    assert len(problems(_record("calm"), late, RULES, EXPERIMENT)) == 1


def test_a_run_from_before_there_were_rules_is_asked_what_was_always_asked() -> None:
    """Whether all was sent, and whether the faults took effect; nothing is invented about its slip."""
    assert problems(_record("struck"), _times(3000.0), None, EXPERIMENT) == ()
    assert len(problems(_record("struck", offered=1), _times(), None, EXPERIMENT)) == 1
