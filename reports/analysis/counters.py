"""What a probe's counter grew by between two moments, across restarts of its node."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from reports.loading import Samples, Window

RESTART_FALL = 0.5
"""A counter that falls below this share of its last value started anew; a smaller fall is a child of the node's process tree that
ended and took its share along, and counts as no growth."""
MIN_COVERED = 0.9
"""Share of a window that readings must span; the rest, at its ends, is taken to grow at the same rate."""
EDGE_TOLERANCE_S = 0.25
"""A probe reads a little after the moment it was meant to: an edge this far outside the readings is moved to the nearest one."""


def cumulative(values: NDArray[np.float64]) -> NDArray[np.float64]:
    """A counter's growth since its first reading, without its restarts.

    What was counted between the last reading before a restart and the restart itself is lost and not guessed.
    """
    if values.size == 0:
        return values
    before, after = values[:-1], values[1:]
    grown = np.where(after >= before, after - before, np.where(after < before * RESTART_FALL, after, 0.0))
    return np.concatenate([[0.0], np.cumsum(grown)])


def restarted(at_s: NDArray[np.float64], values: NDArray[np.float64], window: Window) -> bool:
    """Whether a counter began again within a window, so that what it counted after its last reading before that is lost."""
    fell = values[1:] < values[:-1] * RESTART_FALL
    return bool((fell & (at_s[1:] >= window.start_s) & (at_s[:-1] <= window.end_s)).any())


def increase(at_s: NDArray[np.float64], values: NDArray[np.float64], window: Window) -> float | None:
    """Growth of a counter within a window, linear between readings; None where too little of the window was watched."""
    if at_s.size == 0:
        return None
    start_s, end_s = max(window.start_s, at_s[0]), min(window.end_s, at_s[-1])
    covered = (end_s - start_s) / window.length_s
    if covered < MIN_COVERED:
        return None
    total = cumulative(values)
    return float((np.interp(end_s, at_s, total) - np.interp(start_s, at_s, total)) / covered)


def increase_over_nodes(samples: Samples, metric: str, window: Window) -> dict[str, float | None]:
    """Growth within a window by node."""
    return {node: increase(found.at_s, found.value, window) for node, found in samples.get(metric, {}).items()}


def rates(at_s: NDArray[np.float64], values: NDArray[np.float64], edges_s: NDArray[np.float64]) -> NDArray[np.float64]:
    """Growth per second between successive edges; NaN outside the readings."""
    if at_s.size == 0:
        return np.full(len(edges_s) - 1, np.nan)
    moved = np.clip(edges_s, at_s[0], at_s[-1])
    moved[np.abs(moved - edges_s) > EDGE_TOLERANCE_S] = np.nan
    return np.diff(np.interp(moved, at_s, cumulative(values))) / np.diff(moved)
