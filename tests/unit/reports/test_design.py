"""What the page says of a run's design: bring-ups, order, resets, validity by treatment, and the spread by level."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from experiments.definition import Metric, Treatment
from reports.analysis.bring_ups import components, levels
from reports.analysis.summary import summarise
from reports.loading import RunData
from reports.page.data import Table, Tone
from reports.page.design_tables import (
    ONE_BRING_UP,
    design_table,
    design_text,
    levels_table,
    validity_table,
    validity_warning,
)
from reports.page.record_tables import trials_table
from reports.page.sections import judge_trials, trials_section
from tests.unit.reports.factory import TrialSpec, experiment, load_trials, steady, write

A, B = Treatment(name="a", title="one"), Treatment(name="b", title="other")
CLEARED = "The cache is emptied before every trial."


def _spec(response_ms: float = 10.0) -> TrialSpec:
    requests = steady(rate_per_s=50, duration_s=10, response_ms=lambda _number, _at_s: response_ms)
    return TrialSpec(requests, reset=(CLEARED,))


def _late(response_ms: float = 10.0) -> TrialSpec:
    """The same, and invalid."""
    return replace(_spec(response_ms), valid=False, reasons=("the load generator was late",))


def _run(
    folder: Path,
    *,
    trials: int = 4,
    bring_ups: int = 1,
    specs: dict[tuple[int, str], TrialSpec] | None = None,
    repeats: dict[tuple[int, str], TrialSpec] | None = None,
) -> RunData:
    asked = experiment(treatments=(A, B), trials=trials, bring_ups=bring_ups)
    everything = {(block, name): _spec() for block in range(trials) for name in ("a", "b")}
    return load_trials(write(folder / "runs", asked, everything | (specs or {}), repeats=repeats))


def _texts(table: Table) -> list[list[str]]:
    return [[cell.text for cell in row] for row in table.rows]


@pytest.mark.parametrize(
    ("groups", "between", "within"),
    [
        # Means 2 and 6 of two pairs: MS between 16, MS within 2, so 7 and 2 (by hand).
        ([[1, 3], [5, 7]], 7**0.5, 2**0.5),
        ([[1, 3], [1, 3]], 0, 2**0.5),
        ([[1, 1], [4, 4], [7, 7]], 3, 0),
        # Sizes 3 and 1, means 2 and 6: MS between 12, MS within 1, typical size 1.5.
        ([[1, 2, 3], [6]], (11 / 1.5) ** 0.5, 1),
    ],
    ids=["by hand", "no more than by chance", "nothing within", "of different size"],
)
def test_the_components_are_those_of_an_analysis_of_variance(groups: list[list[float]], between: float, within: float) -> None:
    """Known answers, and never below zero."""
    found = components(groups)
    assert found is not None
    assert (found.between_bring_ups, found.between_trials) == pytest.approx((between, within))
    assert (found.bring_ups, found.trials) == (len(groups), sum(map(len, groups)))


@pytest.mark.parametrize("groups", [[], [[1.0, 2.0]], [[1.0], [2.0]], [[1.0, float("nan")], [2.0, 3.0]]])
def test_what_can_not_be_told_apart_has_no_components(groups: list[list[float]]) -> None:
    """One bring-up, one trial in each, or a value that is not a finite number."""
    assert components(groups) is None


def test_the_components_are_right_on_average() -> None:
    """Over 400 experiments of 6 bring-ups with 5 trials, the mean variances are the true ones within four standard errors."""
    rng = np.random.default_rng(11)
    found = [components([list(rng.normal(rng.normal(0, 0.1), 0.05, 5)) for _ in range(6)]) for _ in range(400)]
    between = np.array([one.between_bring_ups**2 for one in found if one is not None])
    within = np.array([one.between_trials**2 for one in found if one is not None])
    assert len(between) == 400
    for variances, truth in ((between, 0.1**2), (within, 0.05**2)):
        assert abs(variances.mean() - truth) < 4 * variances.std() / 400**0.5


def test_the_spread_is_given_by_level_where_there_are_several_bring_ups(tmp_path: Path) -> None:
    """Trials of a bring-up that agree, and bring-ups that differ by a factor: the difference of its logarithms is all between them."""
    times = [10.0, 10.0, 20.0, 20.0]
    run = _run(tmp_path, bring_ups=2, specs={(block, "a"): _spec(ms) for block, ms in enumerate(times)})
    summary = summarise(run)
    spread = levels(run, summary)["a", Metric.RESPONSE_P50_MS]
    assert spread.between_bring_ups == pytest.approx(np.log(2) / 2**0.5)
    assert spread.between_trials == pytest.approx(0, abs=1e-9)
    table = levels_table(run, summary, "run")
    assert table is not None
    first = table.rows[0]
    assert [cell.text for cell in first] == ["one", "Response time, median", "49.0", "0", "2", "4"]
    assert ONE_BRING_UP not in design_text(run)


def test_a_run_of_one_bring_up_says_so(tmp_path: Path) -> None:
    """There is nothing to tell apart, and the page says what its intervals don't cover."""
    run = _run(tmp_path)
    assert levels_table(run, summarise(run), "run") is None
    (part,) = [part for part in trials_section(judge_trials(run), "run").parts if part.title == "Design and validity"]
    assert part.text == ONE_BRING_UP


