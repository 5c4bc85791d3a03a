"""What a fault did, in numbers: each measure against a trial whose answer is known by hand.

The load is 100 requests/s for 12 s, of which 2 s to 12 s are measured; the fault is in force from 5 s to 8 s, its target well at 8.5 s.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from experiments.definition import Chance, Fault, FaultKind, Metric, Phases, Treatment
from experiments.records.schema import FaultRecord
from reports.analysis.backlog import drain
from reports.analysis.detection import GAVE_UP, Detection, detections
from reports.analysis.estimates import Observation, Unmeasured
from reports.analysis.failures import NO_CONTROL, When, error_classes
from reports.analysis.faults import NO_FAULT, Struck, fault_spans
from reports.analysis.measures import measures
from reports.analysis.service import quality, seconds_below
from reports.analysis.summary import control_of, control_trial
from reports.loading import Readings, TrialData, Window
from tests.unit.reports.factory import Request, TrialSpec, experiment, load_trials, steady, trial_data, write

PHASES = Phases(warm_up_s=2, measure_s=10)
INJECTED_S, HEALED_S, READY_S = 5.0, 8.0, 8.5
EPOCH_UNIX_S = 1_763_812_800.0
FAULT = FaultRecord(
    planned=Fault(node="courses-1", at_s=5, duration_s=3),
    targets=("courses-1",),
    injected_s=INJECTED_S,
    proven_s=5.1,
    proof="seen",
    healed_s=HEALED_S,
    ready_s=READY_S,
)
FLUSH = FAULT.model_copy(
    update={"planned": Fault(kind=FaultKind.FLUSH, node="cache", at_s=5), "injected_s": 5.0, "healed_s": 5.01, "ready_s": 5.02}
)
Change = Callable[[Request], Request]


def _trial(
    tmp_path: Path, change: Change = lambda request: request, *, faults: tuple[FaultRecord, ...] = (FAULT,), **more: object
) -> TrialData:
    requests = [change(request) for request in steady(rate_per_s=100, duration_s=12)]
    return trial_data(tmp_path, TrialSpec(requests, faults=faults, **more), phases=PHASES)  # type: ignore[arg-type]


def _failing(start_s: float, end_s: float, outcome: str = "http_error", every: int = 1) -> Change:
    def change(request: Request) -> Request:
        number = round(request.intended_s * 100)
        is_hit = start_s <= request.intended_s < end_s and number % every == 0
        return replace(request, outcome=outcome) if is_hit else request

    return change


def _measured(trial: TrialData, metric: Metric, control: TrialData | None = None) -> Observation:
    found = measures(trial, control)[metric]
    assert isinstance(found, Observation), found
    return found


def test_an_outage_of_two_seconds_is_two_seconds_of_lost_service(tmp_path: Path) -> None:
    """Nothing is served from 5 s to 7 s: 200 of 1,000 requests, 200 times what 99.9 % allow."""
    trial = _trial(tmp_path, _failing(5, 7))
    assert _measured(trial, Metric.LOST_SERVICE_S).low == pytest.approx(2)
    assert _measured(trial, Metric.OBJECTIVE_MET).low == pytest.approx(0.8)
    assert _measured(trial, Metric.ERROR_BUDGET_SPENT).low == pytest.approx(200)
    assert seconds_below(trial, 1.0) == dict.fromkeys(range(0, 100, 10), 2.0)


def test_a_tenth_missing_for_five_seconds_is_half_a_second(tmp_path: Path) -> None:
    """And no second is below 90 % of what is normal; where 95 % were normal, 90 % still are not below 90 % of it."""
    trial = _trial(tmp_path, _failing(5, 10, every=10))
    assert _measured(trial, Metric.LOST_SERVICE_S).low == pytest.approx(0.5)
    assert seconds_below(trial, 1.0)[90] == 0
    assert seconds_below(_trial(tmp_path / "more", _failing(5, 10, every=5)), 1.0)[90] == 5
    assert seconds_below(_trial(tmp_path / "normal", _failing(5, 10, every=5)), 0.8)[90] == 0


def test_what_is_answered_too_late_is_not_served(tmp_path: Path) -> None:
    """A stall of 2 s, after which all is answered, loses the requests that waited for more than the objective's second."""

    def stalled(request: Request) -> Request:
        return replace(request, response_ms=(7 - request.intended_s) * 1000) if 5 <= request.intended_s < 7 else request

    trial = _trial(tmp_path, stalled)
    assert _measured(trial, Metric.AVAILABILITY).low == 1
    assert _measured(trial, Metric.LOST_SERVICE_S).low == pytest.approx(1, abs=0.011)
    assert _measured(trial, Metric.SLOWEST_RESPONSE_MS).low == pytest.approx(2000)


