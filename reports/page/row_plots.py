"""Charts of named rows as plotly figures: the sides of a row above each other, dots for rounds, words at its end."""

from __future__ import annotations

from textwrap import wrap
from typing import Any

import plotly.graph_objects as go

from reports.page.data import Dots, RowChart
from reports.page.style import AXIS_FONT, FAINT, FONT, GRID, LOG_TICKS, PALETTE, rounded

ROW_PX, TOP_PX, BOTTOM_PX = 44, 42, 54
TITLE_PX, REMARK_PX = 300, 210
"""Room for a row's title on the left and its ratios on the right."""
SIDE_OFFSET = 0.17
"""Between the sides of a row, of the height of a row."""
SYMBOLS = ("circle", "diamond", "square")
"""What tells sides apart without their colour."""
MARGIN = 0.06
"""Room beyond the extreme dots, of the axis."""
TITLE_WIDTH = 40
"""Characters of a row's title in a line."""


def row_height_px(chart: RowChart) -> int:
    """How tall it is drawn."""
    return TOP_PX + BOTTOM_PX + ROW_PX * len(chart.rows)


def row_figure(chart: RowChart) -> go.Figure:
    """The plotly figure of a chart of rows."""
    ticks = [-float(place) for place in range(len(chart.rows))]
    layout: dict[str, Any] = {
        "template": "none",
        "height": row_height_px(chart),
        "margin": {"l": TITLE_PX, "r": REMARK_PX, "t": TOP_PX, "b": BOTTOM_PX},
        "font": FONT,
        "paper_bgcolor": "#ffffff",
        "plot_bgcolor": "#ffffff",
        "hovermode": "closest",
        "showlegend": True,
        "legend": {"orientation": "h", "x": 0, "y": 1, "xanchor": "left", "yanchor": "bottom", "font": AXIS_FONT},
        "xaxis": {
            "type": "log",
            "tickvals": LOG_TICKS,
            "gridcolor": GRID,
            "zeroline": False,
            "linecolor": FAINT,
            "showline": True,
            "ticks": "outside",
            "title": {"text": chart.unit, "standoff": 8, "font": AXIS_FONT},
        },
        "yaxis": {
            "tickvals": ticks,
            "ticktext": ["<br>".join(wrap(row.title, TITLE_WIDTH)) for row in chart.rows],
            "range": [ticks[-1] - 0.5, 0.5],
            "gridcolor": GRID,
            "zeroline": False,
            "fixedrange": True,
        },
        "annotations": [_remark(row.remarks, place) for place, row in zip(ticks, chart.rows, strict=True) if row.remarks],
    }
    traces = []
    named: set[str] = set()
    for place, row in zip(ticks, chart.rows, strict=True):
        middle = (len(row.sides) - 1) / 2
        for order, side in enumerate(row.sides):
            traces += _traces(side, place + SIDE_OFFSET * 2 * (middle - order), is_named=side.name not in named)
            named.add(side.name)
    return go.Figure(data=traces, layout=layout)


def _traces(side: Dots, height: float, *, is_named: bool) -> list[dict[str, Any]]:
    color = PALETTE[side.color % len(PALETTE)]
    common: dict[str, Any] = {"type": "scatter", "mode": "markers", "name": side.name, "legendgroup": side.name}
    dots = common | {
        "x": [rounded(found) for found in side.values],
        "y": [rounded(height)] * len(side.values),
        "marker": {"color": color, "size": 8, "opacity": 0.7, "symbol": SYMBOLS[side.color % len(SYMBOLS)]},
        "hovertemplate": "%{x}",
        "showlegend": is_named,
    }
    if side.median is None:
        return [dots]
    median = common | {
        "x": [rounded(side.median)],
        "y": [rounded(height)],
        "marker": {"color": color, "size": 16, "symbol": "line-ns", "line": {"color": color, "width": 2}},
        "hovertemplate": "median %{x}",
        "showlegend": False,
    }
    return [dots, median]


def _remark(text: tuple[str, ...], height: float) -> dict[str, Any]:
    return {
        "text": "<br>".join(text),
        "x": 1,
        "y": height,
        "xref": "paper",
        "yref": "y",
        "xanchor": "left",
        "yanchor": "middle",
        "xshift": 8,
        "align": "left",
        "showarrow": False,
        "font": AXIS_FONT,
    }
