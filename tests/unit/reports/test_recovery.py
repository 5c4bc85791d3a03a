"""Time to recover on traces whose answer is known: the trial, and mostly the control trial of its block, are planted and loaded."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from experiments.definition import BoundClaim, Fault, Metric, Phases, Treatment
from reports.analysis.estimates import Observation, Unmeasured
from reports.analysis.measures import measures
from reports.analysis.recovery import MIN_BASELINE_S
from reports.analysis.summary import summarise
from reports.loading import TrialData
from reports.page.fault_tables import clients_table
from reports.page.judgements import claim_judgement
from reports.verdicts.claims import ClaimVerdict
from reports.verdicts.finding import Outcome
from tests.unit.reports.example_runs import crash
from tests.unit.reports.factory import Request, TrialSpec, experiment, load_trials, steady, trial_data, write

PHASES = Phases(warm_up_s=2, measure_s=13)
FAULT_S = 6.02
"""When the fault is carried out; planned a little earlier. Eight whole seconds lie between it and the end of the load."""
RATE_PER_S = 200
GOLDEN_RATIO = 0.6180339887
"""Its multiples are spread evenly, in each second and in the whole trial."""
Change = Callable[[Request], Request]


def _unchanged(request: Request) -> Request:
    return request


def _trial(tmp_path: Path, change: Change = _unchanged, *, at_s: float | None = 6, noise_seed: int | None = None) -> TrialData:
    """A trial of 15 s at 200/s and 4 to 6 ms, changed request by request; with noise, as a busy machine adds it, if it has a seed."""
    fault = None if at_s is None else Fault(node="courses-2", at_s=at_s, duration_s=3)
    treatment = Treatment(name="one", title="one", factors={"courses.replicas": 3}, faults=() if fault is None else (fault,))
    duration_s = PHASES.total_s
    noise = np.zeros(round(RATE_PER_S * duration_s))
    if noise_seed is not None:
        rng = np.random.default_rng(noise_seed)
        by_second = rng.normal(0, 0.06, round(duration_s)).repeat(RATE_PER_S)
        noise = rng.normal(0, 0.05) + by_second + rng.normal(0, 0.4, noise.size)
    requests = steady(
        rate_per_s=RATE_PER_S,
        duration_s=duration_s,
        response_ms=lambda number, _at_s: (4 + 2 * (number * GOLDEN_RATIO % 1)) * math.exp(noise[number]),
    )
    faults = () if at_s is None else (crash(at_s=at_s, duration_s=3),)
    spec = TrialSpec([change(request) for request in requests], faults=faults)
    return trial_data(tmp_path, spec, phases=PHASES, treatment=treatment)


def _control(tmp_path: Path, change: Change = _unchanged, *, noise_seed: int | None = None) -> TrialData:
    return _trial(tmp_path / "control", change, at_s=None, noise_seed=noise_seed)


def _recovered(trial: TrialData, control: TrialData | None) -> Observation | Unmeasured:
    return measures(trial, control)[Metric.TIME_TO_RECOVER_S]


def _between(start_s: float, end_s: float, *, times: float = 1.0, every: int = 1, outcome: str = "ok") -> Change:
    """Changes requests that are due within so many seconds after the fault, or each so many-th of them."""

    def change(request: Request) -> Request:
        is_hit = start_s <= request.intended_s - FAULT_S < end_s and round(request.intended_s * RATE_PER_S) % every == 0
        return replace(request, response_ms=times * request.response_ms, outcome=outcome) if is_hit else request

    return change


def _one_after_the_other(*changes: Change) -> Change:
    def change(request: Request) -> Request:
        for one in changes:
            request = one(request)
        return request

    return change


EVERYWHERE = (-99, 99)
LASTING_FAILURES = _between(0, 99, every=80, outcome="timeout")
TABLE = [
    pytest.param(_between(0, 0), Observation.exact(0), id="nothing differs"),
    pytest.param(_between(0, 0.3, outcome="connection_error"), Observation.exact(1), id="failures in the first second"),
    pytest.param(_between(0, 2.5, outcome="http_error"), Observation.exact(3), id="failures for two and a half seconds"),
    pytest.param(_between(3.1, 3.2, outcome="timeout"), Observation.exact(4), id="failures only when the replica comes back"),
    pytest.param(_between(0, 99, outcome="timeout"), Observation.above(8), id="failures until the end"),
    pytest.param(LASTING_FAILURES, Observation.above(8), id="two or three failures in each second until the end"),
    pytest.param(_between(6.5, 6.505, outcome="timeout"), Observation.exact(0), id="a single late failure"),
    pytest.param(_between(0, 4, times=60), Observation.exact(4), id="slow for four seconds"),
    pytest.param(
        _one_after_the_other(_between(0, 2, times=60), _between(3, 5, times=60)), Observation.exact(5), id="one quiet second amid trouble"
    ),
    pytest.param(_between(0, 99, times=1.3), Observation.exact(0), id="slower for ever within the band"),
    pytest.param(_between(0, 99, times=1.6), Observation.above(8), id="slower for ever beyond the band"),
    pytest.param(_between(0, 99, times=2.2), Observation.above(8), id="twice as slow for ever"),
    pytest.param(_between(0, 99, times=3, every=10), Observation.above(8), id="only a tenth of the requests slower for ever"),
    pytest.param(_between(5, 5.2, times=60), Observation.exact(0), id="a late stall of less than a twentieth of what is left"),
    pytest.param(_between(4, 5, times=60), Observation.exact(5), id="a slow second that comes late"),
    pytest.param(_between(6, 7, times=60), Observation(7, math.inf), id="a slow second after which too little is left"),
]


@pytest.mark.parametrize(("change", "expected"), TABLE)
def test_the_time_to_recover_is_the_one_that_was_put_in(tmp_path: Path, change: Change, expected: Observation) -> None:
    """Whole seconds from the fault until all that is left of the load is as in the control trial."""
    assert _recovered(_trial(tmp_path, change), _control(tmp_path)) == expected


@pytest.mark.parametrize(("change", "expected"), TABLE)
def test_without_a_control_trial_the_seconds_before_the_fault_say_what_is_normal(
    tmp_path: Path, change: Change, expected: Observation
) -> None:
    """The answers are the same, except that four seconds without a failure tell less: too little to show a few failures near the end."""
    found = _recovered(_trial(tmp_path, change), None)
    assert found == (Observation(6, math.inf) if change is LASTING_FAILURES else expected)


def test_without_a_control_trial_and_a_stretch_before_the_fault_nothing_is_normal(tmp_path: Path) -> None:
    """A fault 1 s after the measure phase began leaves no range to compare with; a control trial does."""
    trial = _trial(tmp_path, at_s=3)
    found = _recovered(trial, None)
    assert isinstance(found, Unmeasured)
    assert f"less than {MIN_BASELINE_S:g} s" in found.reason
    assert _recovered(trial, _control(tmp_path)) == Observation.exact(0)


def test_as_before_is_as_in_the_same_seconds_of_the_control_trial(tmp_path: Path) -> None:
    """Where everything gets three times slower in both, as in a rush, the fault made no difference; the trial's beginning can't know."""
    rush = _between(2, 99, times=3)
    trial = _trial(tmp_path, rush)
    assert _recovered(trial, _control(tmp_path, rush)) == Observation.exact(0)
    assert _recovered(trial, None) == Observation.above(8)
    assert _recovered(_trial(tmp_path / "faster"), _control(tmp_path / "rushed", rush)) == Observation.exact(0)


def test_the_band_is_the_experiment_s(tmp_path: Path) -> None:
    """Slower by 1.6 for ever is within a band of 2."""
    asked = experiment(treatments=(Treatment(name="plain", title="plain"),), trials=1).model_copy(update={"recovery_band": 2.0})
    loaded = load_trials(write(tmp_path / "banded", asked, {(0, "plain"): TrialSpec(steady(rate_per_s=10, duration_s=10))})).trials[0]
    assert loaded.recovery_band == 2
    trial, control = _trial(tmp_path, _between(0, 99, times=1.6)), _control(tmp_path)
    assert _recovered(replace(trial, recovery_band=loaded.recovery_band), control) == Observation.exact(0)


@pytest.mark.parametrize("noise_seed", range(4))
def test_noise_is_no_fault_and_a_lasting_slowdown_is_no_noise(tmp_path: Path, noise_seed: int) -> None:
    """Under the noise of the quick suite a trial without an effect is recovered at once, and one that stays slower never."""
    control = _control(tmp_path, noise_seed=100 + noise_seed)
    seen = {times: _trial(tmp_path / f"{times}", _between(0, 99, times=times), noise_seed=noise_seed) for times in (1.0, 1.8, 2.5)}
    assert _recovered(seen[1.0], control) == Observation.exact(0)
    for times in (1.8, 2.5):
        slower = _recovered(seen[times], control)
        assert isinstance(slower, Observation)
        assert slower.high == math.inf
    assert _recovered(seen[2.5], control) == Observation.above(8)


def test_too_few_requests_show_neither(tmp_path: Path) -> None:
    """At 1 request/s nothing says that service is as before, nor that it is not: any time is possible."""
    fault = crash(at_s=6, duration_s=3)
    requests = steady(rate_per_s=1, duration_s=15, response_ms=lambda number, _at_s: (3.0, 5.0, 9.0)[number % 3])
    trial, control = (
        trial_data(tmp_path / name, TrialSpec(requests, faults=faults), phases=PHASES)
        for name, faults in (("own", (fault,)), ("control", ()))
    )
    assert _recovered(trial, control) == Observation.above(0)


@pytest.mark.parametrize("with_control", [True, False])
def test_failures_that_happen_anyway_are_no_trouble(tmp_path: Path, with_control: bool) -> None:  # noqa: FBT001
    """With one of 200 requests failing all the time the fault made no difference."""
    usual = _between(*EVERYWHERE, every=200, outcome="http_error")
    assert _recovered(_trial(tmp_path, usual), _control(tmp_path, usual) if with_control else None) == Observation.exact(0)


def test_failures_of_the_same_seconds_without_the_fault_are_no_trouble(tmp_path: Path) -> None:
    """What both trials fail in one second, as in a spike, is not the fault's."""
    spike = _between(3, 4, every=20, outcome="http_error")
    assert _recovered(_trial(tmp_path, spike), _control(tmp_path, spike)) == Observation.exact(0)
    assert _recovered(_trial(tmp_path / "alone", spike), _control(tmp_path / "alone")) == Observation.exact(4)