def test_a_window_ends_with_a_shorter_second(tmp_path: Path) -> None:
    """Its share weighs as much as it is long; a second in which nothing was due has no share."""
    shares, lengths_s = quality(_trial(tmp_path), Window(10.0, 13.5))
    assert lengths_s.tolist() == [1.0, 1.0, 1.0, 0.5]
    assert shares[:2].tolist() == [1.0, 1.0]
    assert np.isnan(shares[2:]).all()


def test_the_first_failure_counts_from_the_injection(tmp_path: Path) -> None:
    """The first request that failed was due 0.25 s after it; what failed and ended before it does not count."""
    trial = _trial(tmp_path, lambda request: _failing(3, 3.1)(_failing(5.25, 6)(request)))
    assert _measured(trial, Metric.TIME_TO_FIRST_FAILURE_S).low == pytest.approx(0.25)


def test_a_request_under_way_fails_at_once(tmp_path: Path) -> None:
    """It was due before the injection and failed by it."""
    trial = _trial(tmp_path, lambda r: replace(r, outcome="timeout", response_ms=500.0) if r.intended_s == pytest.approx(4.9) else r)
    assert _measured(trial, Metric.TIME_TO_FIRST_FAILURE_S) == Observation.exact(0)


def test_no_failure_is_a_result(tmp_path: Path) -> None:
    """None is infinite and not missing; nothing had to be mitigated."""
    trial = _trial(tmp_path)
    assert _measured(trial, Metric.TIME_TO_FIRST_FAILURE_S) == Observation.exact(math.inf)
    assert _measured(trial, Metric.TIME_TO_MITIGATE_S) == Observation.exact(0)
    assert _measured(trial, Metric.FAILED_DURING_FAULT) == Observation.exact(0)


def test_mitigation_ends_with_the_last_failure_while_the_fault_is_on(tmp_path: Path) -> None:
    """Failures from 5 s to 6.5 s are mitigated after 1.49 s; later ones, of the heal itself, don't count."""
    trial = _trial(tmp_path, lambda request: _failing(8.2, 8.3)(_failing(5, 6.5)(request)))
    assert _measured(trial, Metric.TIME_TO_MITIGATE_S).low == pytest.approx(1.49)
    assert _measured(trial, Metric.FAILED_DURING_FAULT).low == pytest.approx(160 / 350)


def test_what_fails_until_the_heal_was_not_mitigated(tmp_path: Path) -> None:
    """It is only known to take longer than the 3 s that the fault was in force."""
    assert _measured(_trial(tmp_path, _failing(5, 8.1)), Metric.TIME_TO_MITIGATE_S) == Observation.above(3)


def test_a_fault_that_is_over_at_once_can_not_be_mitigated(tmp_path: Path) -> None:
    """There was no time for it."""
    assert measures(_trial(tmp_path, faults=(FLUSH,)))[Metric.TIME_TO_MITIGATE_S] == Unmeasured("the fault was in force for less than 1 s")


def test_recovery_counts_from_the_injection_the_heal_and_the_readiness(tmp_path: Path) -> None:
    """Failures end at 9.2 s: 5 s from the injection, 2 s from the heal at 8 s, 1 s from the readiness at 8.5 s, in whole seconds."""
    trial = _trial(tmp_path, _failing(5, 9.2))
    assert _measured(trial, Metric.TIME_TO_RECOVER_S) == Observation.exact(5)
    assert _measured(trial, Metric.RECOVERY_AFTER_HEAL_S) == Observation.exact(2)
    assert _measured(trial, Metric.RECOVERY_AFTER_READY_S) == Observation.exact(1)


