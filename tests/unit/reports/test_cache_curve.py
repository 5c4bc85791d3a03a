"""Claims that are curves: measured points, the theory's lines, and how the page shows them."""

from __future__ import annotations

from pathlib import Path

import pytest

from experiments.definition import CurveClaim, Experiment, Metric, Treatment
from experiments.definition.cache_theory import expected_reads_per_miss
from reports.analysis.cache_curve import curve_points, curve_series
from reports.analysis.estimates import Estimate, Unmeasured
from reports.analysis.summary import Summary, summarise
from reports.loading import RunData
from reports.page.curve_parts import curve_parts
from reports.page.data import Chart
from reports.page.plots import figure
from reports.page.sections import judge_trials, trials_section
from tests.unit.reports.factory import TrialSpec, counters_of, experiment, load_trials, steady, write

OFF = Treatment(name="off", title="cache off", factors={"cache": False})
SLOW = Treatment(name="slow", title="100 reads/s", rate_per_s=100)
FAST = Treatment(name="fast", title="400 reads/s", rate_per_s=400)
LONG = Treatment(name="long", title="400 reads/s, 180 s", rate_per_s=400, factors={"cache.ttl_s": 180})
CLAIM = CurveClaim(
    statement="The cache saves 40-100x", metric=Metric.SQL_PER_10K_READS, numerator="off", points=("fast", "slow", "long"), at_least=40
)
TIMES_FEWER = {"off": 1.0, "slow": 12.5, "fast": 40.0, "long": 80.0}


def _asked(claim: CurveClaim = CLAIM) -> Experiment:
    return experiment(name="curve", treatments=(OFF, SLOW, FAST, LONG), claims=(claim,))


def _run(folder: Path, asked: Experiment, *, without: str = "") -> RunData:
    """Each treatment ran one statement for so many reads; the second block of each half as many."""
    specs = {}
    for treatment in asked.treatments:
        if treatment.name == without:
            continue
        rate = asked.arrivals_of(treatment).rate_per_s
        for block in range(asked.trials):
            times = TIMES_FEWER[treatment.name] / (1 + (block == 1))
            counters = counters_of(asked.topology_of(treatment), sql_per_s=rate / times)
            specs[block, treatment.name] = TrialSpec(steady(rate_per_s=rate, duration_s=10), counters)
    return load_trials(write(folder, asked, specs))


@pytest.fixture(name="found", scope="module")
def _found(tmp_path_factory: pytest.TempPathFactory) -> tuple[RunData, Summary]:
    run = _run(tmp_path_factory.mktemp("curve"), _asked())
    return run, summarise(run)


def test_each_point_is_the_ratio_within_blocks_beside_its_theory(found: tuple[RunData, Summary]) -> None:
    """Both treatments of block 1 run twice the statements, which cancels; points are in the order of the claim."""
    points = curve_points(*found, CLAIM)
    assert [(point.treatment.name, point.reads_per_s, point.ttl_s) for point in points] == [
        ("fast", 400, 60),
        ("slow", 100, 60),
        ("long", 400, 180),
    ]
    for point in points:
        assert isinstance(point.measured, Estimate)
        assert point.measured.value == pytest.approx(TIMES_FEWER[point.treatment.name])
        assert point.measured.trials == 5
        assert point.expected == expected_reads_per_miss(_asked(), point.treatment)


def test_points_that_differ_in_their_rate_only_are_one_series_with_a_line_through_the_theory(found: tuple[RunData, Summary]) -> None:
    """Sorted by rate; the line passes what the theory expects at the points."""
    first, second = curve_series(_asked(), curve_points(*found, CLAIM))
    assert [point.reads_per_s for point in first.points] == [100, 400]
    assert (first.ttl_s, second.ttl_s) == (60, 180)
    assert first.line_reads_per_s[0] < 100
    assert first.line_reads_per_s[-1] > 400
    assert list(first.line_expected) == sorted(first.line_expected)
    for line_rate, line_expected in zip(first.line_reads_per_s, first.line_expected, strict=True):
        treatment = SLOW.model_copy(update={"rate_per_s": line_rate})
        assert line_expected == expected_reads_per_miss(_asked(), treatment)


