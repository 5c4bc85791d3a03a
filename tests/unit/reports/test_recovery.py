"""Time to recover on traces whose answer is known."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from experiments.definition import Fault, Metric, Phases, Treatment
from reports.analysis.estimates import Observation, Unmeasured
from reports.analysis.measures import measures
from tests.unit.reports.example_runs import crash
from tests.unit.reports.factory import Request, TrialSpec, steady, trial_data

PHASES = Phases(warm_up_s=2, measure_s=13)
FAULT_S = 6.02
"""When the fault is carried out; planned a little earlier."""
Change = Callable[[Request], Request]


def _recovered(tmp_path: Path, change: Change, *, at_s: float = 6) -> Observation | Unmeasured:
    """Time to recover of a trial of 15 s at 200/s and about 5 ms, changed request by request."""
    treatment = Treatment(
        name="crash", title="crash", factors={"courses.replicas": 3}, faults=(Fault(node="courses-2", at_s=at_s, duration_s=3),)
    )
    steady_requests = steady(rate_per_s=200, duration_s=15, response_ms=lambda number, _at_s: 5 + number % 7 / 10)
    spec = TrialSpec([change(request) for request in steady_requests], faults=(crash(at_s=at_s, duration_s=3),))
    return measures(trial_data(tmp_path, spec, phases=PHASES, treatment=treatment))[Metric.TIME_TO_RECOVER_S]


def _between(start_s: float, end_s: float, **change: float | str) -> Change:
    """Changes requests that are due within so many seconds after the fault."""
    return lambda request: replace(request, **change) if start_s <= request.intended_s - FAULT_S < end_s else request  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("change", "expected_s"),
    [
        pytest.param(_between(0, 0), 0, id="clients never noticed"),
        pytest.param(_between(0, 0.3, outcome="connection_error"), 1, id="failures in the first second"),
        pytest.param(_between(0, 2.5, outcome="http_error"), 3, id="failures for two and a half seconds"),
        pytest.param(_between(3.1, 3.2, outcome="timeout"), 4, id="failures only when the replica comes back"),
        pytest.param(_between(0, 4, response_ms=300.0), 4, id="slow for four seconds"),
        pytest.param(_between(0, 4, response_ms=9.0), 0, id="slower by less than what is normal times two"),
        pytest.param(_between(6, 7, response_ms=300.0), 0, id="one slow second long after three normal ones"),
    ],
)
def test_the_time_to_recover_is_the_one_that_was_put_in(tmp_path: Path, change: Change, expected_s: float) -> None:
    """Whole seconds from the fault until failures and response times are back in their range."""
    assert _recovered(tmp_path, change) == Observation.exact(expected_s)


def test_one_quiet_second_amid_trouble_is_no_recovery(tmp_path: Path) -> None:
    """Slow for two seconds, normal for one, slow for two: recovered after five."""

    def change(request: Request) -> Request:
        after_s = request.intended_s - FAULT_S
        return replace(request, response_ms=300) if 0 <= after_s < 2 or 3 <= after_s < 5 else request

    assert _recovered(tmp_path, change) == Observation.exact(5)


def test_who_never_recovers_is_censored_at_the_end_of_the_load(tmp_path: Path) -> None:
    """Eight whole seconds lie between the fault and the end, so it took longer than 8 s."""
    assert _recovered(tmp_path, _between(0, 99, response_ms=400.0)) == Observation.above(8)
    assert _recovered(tmp_path / "failing", _between(0, 99, outcome="timeout")) == Observation.above(8)


def test_without_a_stretch_before_the_fault_nothing_is_normal(tmp_path: Path) -> None:
    """A fault 1 s after the measure phase began leaves no range to compare with."""
    assert isinstance(_recovered(tmp_path, _between(0, 0), at_s=3), Unmeasured)


def test_failures_that_were_normal_before_are_normal_after(tmp_path: Path) -> None:
    """With one of 200 requests failing all the time the fault made no difference."""
    found = _recovered(
        tmp_path, lambda request: replace(request, outcome="http_error") if round(request.intended_s * 200) % 200 == 150 else request
    )
    assert found == Observation.exact(0)


def test_a_trial_without_a_fault_has_no_time_to_recover(tmp_path: Path) -> None:
    """It is unmeasured, and so is one whose fault was never carried out."""
    plain = measures(trial_data(tmp_path, TrialSpec(steady(rate_per_s=200, duration_s=10))))
    assert plain[Metric.TIME_TO_RECOVER_S] == Unmeasured("no fault is planned")
    never = crash(at_s=5, duration_s=3).model_copy(update={"injected_s": None, "proof": None})
    spec = TrialSpec(steady(rate_per_s=200, duration_s=10), faults=(never,), valid=False, reasons=("no proof",))
    assert measures(trial_data(tmp_path / "never", spec))[Metric.TIME_TO_RECOVER_S] == Unmeasured("the fault was never carried out")
