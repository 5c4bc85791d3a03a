"""What a page says of many faults: the maps, what is shown in depth, and what was not tested."""

from __future__ import annotations

import math
from pathlib import Path

import pytest

from experiments.definition import BoundClaim, Metric
from reports.analysis.estimates import Estimate
from reports.analysis.untested import untested
from reports.build import BuiltReport, build
from reports.page.data import Chart, HeatCell, HeatMap, Mark, Page, Part
from reports.page.featured import FEATURED_FAULTS, featured
from reports.page.heat_maps import heat_maps, level_of
from reports.page.judgements import claim_judgement
from reports.page.sections import JudgedRun, judge_trials, trials_section
from reports.verdicts.claims import judge_claims
from reports.verdicts.finding import Outcome
from tests.unit.reports.factory import load_trials
from tests.unit.reports.matrix_run import BROKEN, WORST, write_matrix_run
from tests.unit.reports.summaries import summary_of


@pytest.fixture(scope="module")
def path(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The matrix run."""
    return write_matrix_run(tmp_path_factory.mktemp("matrix") / "runs")


@pytest.fixture(scope="module")
def matrix(path: Path) -> JudgedRun:
    """The matrix run, computed and judged."""
    return judge_trials(load_trials(path))


@pytest.fixture(scope="module")
def built(path: Path) -> BuiltReport:
    """Its page."""
    return build([path])


def _cells(one: HeatMap) -> dict[tuple[str, str], HeatCell | None]:
    return {
        (row, column): cell for block in one.blocks for row, cells in block.rows for column, cell in zip(block.columns, cells, strict=True)
    }


def _map(matrix: JudgedRun, name: str) -> dict[tuple[str, str], HeatCell | None]:
    (found,) = [one for one in heat_maps(matrix.run, matrix.summary, "m") if one.name == name]
    return _cells(found)


def test_a_cell_says_its_value_and_what_is_wrong_with_it(matrix: JudgedRun) -> None:
    """Rows are what was struck, columns how; a combination that nobody planned has no cell."""
    cells = _map(matrix, "m-map-failed-during-fault")
    assert {place: (cell.text, cell.mark) for place, cell in cells.items() if cell is not None} == {
        ("courses-1", "crash"): ("0 %", Mark.NONE),
        ("courses-1", "pause"): ("0 %", Mark.NONE),
        ("cache", "crash"): ("0 %", Mark.NONE),
        ("cache", "pause"): ("0 %", Mark.NONE),
        ("cache", "flush"): ("–", Mark.NOT_RUN),  # noqa: RUF001 - the typographic dash of tables
        ("worker-1", "crash"): ("0 %", Mark.NONE),
        ("worker-1", "pause"): ("0 %", Mark.NONE),
        ("broker", "crash"): ("0 %", Mark.BROKEN),
        ("broker", "pause"): ("–", Mark.INVALID),  # noqa: RUF001 - the typographic dash of tables
        ("courses-db", "crash"): ("50.00 %", Mark.NONE),
        ("*->cache", "silent"): ("100 %", Mark.NONE),
    }
    assert cells["courses-db", "pause"] is None
    broken = cells["broker", "crash"]
    assert broken is not None
    assert broken.hint == "crash of broker: 0 %; 1 of 1 trials valid; broken: no loss"


def test_worse_is_darker(matrix: JudgedRun) -> None:
    """Nothing lost is the first class, all of it the last; what was not measured has none."""
    cells = _map(matrix, "m-map-lost-service-s")
    levels = {place: cell.level for place, cell in cells.items() if cell is not None}
    assert levels["cache", "crash"] == 0
    assert levels["courses-db", "crash"] == 3  # half of 2 s
    assert levels["*->cache", "silent"] == 5
    assert levels["broker", "pause"] is None


def test_what_is_only_known_to_be_more_says_so(matrix: JudgedRun) -> None:
    """Service did not come back within the 5 s that were left."""
    cell = _map(matrix, "m-map-time-to-recover-s")["*->cache", "silent"]
    assert cell is not None
    assert (cell.text, cell.level) == ("> 5", 4)


def test_more_than_a_bound_is_beyond_it() -> None:
    """The legend's class up to 4 holds what is 4, and not what is only known to be more than 4."""
    bounds = (0, 1, 2, 4, 8)
    assert level_of(Estimate(4, 4, 4, 5), bounds) == 3
    assert level_of(Estimate(4, 4, math.inf, 5, is_lower_bound=True), bounds) == 4


def test_a_claim_on_what_never_happened_is_written_without_a_unit(matrix: JudgedRun) -> None:
    """No request failed: the first failure is none, which is later than any bound."""
    claim = BoundClaim(
        statement="Nothing fails in the first second", metric=Metric.TIME_TO_FIRST_FAILURE_S, treatment="crash_cache", at_least=1
    )
    asked = matrix.run.record.experiment.model_copy(update={"claims": (claim,)})
    (verdict,) = judge_claims(asked, matrix.summary)
    assert claim_judgement(asked, verdict).measured == "Time to first failure, “crash of cache”: none, 1 trial"
    five = summary_of(claim.metric, {claim.treatment: [math.inf] * 5})
    assert judge_claims(asked, five)[0].outcome is Outcome.CONFIRMED


def test_two_faults_are_no_matrix(failover: JudgedRun) -> None:
    """A map of one cell would only take room."""
    assert heat_maps(failover.run, failover.summary, "f") == ()


def test_of_many_treatments_the_worst_are_shown_in_depth(matrix: JudgedRun) -> None:
    """The reference, the one that broke a rule, and then by lost service; no chart has more, and the maps have all."""
    shown = [treatment.name for treatment in featured(matrix.run, matrix.summary).record.experiment.treatments]
    assert len(shown) == FEATURED_FAULTS + 1
    assert {"control", BROKEN, WORST, "crash_courses_db"} <= set(shown)
    section = trials_section(matrix, "matrix")
    lines = {line.name for part in section.parts for chart in part.charts if isinstance(chart, Chart) for line in chart.panels[0].lines}
    assert "silent of *->cache" in lines
    assert "no fault" in lines
    assert sum(chart.name.startswith("matrix-inside-") for part in section.parts for chart in part.charts) == FEATURED_FAULTS + 1
    assert [part.title for part in section.parts if part.is_folded][:2] == [
        "What each fault did, in figures",
        "Every treatment and every trial",
    ]


def test_few_treatments_are_all_shown(failover: JudgedRun) -> None:
    """Nothing is chosen and nothing said of it."""
    assert featured(failover.run, failover.summary) is failover.run


def _part(page: Page, title: str) -> Part:
    (found,) = [part for section in page.sections for part in section.parts if part.title == title]
    return found


def test_what_was_not_tested_follows_from_the_run(matrix: JudgedRun, built: BuiltReport) -> None:
    """What was planned and not run, or not valid, was not tested; what no run can try is said too."""
    found = untested(matrix.run)
    assert "flush" in found.node_kinds
    assert "crash" not in found.node_kinds
    assert found.link_kinds == ("latency", "bandwidth", "refused", "reset")
    assert found.nodes == ("gateway", "students-db", "enrollment-db", "students-*", "enrollment-*")
    assert "courses-*->cache" not in found.links
    assert "gateway->courses-*" in found.links
    points = _part(built.document, "What was not tested").points
    assert "Several faults at once or one after the other." in points
    assert any("fsync" in point for point in points)


def test_the_maps_are_on_the_page_as_text(built: BuiltReport) -> None:
    """Each value and each mark stands in its cell, without a script; the tables of all treatments have their CSV."""
    html = built.path.read_text(encoding="utf-8")
    assert html.count('<table class="heat">') == 4 * 2
    hint = "crash of broker: 0 %; 1 of 1 trials valid; broken: no loss"
    assert f'<td class="cell level-0 broken" title="{hint}"><b>✘ broken</b><span>0 %</span></td>' in html
    assert html.count('class="cell invalid"') == html.count('class="cell not-run"') == 4 + 4
    noticed = (built.path.parent / "tables/matrix-noticed.csv").read_text(encoding="utf-8").splitlines()
    assert len(noticed) == 1 + 11


def test_failures_and_depth_are_told_for_those_that_had_some(matrix: JudgedRun) -> None:
    """Half of the requests failed with 502 for 2 s, so service was below 60 % and not below 50 % of the control's."""
    section = trials_section(matrix, "matrix")
    tables = {table.name: table for part in section.parts for table in part.tables}
    errors = [tuple(cell.text for cell in row[:4]) for row in tables["matrix-errors"].rows]
    assert ("crash of courses-db", "during", "502", "50") in errors
    assert {row[0] for row in errors} == {"crash of courses-db", "silent of *->cache"}
    (depth,) = [row for row in tables["matrix-depth"].rows if row[0].text == "crash of courses-db"]
    assert [cell.raw[0] for cell in depth[1:]] == [0, 0, 0, 0, 0, 0, 2, 2, 2, 2]