def test_recovery_that_is_not_reached_is_censored(tmp_path: Path) -> None:
    """It is longer than the 4 s, and the whole 3 s, that the load still lasted."""
    trial = _trial(tmp_path, _failing(5, 12))
    assert _measured(trial, Metric.RECOVERY_AFTER_HEAL_S) == Observation.above(4)
    assert _measured(trial, Metric.RECOVERY_AFTER_READY_S) == Observation.above(3)


def test_a_load_that_ends_too_soon_leaves_it_open(tmp_path: Path) -> None:
    """Ready half a second before the end: any time is possible, and the trial is not dropped."""
    late = FAULT.model_copy(update={"ready_s": 11.5})
    trial = _trial(tmp_path, faults=(late,), counters={("enrollment-1", "outbox_tasks"): lambda at_s: float(at_s >= 5)})
    assert _measured(trial, Metric.RECOVERY_AFTER_READY_S) == Observation.above(0)
    assert _measured(trial, Metric.DRAIN_AFTER_READY_S).is_censored


def test_what_never_was_ready_has_no_recovery_after_it(tmp_path: Path) -> None:
    """A missing moment is a reason, not a zero."""
    found = measures(_trial(tmp_path, faults=(FAULT.model_copy(update={"ready_s": None}),)))
    assert isinstance(found[Metric.RECOVERY_AFTER_READY_S], Unmeasured)
    assert isinstance(found[Metric.DRAIN_AFTER_READY_S], Unmeasured)


def test_the_tail_is_compared_with_the_same_seconds_without_the_fault(tmp_path: Path) -> None:
    """350 requests support p95: 40 ms against 10 ms; slow requests outside of the fault don't count."""
    slow = _trial(tmp_path, lambda request: replace(request, response_ms=40.0 if 5 <= request.intended_s < 8 else 500.0))
    control = _trial(tmp_path / "control", faults=())
    assert _measured(slow, Metric.TAIL_RATIO, control).low == pytest.approx(50)
    only_fault = _trial(tmp_path / "fault", lambda request: replace(request, response_ms=40.0 if 5 <= request.intended_s < 8.5 else 500.0))
    assert _measured(only_fault, Metric.TAIL_RATIO, control).low == pytest.approx(4)
    assert measures(slow)[Metric.TAIL_RATIO] == NO_CONTROL


@pytest.mark.parametrize(
    ("ready_s", "expected"),
    [
        pytest.param(8.5, 3.0, id="350 requests support p95"),
        pytest.param(9.5, 3.0, id="250 requests support p95"),
        pytest.param(10.5, 1.2, id="150 requests support p90 only"),
        pytest.param(11.5, None, id="50 requests support none"),
        pytest.param(None, None, id="never ready"),
    ],
)
def test_the_tail_afterwards_is_compared_with_the_same_seconds_of_the_control(
    tmp_path: Path, ready_s: float | None, expected: float | None
) -> None:
    """After the fault each twelfth request takes 30 ms and the others 12 ms; the control 10 ms, and 90 ms before and in the fault."""

    def afterwards(request: Request) -> Request:
        return replace(request, response_ms=30.0 if round(request.intended_s * 100) % 12 == 0 else 12.0)

    trial = _trial(tmp_path, afterwards, faults=(FAULT.model_copy(update={"ready_s": ready_s}),))
    control = _trial(
        tmp_path / "control", lambda request: replace(request, response_ms=10.0 if request.intended_s >= 8.5 else 90.0), faults=()
    )
    found = measures(trial, control)[Metric.TAIL_AFTER_RATIO]
    if expected is None:
        assert isinstance(found, Unmeasured)
    else:
        assert isinstance(found, Observation)
        assert found.low == pytest.approx(expected)
    assert measures(control)[Metric.TAIL_AFTER_RATIO] == NO_FAULT