def test_a_trial_without_a_fault_has_no_time_to_recover(tmp_path: Path) -> None:
    """It is unmeasured, and so is one whose fault was never carried out."""
    plain = measures(trial_data(tmp_path, TrialSpec(steady(rate_per_s=200, duration_s=10))))
    assert plain[Metric.TIME_TO_RECOVER_S] == Unmeasured("no fault is planned")
    never = crash(at_s=5, duration_s=3).model_copy(update={"injected_s": None, "proof": None})
    spec = TrialSpec(steady(rate_per_s=200, duration_s=10), faults=(never,), valid=False, reasons=("no proof",))
    assert measures(trial_data(tmp_path / "never", spec))[Metric.TIME_TO_RECOVER_S] == Unmeasured("the fault was never carried out")


AS_BEFORE = "as before is within 3× of the control trial's median and tail (p95)"  # noqa: RUF001


@pytest.mark.parametrize(
    ("metric", "expected"),
    [
        (Metric.TIME_TO_RECOVER_S, f"Claimed: at most 2 s in the typical trial; {AS_BEFORE}"),
        (Metric.RECOVERY_AFTER_READY_S, f"Claimed: at most 2 s in the typical trial; {AS_BEFORE}"),
        (Metric.SLOWEST_RESPONSE_MS, "Claimed: at most 2 ms in every trial"),
    ],
)
def test_a_claim_of_recovery_says_what_as_before_means(metric: Metric, expected: str) -> None:
    """The band is the experiment's; a claim that is about something else does not mention it."""
    claim = BoundClaim(statement="Served as before", metric=metric, treatment="plain", at_most=2)
    asked = experiment(treatments=(Treatment(name="plain", title="plain"),), claims=(claim,)).model_copy(update={"recovery_band": 3.0})
    verdict = ClaimVerdict(claim, claim.is_over, Outcome.INCONCLUSIVE, Unmeasured("no valid trial"), 0, "no valid trial")
    found = claim_judgement(asked, verdict).asked
    assert found.startswith(expected)
    assert ("as before" in found) == ("as before" in expected)


