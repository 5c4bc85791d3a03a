"""Capacity runs: ratios within rounds, three-valued verdicts, over-enrolment as a gate, and what is not shown."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from experiments.definition import Comparison, Implementation, Quantity
from experiments.records.capacity import Measurement
from reports.analysis.capacity import CapacitySummary, Compared, summarise_capacity, value_of
from reports.analysis.estimates import Estimate, Observation, Unmeasured
from reports.analysis.measures import over_trials
from reports.build import build
from reports.cli import main
from reports.errors import ReportError
from reports.measurements import CapacityData
from reports.page.capacity_section import JudgedCapacity, capacity_section
from reports.page.data import Page, RowChart
from reports.page.formats import count
from reports.page.judgements import comparison_judgement
from reports.verdicts.comparisons import Reached, judge_comparisons, judge_over_enrolment, judge_reached
from reports.verdicts.gate import Gate
from tests.fakes.capacity import write_example
from tests.unit.reports.capacity_runs import HELLO, PRODUCT, ROUNDS, TUTORIAL, compared, side, write_capacity_run
from tests.unit.reports.factory import load_capacity

Values = Mapping[Quantity, float | None]
"""New values of a measurement; None takes one away."""


def _changed(
    tmp_path: Path, path: str, implementation: Implementation, number: int, values: Values, reason: str | None = None
) -> CapacityData:
    """The run with one measurement changed."""

    def change(one: Measurement) -> Measurement:
        if (one.planned.path, one.planned.implementation, one.planned.round) != (path, implementation, number):
            return one
        merged = {**one.values, **values}
        return one.model_copy(update={"values": {key: value for key, value in merged.items() if value is not None}, "reason": reason})

    return load_capacity(write_capacity_run(tmp_path, change=change))


def _compared(run: CapacityData, title: str) -> Compared:
    return next(one for one in summarise_capacity(run).compared if one.comparison.title == title)


def test_the_ratios_that_were_put_in_come_out(capacity: JudgedCapacity) -> None:
    """21x to 25x within the rounds have the geometric mean of 22x and 24x in the middle of all such means; both sides have medians."""
    cached = capacity.comparisons[0].compared
    assert [observation.low for observation in cached.rounds.values()] == [21, 22, 23, 24, 25]
    assert cached.figure == Estimate(math.sqrt(22 * 24), 21, 25, trials=ROUNDS)
    assert cached.subject == Estimate(11_500, 10_500, 12_500, trials=ROUNDS)
    assert cached.reference == Estimate(500, 500, 500, trials=ROUNDS)


def test_a_ratio_is_taken_within_its_round(tmp_path: Path) -> None:
    """A round in which the whole machine is ten times as slow leaves the ratio as it is."""

    def slow(one: Measurement) -> Measurement:
        if one.planned.round != 2 or Quantity.THROUGHPUT_PER_S not in one.values:
            return one
        values = {**one.values, Quantity.THROUGHPUT_PER_S: one.values[Quantity.THROUGHPUT_PER_S] / 10}
        return one.model_copy(update={"values": values})

    run = load_capacity(write_capacity_run(tmp_path, change=slow))
    assert _compared(run, "uncached read").figure == Estimate(5, 5, 5, trials=ROUNDS)


def test_an_invalid_measurement_is_in_no_figure(capacity: JudgedCapacity) -> None:
    """Round 1 of the list lost its tutorial: four rounds are left of the ratio, too few for a verdict, and of the tutorial's figures."""
    listed = capacity.comparisons[2]
    assert list(listed.compared.rounds) == [0, 2, 3, 4]
    assert (listed.rounds, listed.outcome, listed.reason) == (4, Reached.INCONCLUSIVE, "4 rounds: a verdict takes 5")
    tutorial = capacity.summary.sides["listed", TUTORIAL]
    assert tutorial.valid == 4
    assert tutorial.figures[Quantity.FAILED_REQUESTS] == Estimate(0, 0, 0, trials=4)


