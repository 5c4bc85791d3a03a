"""The page as a reader, a browser and a machine have it."""

from __future__ import annotations

import csv
import json
import math
import re
import shutil
from collections import Counter
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote

import plotly.offline
import pytest

from reports.build import BuiltReport, build
from reports.page.data import AnyChart, Chart, Line, Page, Panel, RowChart
from reports.page.plots import figure, figure_json
from reports.page.style import CONFIG

GOLDEN = Path(__file__).parents[2] / "golden" / "report.txt"


class _Reader(HTMLParser):
    """Collects what the tests ask of a document."""

    def __init__(self) -> None:
        super().__init__()
        self.ids: list[str] = []
        self.links: list[str] = []
        self.loaded: list[str] = []
        self.tags: Counter[str] = Counter()
        self.open: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        values = {name: value or "" for name, value in attrs}
        self.tags[tag] += 1
        if "id" in values:
            self.ids.append(values["id"])
        if tag == "a":
            self.links.append(values["href"])
        self.loaded += [values[name] for name in ("src", "srcset", "action", "data", "poster") if name in values]
        if tag == "link":
            self.loaded.append(values["href"])
        if tag not in {"meta", "link", "br"}:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag


def _read(html: str) -> _Reader:
    reader = _Reader()
    reader.feed(html)
    reader.close()
    return reader


def _pages(suite: BuiltReport) -> list[str]:
    index = suite.path.parents[2] / "index.html"
    return [path.read_text(encoding="utf-8") for path in (suite.path, index)]


def test_the_page_has_no_outside_address(suite: BuiltReport) -> None:
    """Beside the code of plotly.js no address of another host is on the page or on the list, and nothing is loaded from anywhere."""
    for html in _pages(suite):
        own = html.replace(plotly.offline.get_plotlyjs(), "")
        assert "://" not in own
        assert all(address.startswith("data:") for address in _read(html).loaded)
        assert "default-src 'none'" in own


def test_plotly_js_is_there_once(suite: BuiltReport) -> None:
    """Some 5 MB are enough."""
    assert suite.path.read_text(encoding="utf-8").count(plotly.offline.get_plotlyjs()) == 1


def test_no_chart_offers_to_upload_itself() -> None:
    """Plotly's own mode bar would, to its maker's server."""
    assert CONFIG["showSendToCloud"] is False
    assert CONFIG["displaylogo"] is False
    assert "sendChartToCloud" not in json.dumps(CONFIG["modeBarButtons"])


def test_no_anchor_is_dead(suite: BuiltReport) -> None:
    """Every link leads to an id of the page or to a file beside it, and no id is there twice."""
    for html, folder in zip(_pages(suite), (suite.path.parent, suite.path.parents[2]), strict=True):
        reader = _read(html)
        assert reader.links
        assert not [name for name, times in Counter(reader.ids).items() if times > 1]
        for link in reader.links:
            if link.startswith("#"):
                assert link[1:] in reader.ids
            else:
                assert (folder / unquote(link)).is_file()


def test_the_page_is_well_formed_and_its_tables_are_named(suite: BuiltReport) -> None:
    """Every tag is closed in order, every table has a caption, the language is said."""
    html = suite.path.read_text(encoding="utf-8")
    reader = _read(html)
    assert reader.open == []
    assert reader.tags["table"] == reader.tags["caption"] > 10
    assert reader.tags["h1"] == 1
    assert '<html lang="en">' in html


def test_what_a_run_says_is_escaped(suite: BuiltReport) -> None:
    """A title with an angle bracket is text, on the page and inside its charts' data."""
    html = suite.path.read_text(encoding="utf-8").replace(plotly.offline.get_plotlyjs(), "")
    assert "A sample &amp; its &lt;title&gt;" in html
    assert "its <title>" not in html
    chart = Chart("c", "c", "c", "x", (Panel("</script><!--", "ms", (Line("<b>", 0, (1.0,), (2.0,)),)),))
    assert "<" not in json.dumps(json.loads(figure_json(chart))).replace("</b>", "").replace("<b>", "").replace("</script><!--", "")


def test_every_chart_on_the_page_is_a_figure(suite: BuiltReport) -> None:
    """Each script element with data is JSON that plotly's own checks accepted."""
    html = suite.path.read_text(encoding="utf-8")
    found = re.findall(r'<script type="application/json">(.*?)</script>', html, flags=re.DOTALL)
    assert len(found) == html.count('class="chart"') > 6
    for text in found:
        assert json.loads(text)["data"]


def test_a_csv_lies_beside_every_table(suite: BuiltReport, document: Page) -> None:
    """It has the table's rows and the numbers behind them."""
    written = {path.name for path in (suite.path.parent / "tables").iterdir()}
    assert written == {f"{table.name}.csv" for table in document.tables()}
    for table in document.tables():
        rows = list(csv.reader((suite.path.parent / table.csv_path).read_text(encoding="utf-8").splitlines()))
        assert len(rows) == len(table.rows) + 1
        assert {len(row) for row in rows} == {sum(len(column.names) for column in table.columns)}
    comparison = list(csv.DictReader((suite.path.parent / "tables/cache-comparison.csv").read_text(encoding="utf-8").splitlines()))
    (sql,) = [row for row in comparison if row["metric"] == "sql_per_10k_reads"]
    assert float(sql["ratio"]) == pytest.approx(1 / math.sqrt(47.5 * 52.5))