@pytest.mark.parametrize(
    ("invalid_controls", "expected"),
    [((), ""), ((1,), " 1 trial had no valid control trial"), ((0, 1), " 2 trials had no valid control trial")],
)
def test_the_table_says_which_trials_had_no_control(tmp_path: Path, invalid_controls: tuple[int, ...], expected: str) -> None:
    """They are compared with their own beginning, and a reader is told how many."""
    fault = Fault(node="courses-2", at_s=6, duration_s=3)
    treatments = (
        Treatment(name="control", title="no fault", factors={"courses.replicas": 3}),
        Treatment(name="crash", title="killed", factors={"courses.replicas": 3}, faults=(fault,)),
    )
    asked = experiment(treatments=treatments, trials=2, phases=PHASES)
    requests = steady(rate_per_s=50, duration_s=PHASES.total_s)
    specs = {(block, "control"): TrialSpec(requests, valid=block not in invalid_controls) for block in range(2)}
    specs |= {(block, "crash"): TrialSpec(requests, faults=(crash(at_s=6, duration_s=3),)) for block in range(2)}
    run = load_trials(write(tmp_path, asked, specs))
    note = clients_table(run, summarise(run), "run").note
    assert "within 1.5× of the control trial's" in note  # noqa: RUF001
    assert (expected in note) if expected else ("no valid control" not in note)