def test_invalid_figures_never_move_an_estimate(tmp_path: Path, capacity: JudgedCapacity) -> None:
    """Whatever an invalid measurement says, everything but the number of its rounds stays."""
    absurd = {Quantity.THROUGHPUT_PER_S: 1e9}
    run = _changed(tmp_path, "uncached", PRODUCT, 3, absurd, reason="wrk was killed")
    found = _compared(run, "uncached read").figure
    assert isinstance(found, Estimate)
    assert (found.value, found.high, found.trials) == (5, 5, ROUNDS - 1)
    assert capacity.comparisons[1].compared.figure == Estimate(5, 5, 5, trials=ROUNDS)


@pytest.mark.parametrize(
    ("interval", "direction", "expected"),
    [
        ((20, 25), "at_least", Reached.AIM),
        ((10, 25), "at_least", Reached.MUST),
        ((10, 19), "at_least", Reached.MUST),
        ((9, 30), "at_least", Reached.INCONCLUSIVE),
        ((1, 9), "at_least", Reached.MISSED),
        ((10, math.inf), "at_least", Reached.MUST),
        ((1, 1.3), "at_most", Reached.AIM),
        ((1, 2), "at_most", Reached.MUST),
        ((1.9, 2.1), "at_most", Reached.INCONCLUSIVE),
        ((2.1, 3), "at_most", Reached.MISSED),
    ],
)
def test_the_place_of_the_interval_decides(interval: tuple[float, float], direction: str, expected: Reached) -> None:
    """All of it as good as the aim, all as good as the must, all worse, or across the must."""
    must, aim = (10, 20) if direction == "at_least" else (2, 1.3)
    values = {"title": "t", "against": "a", "subject": side("cached"), "direction": direction, "must": must, "aim": aim}
    figure = Estimate(interval[0], *interval, trials=ROUNDS)
    assert judge_reached(figure, Comparison.model_validate(values))[0] is expected


def test_one_round_concludes_nothing(tmp_path: Path) -> None:
    """It has no interval, however clear its ratio looks."""
    verdicts = judge_comparisons(summarise_capacity(load_capacity(write_capacity_run(tmp_path, finished=1))))
    assert {verdict.outcome for verdict in verdicts} == {Reached.INCONCLUSIVE}
    assert judge_reached(Estimate(99, 99, 99, trials=1), compared("t", "cached", must=1, aim=2))[1] == "1 round: a verdict takes 5"


@pytest.mark.parametrize(
    ("counts", "expected"),
    [
        ([1, 1, 1, 1, 1], Reached.AIM),
        ([1, 1, 1, 1, 2], Reached.MUST),
        ([1, 1, 1, 1, 4], Reached.MISSED),
        ([4], Reached.MISSED),
        ([1, 1, 1, 1], Reached.INCONCLUSIVE),
    ],
)
def test_a_bound_on_a_count_is_meant_of_every_round(counts: list[float], expected: Reached) -> None:
    """One round above it is enough, and the median has no say."""
    asked = Comparison(title="t", against="a", subject=side("cold", Quantity.SQL_STATEMENTS), direction="at_most", must=3, aim=1)
    rounds = {number: Observation.exact(found) for number, found in enumerate(counts)}
    figure = over_trials(list(rounds.values()))
    (verdict,) = judge_comparisons(CapacitySummary({}, (Compared(asked, figure, None, rounds, figure),)))
    assert verdict.outcome is expected
    assert comparison_judgement(verdict).measured == f"SQL statements: at worst {max(counts):g}, {count(len(counts), 'round')}"


def test_every_outcome_is_reached_by_the_example(capacity: JudgedCapacity) -> None:
    """One comparison each shows that all four are told apart end to end."""
    found = {verdict.compared.comparison.title: verdict.outcome for verdict in capacity.comparisons}
    assert found["cached read"] is Reached.AIM
    assert found["uncached read"] is Reached.MUST
    assert found["CPU of a cached read"] is Reached.MISSED
    assert found["accepted enrolments"] is Reached.INCONCLUSIVE
    assert found["SQL statements on a cold key"] is Reached.AIM


def test_something_against_nothing_is_infinite_and_stays_in_the_estimate(tmp_path: Path) -> None:
    """A round in which the tutorial answered nothing is not left out, which would flatter the tutorial."""
    run = _changed(tmp_path, "uncached", TUTORIAL, 4, {Quantity.THROUGHPUT_PER_S: 0.0})
    assert _compared(run, "uncached read").figure == Estimate(5, 5, math.inf, trials=ROUNDS)