def test_without_a_fault_nothing_of_it_is_measured(tmp_path: Path) -> None:
    """And every such measure gives the same reason."""
    found = measures(_trial(tmp_path, faults=()))
    unmeasured = {metric for metric, value in found.items() if value == NO_FAULT}
    assert Metric.TIME_TO_DETECT_S in unmeasured
    assert Metric.LOST_SERVICE_S not in unmeasured
    assert len(unmeasured) == 11


def _detected(tmp_path: Path, **signals: Callable[[float], float]) -> tuple[Detection, ...] | Unmeasured:
    counters = {("courses-2", metric): value for metric, value in signals.items()}
    return detections(_trial(tmp_path, counters=counters))


def test_the_first_that_noticed_is_named(tmp_path: Path) -> None:
    """NGINX's moment is exact; readings come every half second, the one at 6.003 s is the first that is not ready."""
    found = _detected(
        tmp_path,
        ready=lambda at_s: float(not 5.6 <= at_s < 8.2),
        cache_available=lambda at_s: float(at_s < 6.8),
        **{GAVE_UP: lambda _at_s: EPOCH_UNIX_S + 5.3},
    )
    assert isinstance(found, tuple)
    assert [one.what for one in found] == [
        "NGINX passes over courses-2",
        "courses-2 is not ready",
        "courses-2 opens its breaker to the cache",
    ]
    assert [one.after_s for one in found] == pytest.approx([0.3, 1.003, 2.003])
    assert [one.late_s for one in found] == pytest.approx([0, 0.5, 0.5])


def test_what_was_unwell_before_has_not_noticed(tmp_path: Path) -> None:
    """Nor has what turns after all was over, or NGINX before the fault: longer than the 3.5 s that it took."""
    counters = {
        ("courses-2", "ready"): lambda at_s: float(at_s < 4),
        ("courses-1", "ready"): lambda at_s: float(at_s < 9),
        ("courses-1", GAVE_UP): lambda _at_s: EPOCH_UNIX_S + 3,
    }
    trial = _trial(tmp_path, counters=counters)
    assert detections(trial) == ()
    assert _measured(trial, Metric.TIME_TO_DETECT_S) == Observation.above(3.5)


def test_who_was_passed_over_before_the_fault_says_nothing_of_it(tmp_path: Path) -> None:
    """NGINX gave up on the replica at 3 s already, so that it does so at 5.5 s too is no news."""
    assert _detected(tmp_path, **{GAVE_UP: lambda at_s: EPOCH_UNIX_S + (3 if at_s < 5 else 5.5)}) == ()


def test_nobody_who_could_notice_is_no_answer(tmp_path: Path) -> None:
    """As in runs from before detectors were read."""
    assert isinstance(_detected(tmp_path, upstream_failures=lambda _at_s: 0.0), Unmeasured)


STRUCK = Struck(injected_s=5, healed_s=8, ready_s=8.5, is_instant=False, load_end_s=20)


def _readings(value: Callable[[float], float], until_s: float = 20) -> Readings:
    at_s = np.arange(0, until_s, 0.5)
    return Readings(at_s, np.array([value(one) for one in at_s]))


def test_a_backlog_is_drained_when_it_is_as_it_was_before_the_fault() -> None:
    """It held 2 at most before, 300 at the end of the fault, and falls by 50/s from 8.5 s on: 2 or less at 14.5 s."""
    found = drain(
        _readings(lambda at_s: 2.0 if at_s < 5 else 100 * (at_s - 5) if at_s < 8 else max(0.0, 300 - 50 * (at_s - 8.5))), STRUCK, 2
    )
    assert found == Observation.exact(6)


def test_a_backlog_that_comes_back_is_not_drained() -> None:
    """One normal reading among others is no drain; at the end of the readings it is only known to take longer."""
    found = drain(_readings(lambda at_s: 0.0 if at_s < 5 or at_s == 10 else 80.0), STRUCK, 2)
    assert found == Observation.above(11)


def test_a_backlog_that_never_grew_is_drained_at_once() -> None:
    """What was normal at the last reading before it was ready takes no time."""
    assert drain(_readings(lambda _at_s: 4.0), STRUCK, 2) == Observation.exact(0)


