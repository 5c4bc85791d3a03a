"""Requests second by second: each is put into the second in which it was due in one pass, however long the trial is."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Self

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from reports.loading import Window

BIN_S = 1.0


@dataclass(frozen=True, eq=False)
class Traffic:
    """Requests by when they were due, with failures slower than every answer."""

    due_s: NDArray[np.float64]
    response_ms: NDArray[np.float64]
    """Infinite where the request failed."""

    @classmethod
    def of(cls, requests: pd.DataFrame) -> Self:
        """The requests of a trial, or a part of them."""
        response_ms = np.where(requests["ok"], requests["response_ms"], math.inf)
        return cls(requests["intended_s"].to_numpy(dtype=np.float64), response_ms.astype(np.float64))

    def within(self, window: Window) -> Traffic:
        """The requests that were due in a window, without its end."""
        inside = (self.due_s >= window.start_s) & (self.due_s < window.end_s)
        return Traffic(self.due_s[inside], self.response_ms[inside])

    @property
    def failed(self) -> NDArray[np.bool_]:
        """Whether each request failed."""
        return np.isinf(self.response_ms)


def by_bin(times_s: NDArray[np.float64], values: NDArray[np.float64], edges: NDArray[np.float64]) -> Sequence[NDArray[np.float64]]:
    """The values whose time lies between each two edges, the upper one excluded."""
    order = np.argsort(times_s, kind="stable")
    ordered = values[order]
    cuts = np.searchsorted(times_s[order], edges)
    return [ordered[start:end] for start, end in pairwise(cuts)]


def whole_seconds(window: Window) -> int:
    """How many whole seconds lie in a window; 0 for one that ends before it begins."""
    return max(0, math.floor(window.length_s / BIN_S))


def second_of(traffic: Traffic, window: Window) -> NDArray[np.intp]:
    """The number of the whole second of the window in which each request was due; what is left of the window belongs to the last one."""
    number = np.floor((traffic.due_s - window.start_s) / BIN_S).astype(np.intp)
    return np.minimum(number, whole_seconds(window) - 1)