def test_the_same_run_gives_the_same_bytes(runs: tuple[Path, ...], suite: BuiltReport, tmp_path: Path) -> None:
    """Built again from a copy elsewhere, page, tables and summary are identical."""
    copies = [Path(shutil.copytree(run, tmp_path / "elsewhere" / run.name)) for run in runs]
    again = build(copies, tmp_path / "out")
    for file in sorted(path.relative_to(suite.path.parent) for path in suite.path.parent.rglob("*") if path.is_file()):
        assert (again.path.parent / file).read_bytes() == (suite.path.parent / file).read_bytes()


def test_the_page_says_what_it_said(document: Page, tmp_path: Path) -> None:
    """Verdicts, tables and the names of what is drawn are those of the golden file; what differs is kept beside it for a look."""
    actual = _as_text(document)
    if not GOLDEN.is_file() or actual != GOLDEN.read_text(encoding="utf-8"):
        kept = tmp_path / "report.actual.txt"
        kept.write_text(actual, encoding="utf-8")
        pytest.fail(f"the page's data differ from {GOLDEN.name}; if they should, copy {kept} over it")


def _as_text(document: Page) -> str:
    """Page data as lines; of charts only what they are made of, of factors only those that are varied."""
    lines = [document.title, document.subtitle, *document.notes, *(f"! {warning}" for warning in document.warnings)]
    for section in document.sections:
        lines += ["", f"== {section.anchor}: {section.title}", *(f"{fact.word}: {fact.meaning}" for fact in section.facts)]
        lines += [f"! {warning}" for warning in section.warnings]
        for one in (section.gate, *section.claims):
            lines += [f"[{one.word}] {one.statement}", f"    {one.measured}", f"    {one.asked}. {one.remark}"]
        for part in section.parts:
            lines += ["", f"-- {part.title}", *([part.text] if part.text else []), *part.points, *part.commands]
            for chart in part.charts:
                lines += _chart_lines(chart)
            for table in part.tables:
                lines += [f"table {table.name}", " | ".join(column.title for column in table.columns)]
                shown = [row for row in table.rows if not table.name.endswith("-factors") or row[-1].text]
                lines += [" | ".join(f"{cell.text} {cell.interval}".rstrip() for cell in row) for row in shown]
    return "\n".join(line.rstrip() for line in lines) + "\n"


def _chart_lines(chart: AnyChart) -> list[str]:
    if isinstance(chart, RowChart):
        rows = [
            f"  {row.title}: " + ", ".join(f"{one.name} {one.median}" for one in row.sides) + " | ".join(("", *row.remarks))
            for row in chart.rows
        ]
        return [f"chart {chart.name}: {chart.unit}", *rows]
    shades = [f"{shade.text} {shade.start:g}-{shade.end:g}" for shade in chart.shades]
    moments = [f"{moment.text} {moment.at:.3g}" for moment in chart.moments]
    panels = [f"  {panel.title} ({panel.unit}): " + ", ".join(dict.fromkeys(line.name for line in panel.lines)) for panel in chart.panels]
    return [f"chart {chart.name}: {'; '.join([*shades, *moments])}", *panels]


def test_the_fault_is_shaded_from_its_injection_to_its_recovery(document: Page) -> None:
    """Median times of the valid trials: carried out at 5.02 s, healed at 8.03 s, ready at 8.53 s."""
    (chart,) = [chart for chart in document.charts() if chart.name == "failover-over-time"]
    assert isinstance(chart, Chart)
    spans = {shade.kind: (shade.start, shade.end) for shade in chart.shades}
    assert spans == {"warm_up": (0.0, 2.0), "fault": (5.02, 8.03), "recovering": (8.03, 8.53)}


def test_bands_are_broken_where_there_is_no_number() -> None:
    """A gap in a series is a gap in its band, not a bridge."""
    line = Line("a", 0, (0, 1, 2, 3, 4), (1, 1, None, 1, 1), (0, 0, None, 0, 0), (2, 2, None, 2, 2))
    chart = Chart("c", "c", "c", "x", (Panel("p", "ms", (line,)),))
    assert [trace.fill for trace in figure(chart).data] == ["toself", "toself", None]


def test_an_axis_of_shares_ends_at_all(document: Page) -> None:
    """Also where every trial stands at 100 %, which plotly alone would put in the middle of an axis up to 200 %."""
    chart = Chart("c", "c", "c", "x", (Panel("p", "", (Line("a", 0, (0.0, 1.0), (1.0, 1.0), form="points"),), is_share=True),))
    low, high = figure(chart).layout.yaxis.range
    assert 0.99 < low < high == 1
    shares = [panel for chart in document.charts() if isinstance(chart, Chart) for panel in chart.panels if panel.is_share]
    for panel in shares:
        low, high = figure(Chart("c", "c", "c", "x", (panel,))).layout.yaxis.range
        assert low < min(value for line in panel.lines for value in line.y if value is not None) <= high == 1
    assert shares


def test_no_word_is_explained_twice(document: Page) -> None:
    """The glossary of a page with runs of both kinds has each of its terms once."""
    words = [term.word for term in document.glossary]
    assert len(words) == len(set(words)) > 20
