"""What all charts look like: colours that colour-blind people can tell apart, fonts, ticks, and what plotly offers to do with them."""

from __future__ import annotations

from typing import Any

PALETTE = ("#0072b2", "#d55e00", "#009e73", "#cc79a7", "#56b4e9", "#e69f00", "#332288", "#882255", "#117733", "#7f7f7f")
"""Okabe & Ito's colours, then Tol's dark ones, dark enough on white."""
INK, GRID, FAINT = "#1b1f24", "#e3e6ea", "#9aa3ad"
SIGNIFICANT_DIGITS = 5
FONT = {"family": "system-ui, -apple-system, 'Segoe UI', Roboto, sans-serif", "size": 13, "color": INK}
AXIS_FONT = {"size": 12}
LOG_TICKS = [step * 10**power for power in range(-2, 6) for step in (1, 2, 5)]
CONFIG: dict[str, Any] = {
    "displaylogo": False,
    "responsive": True,
    # By default plotly's mode bar offers to upload the chart to its maker's server.
    "showSendToCloud": False,
    "plotlyServerURL": "",
    "modeBarButtons": [["toImage"], ["zoom2d", "pan2d"], ["zoomIn2d", "zoomOut2d", "resetScale2d"]],
}


def rounded(value: float | None) -> float | None:
    """A number as a chart's data have it: no more digits than a screen can show."""
    return None if value is None else float(f"{value:.{SIGNIFICANT_DIGITS}g}")
