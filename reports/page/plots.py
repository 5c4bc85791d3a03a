"""Charts as plotly figures: colours that colour-blind people can tell apart, units on every axis, zoom and hover."""

from __future__ import annotations

from typing import Any

import plotly.graph_objects as go

from reports.page.data import AnyChart, Chart, Line, Moment, Panel, RowChart, Shade
from reports.page.row_plots import row_figure, row_height_px
from reports.page.style import AXIS_FONT, FAINT, FONT, GRID, INK, LOG_TICKS, PALETTE, rounded

DASHES = ("solid", "dash", "dot")
"""What tells lines apart once the palette begins anew."""
SHADE_COLORS = {"warm_up": "#8a94a0", "fault": "#d55e00", "recovering": "#e69f00"}
SHADE_OPACITY = {"warm_up": 0.10, "fault": 0.18, "recovering": 0.14}
BAND_ALPHA = 0.16
PANEL_PX, PANEL_GAP_PX, TOP_PX, BOTTOM_PX = 150, 46, 46, 54
SIDE_COLUMNS = 3
SIDE_PANEL_PX, SIDE_GAP_PX = 230, 92
LEVEL_TICKS = 4
"""More names of ticks than these stand upright, for side by side they would run into each other."""
TICK_CHARACTER_PX = 6.6
LEGEND_WIDTH = 0.17
"""Share of the width that stays free for legends."""
LEAST_SHARE_SPAN = 0.0001
"""Of an axis of shares, so that trials without a failure don't stand on an axis without extent."""
SHARE_MARGIN = 0.08
"""Room below the smallest share, as a part of the axis."""


def figure_json(chart: AnyChart) -> str:
    """The chart as plotly's JSON, the same bytes for the same chart.

    Raises:
        ValueError: plotly does not know a key of the figure.
    """
    drawn = row_figure(chart) if isinstance(chart, RowChart) else figure(chart)
    return str(drawn.to_json(pretty=False))


