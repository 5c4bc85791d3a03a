"""Page data as HTML and CSV: autoescaped templates, plotly.js once, nothing from outside."""

from __future__ import annotations

import csv
import io
import json
from pathlib import Path

import plotly.offline
from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

from reports.page.data import AnyChart, Page, Raw, Table
from reports.page.overview import Overview
from reports.page.plots import figure_json, height_px
from reports.page.style import CONFIG

TEMPLATES = Path(__file__).parent / "templates"
CSV_DIGITS = 8


def render_page(page: Page) -> str:
    """The report, complete in one file."""
    return _environment().get_template("report.html.j2").render(page=page, plotly_js=plotly_js(), config=_script_json(json.dumps(CONFIG)))


def render_overview(overview: Overview) -> str:
    """The list of all runs."""
    return _environment().get_template("index.html.j2").render(overview=overview)


def plotly_js() -> Markup:
    """The charting library's code, which must not end its own script element.

    Raises:
        ValueError: it would.
    """
    code = plotly.offline.get_plotlyjs()
    if "</script" in code.lower():
        raise ValueError("plotly.js contains a closing script tag and can't be put into a page")
    return Markup(code)  # noqa: S704 - the library's own code, checked above


def csv_text(table: Table) -> str:
    """A table's raw values."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow([name for column in table.columns for name in column.names])
    writer.writerows([_csv_value(raw) for cell in row for raw in cell.raw] for row in table.rows)
    return text.getvalue()


def _csv_value(raw: Raw) -> str:
    if raw is None:
        return ""
    return f"{raw:.{CSV_DIGITS}g}" if isinstance(raw, float) else str(raw)


def _chart_json(chart: AnyChart) -> Markup:
    return _script_json(figure_json(chart))


def _script_json(text: str) -> Markup:
    """JSON that may stand in a script element: no ``<`` in it can end the element or open a comment."""
    return Markup(text.replace("<", "\\u003c"))  # noqa: S704 - escaped just here


def _environment() -> Environment:
    environment = Environment(
        loader=FileSystemLoader(TEMPLATES), autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )
    environment.filters |= {"chart_json": _chart_json, "height_px": height_px}
    return environment
