"""The steady state of trials and treatments with planted shapes."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from experiments.definition import Arrivals, Experiment, Fault, Operation, Phases, Ramp, Spike, Treatment
from reports.analysis.drift import MIN_REQUESTS
from reports.analysis.steady import Answer, Latencies, latencies, mser, no_steady_state, run_steadiness, steadiness, steady_state
from reports.loading import Window
from tests.simulations.steady_shapes import STEADY, UNSTEADY, Shape, draw, fall_after_transient, flat, step_up
from tests.unit.reports.factory import Request, TrialSpec, experiment, load_trials, steady, trial_data, write

TRIALS = 5
TREATMENTS = 8


@pytest.mark.parametrize("shape", STEADY.values(), ids=STEADY)
def test_a_flat_level_is_steady_whatever_its_noise(shape: Shape) -> None:
    """Autocorrelation, bursts and regular pauses are no change of the level."""
    rng = np.random.default_rng(21)
    found = [steadiness([draw(rng, shape) for _ in range(TRIALS)]) for _ in range(TREATMENTS)]
    assert [one.answer for one in found] == [Answer.STEADY] * TREATMENTS
    assert sum(one.count(Answer.NOT_STEADY) for one in found) <= 1


@pytest.mark.parametrize("shape", UNSTEADY.values(), ids=UNSTEADY)
def test_a_treatment_that_changes_has_no_steady_state(shape: Shape) -> None:
    """Most of its trials show it one by one."""
    rng = np.random.default_rng(22)
    found = [steadiness([draw(rng, shape) for _ in range(TRIALS)]) for _ in range(TREATMENTS)]
    assert [one.answer for one in found] == [Answer.NOT_STEADY] * TREATMENTS
    assert sum(one.count(Answer.NOT_STEADY) for one in found) >= 0.7 * TREATMENTS * TRIALS


def test_a_transient_is_told_with_its_size_its_end_and_what_comes_after_it() -> None:
    """A fall by 31 % after a fifth of the measure phase; from there on the trial is steady."""
    trial = draw(np.random.default_rng(23), fall_after_transient, requests=3000)
    found = steady_state(trial)
    end_s = trial.measure.start_s + 0.2 * trial.measure.length_s
    assert found.answer is Answer.NOT_STEADY
    assert found.change == pytest.approx(-0.31, abs=0.05)
    assert found.reason.startswith(f"the typical service time fell by {-100 * found.change:.0f} % after ")
    assert found.from_s == pytest.approx(end_s, abs=0.4)


def test_a_steady_trial_is_so_since_its_warm_up_was_over() -> None:
    """A start at four times the level that ends after half of the warm-up is no part of what is measured."""
    trial = draw(np.random.default_rng(24), flat, requests=2000)
    cold = replace(trial, log_ms=trial.log_ms + math.log(4) * (trial.at_s < 1))
    found = steady_state(cold)
    assert found.answer is Answer.STEADY
    assert found.from_s == pytest.approx(1, abs=0.15)
    assert steady_state(trial).from_s == pytest.approx(0, abs=0.1)


def test_a_level_that_never_settles_has_no_beginning() -> None:
    """A drift goes on to the end of the load."""
    trial = draw(np.random.default_rng(25), UNSTEADY["growth from 10 ms to 2 s"])
    found = steady_state(trial)
    assert found.from_s is None
    assert "times its level over the measure phase" in found.reason


def test_too_few_requests_tell_nothing() -> None:
    """Neither steady nor unsteady, even where every trial would grow a hundredfold."""
    trials = [draw(np.random.default_rng(seed), UNSTEADY["growth from 10 ms to 2 s"], requests=MIN_REQUESTS - 1) for seed in range(5)]
    found = steadiness(trials)
    assert found.answer is Answer.UNTOLD
    assert found.count(Answer.UNTOLD) == 5
    assert found.reason == f"{MIN_REQUESTS - 1} answered requests in the measure phase are fewer than {MIN_REQUESTS}"
    assert math.isinf(found.noticeable)


def test_too_much_noise_tells_nothing() -> None:
    """A trial that could hide a change by half isn't called steady."""
    trial = draw(np.random.default_rng(26), flat, requests=500)
    found = steady_state(replace(trial, log_ms=4 * trial.log_ms))
    assert found.answer is Answer.UNTOLD
    assert found.from_s is None
    assert "may go unnoticed" in found.reason


def test_trials_that_change_in_opposite_directions_are_not_steady_together() -> None:
    """Their common change is none, but most of them have one."""
    rng = np.random.default_rng(27)
    up = [draw(rng, step_up, requests=3000) for _ in range(2)]
    down = [replace(trial, log_ms=-trial.log_ms) for trial in (draw(rng, step_up, requests=3000) for _ in range(2))]
    found = steadiness([*up, *down])
    assert found.answer is Answer.NOT_STEADY
    assert found.reason.startswith("4 of 4 trials change, each in its own way: in the first of them the typical service time rose")