def test_nothing_against_nothing_has_no_ratio(tmp_path: Path) -> None:
    """There is a reason instead of a number, and no verdict."""
    run = _changed(tmp_path, "crowd", PRODUCT, 0, {Quantity.THROUGHPUT_PER_S: 0.0})
    mixed = _compared(run, "200 readers")
    assert isinstance(mixed.figure, Estimate)
    assert mixed.figure.low == 0

    def silent(one: Measurement) -> Measurement:
        values = {**one.values, Quantity.THROUGHPUT_PER_S: 0.0}
        return one.model_copy(update={"values": values}) if one.planned.path in {"crowd", "uncached"} else one

    both = _compared(load_capacity(write_capacity_run(tmp_path / "both", change=silent)), "200 readers")
    assert both.figure == Unmeasured("round 0 has nothing on both sides, which has no ratio")


def test_a_valid_round_without_the_figure_leaves_no_estimate(tmp_path: Path) -> None:
    """An absent number is a reason, never a zero, and rounds are not picked."""
    run = _changed(tmp_path, "cached", PRODUCT, 2, {Quantity.SERVER_CPU_US_PER_REQUEST: None})
    assert _compared(run, "CPU of a cached read").figure == Unmeasured("round 2 has no such figure")


def test_a_percentile_needs_answers_beyond_it(measured: CapacityData) -> None:
    """p99 needs 1,000 answers: the tutorial's 800 lists a round have a median and no p99."""
    (one, *_) = measured.of("listed", TUTORIAL)
    assert value_of(one, Quantity.LATENCY_P50_MS) == Observation.exact(80)
    assert value_of(one, Quantity.LATENCY_P99_MS) == Unmeasured("800 answers in round 0 leave fewer than 10 beyond p99")


def test_the_product_must_never_over_enrol(tmp_path: Path, measured: CapacityData) -> None:
    """One course in one round fails the gate, an invalid measurement too; what the tutorial does is not judged."""
    assert judge_over_enrolment(measured).gate is Gate.PASS
    run = _changed(tmp_path, "registration", PRODUCT, 3, {Quantity.OVERBOOKED_COURSES: 1.0}, reason="3 requests failed")
    gate = judge_over_enrolment(run)
    (invariant,) = gate.invariants
    assert (gate.gate, invariant.passed, invariant.failed) == (Gate.FAIL, 4, 1)
    assert invariant.detail.startswith("round 3, registration: over-enrolled courses: 1")


def test_what_nobody_counted_did_not_pass(tmp_path: Path) -> None:
    """A measurement that never got as far, and rounds that were planned and not made, leave the gate unknown."""
    run = _changed(tmp_path / "uncounted", "registration", PRODUCT, 0, {Quantity.OVERBOOKED_COURSES: None}, reason="a worker died")
    assert judge_over_enrolment(run).gate is Gate.UNKNOWN
    gate = judge_over_enrolment(load_capacity(write_capacity_run(tmp_path / "short", finished=2)))
    assert (gate.gate, gate.unfinished) == (Gate.UNKNOWN, 3)


def test_the_tutorials_over_enrolment_is_shown_as_a_fact(document: Page) -> None:
    """It stands beside the gate that the product passed."""
    gate = next(section.gate for section in document.sections if section.anchor == "capacity")
    assert gate.word == "pass"
    assert "The tutorial over-enrolled 2 [2, 2] courses a round" in gate.remark


def test_the_chart_has_a_dot_for_every_valid_round_with_an_answer(document: Page) -> None:
    """The crowd's tutorial answered in one round of five; the list's tutorial is valid in four."""
    (chart,) = [chart for chart in document.charts() if isinstance(chart, RowChart)]
    dots = {(row.title, one.name): len(one.values) for row in chart.rows for one in row.sides}
    assert dots["cached read", "product"] == ROUNDS
    assert dots["cached list", "tutorial"] == ROUNDS - 1
    assert dots["uncached read, 200 readers", "tutorial"] == 1
    assert next(row.remarks for row in chart.rows if row.title == "cached read") == (
        "23.0× against the tutorial",  # noqa: RUF001 - the multiplication sign
        "[21×, 25×]",  # noqa: RUF001
    )