def test_reads_per_miss_are_no_theory_of_other_ratios(tmp_path: Path) -> None:
    """Of response times, and against a treatment that has a cache itself, nothing is expected and no line is drawn."""
    for changes in ({"metric": Metric.RESPONSE_P50_MS}, {"numerator": "slow", "points": ("fast", "long")}):
        claim = CurveClaim.model_validate(CLAIM.model_dump() | changes)
        run = _run(tmp_path / claim.numerator, _asked(claim))
        points = curve_points(run, summarise(run), claim)
        assert all(point.expected is None for point in points)
        assert all(series.line_expected == () for series in curve_series(_asked(claim), points))


def test_a_point_without_a_trial_says_so(tmp_path: Path) -> None:
    """It has a reason instead of a ratio, and keeps its theory."""
    run = _run(tmp_path, _asked(), without="slow")
    (slow,) = [point for point in curve_points(run, summarise(run), CLAIM) if point.treatment.name == "slow"]
    assert slow.measured == Unmeasured("slow: no valid trial")
    assert slow.expected is not None


def test_the_page_draws_points_theory_and_claim_on_logarithmic_axes(found: tuple[RunData, Summary]) -> None:
    """One part with a chart and a table; a claim with both bounds has a band."""
    run, summary = found
    (part,) = curve_parts(run, summary, "r")
    (chart,) = part.charts
    assert isinstance(chart, Chart)
    assert [(line.name, line.form) for line in chart.panels[0].lines] == [
        ("claimed: at least 40×", "line"),  # noqa: RUF001 - the multiplication sign
        ("Zipf 1.1, 60 s: theory", "line"),
        ("Zipf 1.1, 60 s", "estimate"),
        ("Zipf 1.1, 180 s: theory", "line"),
        ("Zipf 1.1, 180 s", "estimate"),
    ]
    drawn = figure(chart).to_dict()
    assert (drawn["layout"]["xaxis"]["type"], drawn["layout"]["yaxis"]["type"]) == ("log", "log")
    (measured,) = [trace for trace in drawn["data"] if trace["name"] == "Zipf 1.1, 60 s"]
    assert measured["x"] == [100, 400]
    assert measured["y"] == pytest.approx([12.5, 40])
    assert len(measured["error_y"]["array"]) == 2
    assert [row[4].raw[0] for row in part.tables[0].rows] == pytest.approx([40, 12.5, 80])


def test_a_claim_with_both_bounds_has_a_band(tmp_path: Path) -> None:
    """From its lower to its upper bound, across all that is drawn."""
    asked = _asked(CLAIM.model_copy(update={"at_most": 100.0}))
    run = _run(tmp_path, asked)
    section = trials_section(judge_trials(run), "r")
    (part,) = [part for part in section.parts if part.anchor == "r-curve"]
    (chart,) = part.charts
    assert isinstance(chart, Chart)
    lower, upper = chart.panels[0].lines[:2]
    assert [line.name for line in (lower, upper)] == ["claimed: at least 40×", "claimed: at most 100×"]  # noqa: RUF001 - the same
    assert (lower.low, lower.high, upper.low) == ((40.0, 40.0), (100.0, 100.0), ())
    fills = [trace for trace in figure(chart).to_dict()["data"] if trace.get("fill") == "toself"]
    assert len(fills) == 1


def test_a_run_without_such_a_claim_has_no_such_part(tmp_path: Path) -> None:
    """Nothing is drawn that was not asked."""
    run = _run(tmp_path, experiment(name="curve", treatments=(OFF, SLOW)))
    assert curve_parts(run, summarise(run), "r") == ()


def test_treatments_that_the_claim_does_not_speak_of_are_drawn_behind_its_points(found: tuple[RunData, Summary]) -> None:
    """All but the numerator, which has no cache."""
    claim = CLAIM.model_copy(update={"points": ("slow", "fast")})
    assert [point.treatment.name for point in curve_points(*found, claim)] == ["slow", "fast", "long"]
