"""Percentiles of one trial's requests, and the rule for when a sample is large enough to print one."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

PERCENTILES_PER_MILLE = (500, 950, 990, 999)
"""The percentiles of the tables, in per mille, so that ranks are computed in whole numbers."""
SAMPLES_BEYOND = 10
"""Requests that must lie beyond a percentile before it is printed: p99 needs 1,000 requests, p99.9 needs 10,000.

With 10 beyond, the count beyond the true percentile has a relative standard error of about 1/sqrt(10) = 32 %; with fewer, the
number printed is little more than the largest few values.
"""
SAMPLES_BEYOND_IN_SERIES = 5
"""The same for one second of a series, where the line is a median over trials and so rests on several such samples."""
TAILS_PER_MILLE = (990, 950, 900)
"""What a tail is: the highest of them that a sample supports."""
WHOLE = 1000


def percentile(values: NDArray[np.float64], per_mille: int) -> float:
    """The smallest value that at least ``per_mille``/1000 of the values do not exceed (inverse of the empirical distribution).

    It is always one of the values, which keeps it meaningful where failures stand as infinity. Definition 1 of Hyndman & Fan,
    "Sample Quantiles in Statistical Packages", The American Statistician 50(4), 1996.

    Raises:
        ValueError: there are no values.
    """
    if values.size == 0:
        raise ValueError("there is no percentile of nothing")
    rank = max(1, -(-values.size * per_mille // WHOLE))
    return float(np.partition(values, rank - 1)[rank - 1])


def is_supported(count: int, per_mille: int, beyond: int = SAMPLES_BEYOND) -> bool:
    """Whether ``count`` values leave enough of them beyond the percentile."""
    return count * (WHOLE - per_mille) >= beyond * WHOLE


def highest_tail(count: int, beyond: int = SAMPLES_BEYOND) -> int | None:
    """The highest tail, in per mille, that ``count`` values support; None: they support none."""
    return next((tail for tail in TAILS_PER_MILLE if is_supported(count, tail, beyond)), None)


def label(per_mille: int) -> str:
    """How people call it: ``p99``, ``p99.9``."""
    return f"p{per_mille / 10:g}"