def test_the_page_says_that_it_was_a_closed_loop(document: Page) -> None:
    """Capacity, coordinated omission, and that both kinds of runs on a page stand apart."""
    section = next(section for section in document.sections if section.anchor == "capacity")
    text = " ".join(part.text for part in section.parts)
    assert "closed loop" in text
    assert "coordinated omission" in text
    assert "not what users see" in text
    assert "sections of their own" in " ".join(document.notes)


def test_an_interrupted_run_rests_on_its_whole_rounds(tmp_path: Path) -> None:
    """Two rounds are shown and judge nothing; measurements that were never made say so."""
    built = build([write_capacity_run(tmp_path, finished=2)])
    text = built.path.read_text(encoding="utf-8")
    assert "5 planned, 2 finished" in text
    assert "2 rounds: a verdict takes 5" in text
    assert "aim reached<" not in text
    assert "left no record" in text
    assert "2 of 5 rounds" in (tmp_path / "index.html").read_text(encoding="utf-8")
    assert not built.document.notes


def test_a_run_without_a_finished_round_has_no_page(tmp_path: Path) -> None:
    """There is nothing to report, and the sentence says so."""
    with pytest.raises(ReportError, match="nothing was finished"):
        build([write_capacity_run(tmp_path, finished=0)])


def test_a_run_without_a_valid_measurement_has_a_page_and_fails(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """The reasons are on the page; whoever waits for verdicts is told that there are none."""
    run = write_capacity_run(tmp_path, change=lambda one: one.model_copy(update={"reason": "the machine was too busy"}))
    assert main(["build", str(run)]) == 1
    assert "none of its 65 finished measurements is valid" in capsys.readouterr().err
    assert "the machine was too busy" in (tmp_path / "reports" / run.name / "report.html").read_text(encoding="utf-8")


def test_the_catalogs_hot_paths_have_a_page(tmp_path: Path) -> None:
    """A run of the catalog's own experiment is loaded, judged and laid out: every comparison has a verdict."""
    run = load_capacity(write_example(tmp_path))
    judged = JudgedCapacity(run, summary := summarise_capacity(run), judge_comparisons(summary), judge_over_enrolment(run))
    section = capacity_section(judged, "hotpath")
    assert len(section.claims) == len(run.record.experiment.comparisons) > 5
    assert section.gate.word == "pass"
    assert all("not measured" not in claim.measured for claim in section.claims)


def _rewritten(run: Path, column: str, value: object, *, only: int = 0) -> None:
    """One cell of the measurements changed."""
    file = run / "measurements.parquet"
    table = pq.read_table(file)
    values = table.column(column).to_pylist()
    values[only] = value
    at = table.column_names.index(column)
    pq.write_table(table.set_column(at, table.schema.field(column), pa.array(values, table.schema.field(column).type)), file)


@pytest.mark.parametrize(
    ("column", "value", "expected"),
    [
        ("quantity", "mood", "the quantity 'mood' is none of"),
        ("quantity", "failed_requests", "has failed_requests twice"),
        ("value", math.nan, "a value that is not a finite number"),
        ("path", "cached", "is not what run.json plans"),
        ("position", 999, "is not what run.json plans"),
        ("reason", "why not", "contradict each other"),
        ("valid", False, "contradict each other"),
    ],
)
def test_a_damaged_run_is_one_clear_error(tmp_path: Path, column: str, value: object, expected: str) -> None:
    """The sentence names the file and what is wrong with it; nothing is written."""
    run = write_capacity_run(tmp_path)
    _rewritten(run, column, value)
    with pytest.raises(ReportError) as caught:
        build([run])
    assert "measurements.parquet" in str(caught.value)
    assert expected in str(caught.value)
    assert not (tmp_path / "reports").exists()


def test_a_plan_of_another_experiment_is_one_clear_error(tmp_path: Path) -> None:
    """A planned measurement that the experiment does not have is named."""
    run = write_capacity_run(tmp_path)
    file = run / "run.json"
    values = json.loads(file.read_text(encoding="utf-8"))
    assert (values["plan"][0]["path"], values["plan"][0]["implementation"]) == ("hello", HELLO)
    values["plan"][0]["implementation"] = PRODUCT
    file.write_text(json.dumps(values), encoding="utf-8")
    with pytest.raises(ReportError, match="plans hello on product"):
        load_capacity(run)