def test_a_minority_of_changing_trials_does_not_condemn_the_treatment() -> None:
    """Two of five changed at different places and in different directions; the verdict rests on all of them."""
    rng = np.random.default_rng(28)
    changing = [draw(rng, step_up, requests=3000) for _ in range(2)]
    mirrored = replace(changing[1], log_ms=-changing[1].log_ms)
    found = steadiness([changing[0], mirrored, *(draw(rng, flat, requests=3000) for _ in range(3))])
    assert found.count(Answer.NOT_STEADY) == 2
    assert found.answer is Answer.STEADY
    assert found.from_s is not None


def test_mser_cuts_off_a_transient_and_at_most_half() -> None:
    """The known answers of a step, to the batch of five, and of a level that falls for ever."""
    noise = np.random.default_rng(29).normal(0, 0.1, 1000)
    assert mser(noise + (np.arange(1000) < 200)) == pytest.approx(200, abs=5)
    assert mser(noise - np.arange(1000) / 100) == 500


def test_latencies_are_service_times_of_answers_until_the_measure_phase_ends(tmp_path: Path) -> None:
    """Relative to their operation's median; neither the generator's lateness nor failures nor the cool-down are in them."""
    requests = [
        Request(number / 100, 15.0 if number % 2 else 5.0, operation=Operation.ENROLL if number % 2 else Operation.READ_COURSE, slip_ms=1.0)
        for number in range(1200)
    ]
    requests[500] = replace(requests[500], outcome="timeout", response_ms=10_000)
    trial = trial_data(tmp_path, TrialSpec(requests), phases=Phases(warm_up_s=2, measure_s=8, cool_down_s=2))
    found = latencies(trial)
    assert found.measure == Window(2, 10)
    assert len(found.log_ms) == 999
    assert found.at_s[-1] == pytest.approx(9.99)
    assert np.allclose(found.log_ms, 0)


def test_a_service_time_of_nothing_has_a_logarithm(tmp_path: Path) -> None:
    """A clock's resolution makes zeros."""
    found = latencies(trial_data(tmp_path, TrialSpec(steady(rate_per_s=100, duration_s=10, response_ms=lambda _number, _at_s: 0.0))))
    assert np.isfinite(found.log_ms).all()


def _grows(_number: int, at_s: float) -> float:
    return 10.0 + 199 * max(at_s - 2, 0)


def _same(asked: Experiment) -> Experiment:
    return asked


def _with_a_ramp(asked: Experiment) -> Experiment:
    return asked.model_copy(update={"arrivals": Arrivals(rate_per_s=250, ramp=Ramp(from_per_s=5, duration_s=1))})


def _with_a_spike(asked: Experiment) -> Experiment:
    return asked.model_copy(update={"arrivals": Arrivals(rate_per_s=250, spike=Spike(at_s=3, duration_s=1, rate_per_s=500))})


@pytest.mark.parametrize(
    ("change", "judged"), [(_same, ["plain"]), (_with_a_ramp, []), (_with_a_spike, [])], ids=["constant load", "ramp", "spike"]
)
def test_only_what_is_meant_to_be_steady_is_judged(tmp_path: Path, change: Callable[[Experiment], Experiment], judged: list[str]) -> None:
    """A constant load with nothing broken on purpose."""
    fault = Fault(node="courses-1", at_s=5, duration_s=1)
    treatments = (Treatment(name="plain", title="plain"), Treatment(name="broken", title="broken", faults=(fault,)))
    asked = change(experiment(treatments=treatments, trials=1))
    spec = TrialSpec(steady(rate_per_s=250, duration_s=10, response_ms=_grows))
    run = load_trials(write(tmp_path, asked, {(0, "plain"): spec, (0, "broken"): spec}))
    assert list(run_steadiness(run)) == judged


def test_no_steady_state_names_the_treatment_and_the_reason(tmp_path: Path) -> None:
    """A latency that grows from 10 ms to 1.6 s beside one that is flat; invalid trials don't count."""
    treatments = tuple(Treatment(name=name, title=name) for name in ("grows", "flat"))
    asked = experiment(treatments=treatments, trials=2)
    growing = TrialSpec(steady(rate_per_s=250, duration_s=10, response_ms=_grows))
    noise = np.random.default_rng(30).lognormal(0, 0.4, 2500)
    level = TrialSpec(steady(rate_per_s=250, duration_s=10, response_ms=lambda number, _at_s: 10 * float(noise[number])))
    invalid = replace(growing, valid=False, reasons=("the load was late",))
    run = load_trials(write(tmp_path, asked, {(0, "grows"): growing, (1, "grows"): growing, (0, "flat"): level, (1, "flat"): invalid}))
    judged = run_steadiness(run)
    assert judged["flat"].answer is Answer.STEADY
    assert [len(found.trials) for found in judged.values()] == [2, 1]
    reasons = no_steady_state(judged)
    assert list(reasons) == ["grows"]
    assert reasons["grows"].startswith("no steady state: the typical service time rose to ")


def test_requests_without_a_steady_window_are_counted_from_the_measure_phase() -> None:
    """The warm-up is no part of the trial's batches."""
    trial = Latencies(np.arange(10, dtype=np.float64), np.arange(10, dtype=np.float64), Window(4, 10))
    assert trial.measured.tolist() == [4, 5, 6, 7, 8, 9]