def height_px(chart: AnyChart) -> int:
    """How tall it is drawn."""
    if isinstance(chart, RowChart):
        return row_height_px(chart)
    if chart.side_by_side:
        rows = -(-len(chart.panels) // SIDE_COLUMNS)
        return TOP_PX + _bottom_px(chart) + rows * SIDE_PANEL_PX + (rows - 1) * _side_gap_px(chart)
    tall = 2 if len(chart.panels) == 1 else 1
    return TOP_PX + BOTTOM_PX + len(chart.panels) * PANEL_PX * tall + (len(chart.panels) - 1) * PANEL_GAP_PX


def _upright_px(chart: Chart) -> int:
    """How tall the names of the ticks stand; 0 where they lie."""
    return round(max(len(text) for _, text in chart.ticks) * TICK_CHARACTER_PX) if _is_upright(chart) else 0


def _is_upright(chart: Chart) -> bool:
    return chart.side_by_side and len(chart.ticks) > LEVEL_TICKS


def _side_gap_px(chart: Chart) -> int:
    return SIDE_GAP_PX + max(0, _upright_px(chart) - PANEL_GAP_PX)


def _bottom_px(chart: Chart) -> int:
    return BOTTOM_PX + max(0, _upright_px(chart) - PANEL_GAP_PX)


def figure(chart: Chart) -> go.Figure:
    """The plotly figure of a chart."""
    traces: list[dict[str, Any]] = []
    layout: dict[str, Any] = {
        "template": "none",
        "height": height_px(chart),
        "margin": {"l": 64, "r": 16, "t": TOP_PX, "b": _bottom_px(chart)},
        "font": FONT,
        "paper_bgcolor": "#ffffff",
        "plot_bgcolor": "#ffffff",
        "hovermode": "closest" if chart.side_by_side else "x unified",
        "showlegend": not chart.side_by_side,
        "annotations": [],
        "shapes": [],
    }
    boxes = _boxes(chart)
    for place, (panel, box) in enumerate(zip(chart.panels, boxes, strict=True)):
        suffix = "" if place == 0 else str(place + 1)
        is_last = chart.side_by_side or place == len(chart.panels) - 1
        layout[f"xaxis{suffix}"] = _x_axis(chart, box, suffix, labelled=is_last, follows=place > 0 and not chart.side_by_side)
        layout[f"yaxis{suffix}"] = _y_axis(panel, box, suffix)
        layout[f"legend{suffix}"] = {"x": 1.01 - LEGEND_WIDTH, "y": box[3], "xanchor": "left", "yanchor": "top", "font": {"size": 12}}
        layout["annotations"].append(_title(panel, box))
        layout["shapes"] += [_shape(shade, suffix) for shade in chart.shades]
        layout["shapes"] += [_upright(moment, suffix) for moment in chart.moments]
        if place == 0:
            layout["annotations"] += [_shade_text(shade, box) for shade in chart.shades]
        has_legend = place == 0 or _names(panel) != _names(chart.panels[0])
        for line in panel.lines:
            traces += [trace if has_legend else trace | {"showlegend": False} for trace in _traces(line, suffix)]
    return go.Figure(data=traces, layout=layout)


def _names(panel: Panel) -> list[str]:
    return [line.name for line in panel.lines]


Box = tuple[float, float, float, float]
"""Left, right, bottom and top of a panel, as shares of the drawing area."""


def _boxes(chart: Chart) -> list[Box]:
    inner = height_px(chart) - TOP_PX - _bottom_px(chart)
    if not chart.side_by_side:
        panel = (inner - (len(chart.panels) - 1) * PANEL_GAP_PX) / len(chart.panels)
        tops = [1 - place * (panel + PANEL_GAP_PX) / inner for place in range(len(chart.panels))]
        return [(0.0, 1 - LEGEND_WIDTH, max(0.0, top - panel / inner), top) for top in tops]
    gap = 0.085
    width = (1 - gap * (SIDE_COLUMNS - 1)) / SIDE_COLUMNS
    boxes = []
    for place in range(len(chart.panels)):
        row, column = divmod(place, SIDE_COLUMNS)
        top = 1 - row * (SIDE_PANEL_PX + _side_gap_px(chart)) / inner
        left = column * (width + gap)
        boxes.append((left, left + width, max(0.0, top - SIDE_PANEL_PX / inner), top))
    return boxes


def _x_axis(chart: Chart, box: Box, suffix: str, *, labelled: bool, follows: bool) -> dict[str, Any]:
    axis: dict[str, Any] = {
        "domain": [box[0], box[1]],
        "anchor": f"y{suffix}",
        "showticklabels": labelled,
        "showgrid": not chart.side_by_side,
        "gridcolor": GRID,
        "zeroline": False,
        "linecolor": FAINT,
        "showline": True,
        "ticks": "outside" if labelled else "",
    }
    if labelled and chart.x_title:
        axis["title"] = {"text": chart.x_title, "standoff": 8, "font": AXIS_FONT}
    if chart.ticks:
        axis |= {"tickvals": [at for at, _ in chart.ticks], "ticktext": [text for _, text in chart.ticks]}
        if _is_upright(chart):
            axis["tickangle"] = -90
    if chart.is_log_x:
        axis |= {"type": "log", "tickvals": LOG_TICKS}
    if chart.x_range is not None:
        axis["range"] = list(chart.x_range)
    if follows:
        axis["matches"] = "x"
    return axis


def _y_axis(panel: Panel, box: Box, suffix: str) -> dict[str, Any]:
    axis: dict[str, Any] = {
        "domain": [box[2], box[3]],
        "anchor": f"x{suffix}",
        "gridcolor": GRID,
        "zeroline": False,
        "title": {"text": panel.unit, "standoff": 6, "font": AXIS_FONT},
        "type": "log" if panel.is_log else "linear",
    }
    if panel.is_log:
        axis["tickvals"] = LOG_TICKS
    elif panel.is_share:
        axis |= {"tickformat": ".4~p", "range": _share_range(panel)}
    else:
        axis["rangemode"] = "tozero"
        if not any(value for line in panel.lines for value in (*line.y, *line.high)):
            axis["range"] = [0, 1]
    return axis


def _share_range(panel: Panel) -> list[float]:
    """From a little below the smallest share up to all, beyond which there is nothing."""
    shown = [value for line in panel.lines for value in (*line.y, *line.low) if value is not None]
    lowest = min([1 - LEAST_SHARE_SPAN, *shown])
    return [max(0.0, 1 - (1 - lowest) * (1 + SHARE_MARGIN)), 1.0]


def _title(panel: Panel, box: Box) -> dict[str, Any]:
    return {
        "text": f"<b>{panel.title}</b>",
        "x": box[0],
        "y": box[3],
        "xref": "paper",
        "yref": "paper",
        "xanchor": "left",
        "yanchor": "bottom",
        "yshift": 4,
        "showarrow": False,
        "font": {"size": 13},
    }


def _shape(shade: Shade, suffix: str) -> dict[str, Any]:
    return {
        "type": "rect",
        "xref": f"x{suffix}",
        "yref": f"y{suffix} domain",
        "x0": rounded(shade.start),
        "x1": rounded(shade.end),
        "y0": 0,
        "y1": 1,
        "fillcolor": SHADE_COLORS[shade.kind],
        "opacity": SHADE_OPACITY[shade.kind],
        "line": {"width": 0},
        "layer": "below",
    }


def _upright(moment: Moment, suffix: str) -> dict[str, Any]:
    return {
        "type": "line",
        "xref": f"x{suffix}",
        "yref": f"y{suffix} domain",
        "x0": rounded(moment.at),
        "x1": rounded(moment.at),
        "y0": 0,
        "y1": 1,
        "line": {"color": PALETTE[moment.color % len(PALETTE)], "width": 1.5, "dash": "dot"},
    }


def _shade_text(shade: Shade, box: Box) -> dict[str, Any]:
    raised = {"warm_up": 22, "fault": 22, "recovering": 8}[shade.kind]
    return {
        "text": shade.text,
        "x": rounded(shade.start),
        "y": box[3],
        "xref": "x",
        "yref": "paper",
        "xanchor": "left",
        "yanchor": "bottom",
        "yshift": raised,
        "showarrow": False,
        "font": {"size": 11, "color": INK},
    }


def _traces(line: Line, suffix: str) -> list[dict[str, Any]]:
    color = FAINT if line.color < 0 else PALETTE[line.color % len(PALETTE)]
    dash = line.dash if line.dash != "solid" or line.color < 0 else DASHES[line.color // len(PALETTE) % len(DASHES)]
    common: dict[str, Any] = {
        "type": "scatter",
        "x": [rounded(value) for value in line.x],
        "y": [rounded(value) for value in line.y],
        "name": line.name,
        "xaxis": f"x{suffix}",
        "yaxis": f"y{suffix}",
        "legend": f"legend{suffix}",
    }
    if line.form == "pair":
        return [common | {"mode": "lines", "line": {"color": FAINT, "width": 1}, "opacity": 0.6, "hoverinfo": "skip", "showlegend": False}]
    if line.form == "points":
        return [common | _points(color)]
    if line.form == "estimate":
        return [common | _estimate(line, color)]
    shape = "hvh" if line.form == "step" else "linear"
    drawn = common | {"mode": "lines", "line": {"color": color, "width": 2, "dash": dash, "shape": shape}, "hovertemplate": "%{y}"}
    return [*_band(line, common, color, shape), drawn]


def _points(color: str) -> dict[str, Any]:
    return {"mode": "markers", "marker": {"color": color, "size": 7, "opacity": 0.75}, "hovertemplate": "%{y}", "cliponaxis": False}


def _estimate(line: Line, color: str) -> dict[str, Any]:
    estimates = list(zip(line.y, line.low, line.high, strict=True))
    bars = {
        "type": "data",
        "symmetric": False,
        "array": [None if high is None or middle is None else rounded(high - middle) for middle, _, high in estimates],
        "arrayminus": [None if low is None or middle is None else rounded(middle - low) for middle, low, _ in estimates],
        "color": color,
        "thickness": 2,
        "width": 6,
    }
    marker = {"color": color, "size": 11, "symbol": "line-ew", "line": {"color": color, "width": 3}}
    return {"mode": "markers", "marker": marker, "error_y": bars, "hovertemplate": "%{y}", "cliponaxis": False}


def _band(line: Line, common: dict[str, Any], color: str, shape: str) -> list[dict[str, Any]]:
    """One closed outline for each stretch without a gap, which a gap in a filled trace would tear."""
    bands = []
    stretch: list[tuple[float, float, float]] = []
    points = zip(line.x, line.low, line.high, strict=False) if line.low else ()
    for x, low, high in (*points, (0.0, None, None)):
        if low is not None and high is not None:
            stretch.append((x, low, high))
            continue
        if len(stretch) > 1:
            outline = [(x, high) for x, _, high in stretch] + [(x, low) for x, low, _ in reversed(stretch)]
            bands.append(
                common
                | {
                    "x": [rounded(x) for x, _ in outline],
                    "y": [rounded(y) for _, y in outline],
                    "mode": "lines",
                    "line": {"width": 0, "shape": shape},
                    "fill": "toself",
                    "fillcolor": _with_alpha(color),
                    "hoverinfo": "skip",
                    "showlegend": False,
                }
            )
        stretch = []
    return bands


def _with_alpha(color: str) -> str:
    red, green, blue = (int(color[place : place + 2], 16) for place in (1, 3, 5))
    return f"rgba({red},{green},{blue},{BAND_ALPHA})"