def test_an_outbox_that_every_replica_counts_is_one_backlog(tmp_path: Path) -> None:
    """Its peak is what one of them saw, not their sum."""
    counters = {(f"enrollment-{number}", "outbox_tasks"): lambda at_s: 40.0 if 6 < at_s < 7 else 1.0 for number in (1, 2)}
    counters["broker", "queue_messages"] = lambda _at_s: 1000.0
    assert _measured(_trial(tmp_path, counters=counters), Metric.BACKLOG_PEAK) == Observation.exact(40)


def test_failures_are_told_apart_by_time_and_kind(tmp_path: Path) -> None:
    """Ten of them before, during and after, each of its own kind."""

    def change(request: Request) -> Request:
        return _failing(10, 10.1, "connection_error")(_failing(6, 6.1)(_failing(3, 3.1, "timeout")(request)))

    found = error_classes([_trial(tmp_path, change), _trial(tmp_path / "clean")])
    assert [(one.when, one.name, one.counts) for one in found] == [
        (When.BEFORE, "timeout", (10, 0)),
        (When.DURING, "502", (10, 0)),
        (When.AFTER, "connection error", (10, 0)),
    ]


def test_the_control_differs_in_nothing_but_the_fault() -> None:
    """A treatment without a fault that has other factors, another rate or another delay is no control of it."""
    fault = (FAULT.planned,)
    asked = experiment(
        treatments=(
            Treatment(name="chance", title="-", chance=Chance(per_minute=6)),
            Treatment(name="plain", title="plain"),
            Treatment(name="off", title="off", factors={"cache": False}),
            Treatment(name="fast", title="fast", rate_per_s=500),
            Treatment(name="plain_crash", title="-", faults=fault),
            Treatment(name="off_crash", title="-", factors={"cache": False}, faults=fault),
            Treatment(name="fast_crash", title="-", rate_per_s=500, faults=fault),
            Treatment(name="few_crash", title="-", factors={"courses.threads": 2}, faults=fault),
            Treatment(name="skewed_crash", title="-", zipf_exponent=1.5, faults=fault),
        )
    )
    found = {one.name: control_of(asked, one.name) for one in asked.treatments if one.breaks}
    assert found == {
        "chance": "plain",
        "plain_crash": "plain",
        "off_crash": "off",
        "fast_crash": "fast",
        "few_crash": None,
        "skewed_crash": None,
    }


def test_the_control_trial_is_the_valid_one_of_the_block(tmp_path: Path) -> None:
    """Where the control of the block is not valid there is none, whatever other blocks have."""
    plain, crash = Treatment(name="plain", title="plain"), Treatment(name="crash", title="-", faults=(FAULT.planned,))
    asked = experiment(treatments=(plain, crash), trials=2, phases=PHASES)
    requests = steady(rate_per_s=10, duration_s=12)
    specs = {
        (block, name): TrialSpec(requests, faults=(FAULT,) if name == "crash" else (), valid=(block, name) != (1, "plain"))
        for block in range(2)
        for name in ("plain", "crash")
    }
    run = load_trials(write(tmp_path, asked, specs))
    found = {trial.record.block: control_trial(run, trial) for trial in run.valid("crash")}
    assert found[1] is None
    assert found[0] is not None
    assert (found[0].record.block, found[0].record.treatment) == (0, "plain")


def test_charts_show_the_typical_times_of_the_same_fault_only(tmp_path: Path) -> None:
    """Where each trial draws its own faults, one has no typical time, and none is drawn."""
    other = FAULT.model_copy(update={"planned": Fault(node="courses-1", at_s=2, duration_s=3)})
    requests = steady(rate_per_s=10, duration_s=12)
    first, again, elsewhere = (
        trial_data(tmp_path / name, TrialSpec(requests, faults=(fault,)), phases=PHASES)
        for name, fault in (("first", FAULT), ("again", FAULT), ("elsewhere", other))
    )
    assert [span.injected_s for span in fault_spans([first, again])] == [INJECTED_S]
    assert fault_spans([first, elsewhere]) == ()