def test_an_infinite_percentile_has_no_spread(tmp_path: Path) -> None:
    """Where a trial's percentile is only known to be large, its treatment has no row; the other one keeps its own."""
    requests = steady(rate_per_s=50, duration_s=10)
    failed = TrialSpec([replace(request, outcome="timeout") for request in requests])
    run = _run(tmp_path, bring_ups=2, specs={(1, "a"): failed})
    found = levels(run, summarise(run))
    assert ("a", Metric.RESPONSE_P50_MS) not in found
    assert ("b", Metric.RESPONSE_P50_MS) in found


def test_validity_is_counted_by_treatment(tmp_path: Path) -> None:
    """Planned, valid, invalid, repeated, and blocks that nothing made good; unequal counts are a warning of their own."""
    specs = {(0, "b"): _late(), (2, "b"): _late()}
    run = _run(tmp_path, specs=specs, repeats={(0, "b"): _spec()})
    table = validity_table(run, "run")
    assert _texts(table) == [["one", "4", "4", "0", "0", "0"], ["other", "4", "3", "2", "1", "1"]]
    assert table.rows[1][3].tone is Tone.UNSURE
    warning = validity_warning(run)
    assert warning is not None
    assert "2 of “other”, 0 of another" in warning
    section = trials_section(judge_trials(run), "run")
    assert warning in section.warnings
    assert next(fact.meaning for fact in section.facts if fact.word == "trials") == "8 planned, 9 finished (with 1 repeat), 7 valid"


@pytest.mark.parametrize("names", [(), ("a", "b")])
def test_invalid_trials_that_are_spread_evenly_are_no_warning(tmp_path: Path, names: tuple[str, ...]) -> None:
    """None at all, or as many of each treatment."""
    assert validity_warning(_run(tmp_path, specs={(0, name): _late() for name in names})) is None


def test_repeats_stand_where_they_were_run(tmp_path: Path) -> None:
    """After the trials of their block, though their positions come after the plan's."""
    run = _run(tmp_path, trials=2, specs={(0, "a"): _late()}, repeats={(0, "a"): _spec()})
    assert [trial.record.position for trial in run.trials] == [0, 1, 4, 2, 3]
    table = trials_table(run, "run")
    names = [column.title for column in table.columns]
    shown = [(row[names.index("Position")].text, row[names.index("Attempt")].text, row[names.index("Validity")].text) for row in table.rows]
    assert shown == [("0", "1", "invalid"), ("1", "1", "valid"), ("4", "2", "valid"), ("2", "1", "valid"), ("3", "1", "valid")]


def test_the_repeat_takes_the_place_of_the_invalid_trial(tmp_path: Path) -> None:
    """Estimates and pairs have its value in the same block."""
    run = _run(tmp_path, trials=2, specs={(0, "a"): _late(99.0)}, repeats={(0, "a"): _spec(12.0)})
    summary = summarise(run)
    found = summary.blocks["a"][Metric.RESPONSE_P50_MS]
    assert {block: value.low for block, value in found.items()} == pytest.approx({0: 12.0, 1: 10.0})
    assert summary.valid_trials == {"a": 2, "b": 2}


def test_the_set_up_says_how_trials_were_kept_apart(tmp_path: Path) -> None:
    """Places and predecessors are counted in the plan, a fresh deployment having no predecessor; resets are those that were recorded."""
    rows = dict(_texts(design_table(_run(tmp_path, bring_ups=2), "run")))  # a b, b a | a b, b a
    assert rows == {
        "trials": "8 trials in 4 blocks, one of each treatment in a block",
        "places": "each treatment is the first of its block 2 times",
        "predecessors": "each treatment comes directly after each other one 2 times, after itself 0 to 2 times",
        "bring-ups": "2 fresh deployments",
        "reset": CLEARED,
    }
