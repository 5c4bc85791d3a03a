"""How popular things are: Zipf's law over a finite population, and the pages that the catalogue is cut into."""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray

PAGE_SIZE: Final = 20
"""Courses on a page of the catalogue."""


def zipf_weights(size: int, exponent: float) -> NDArray[np.float64]:
    """Relative popularity by rank: the k-th of ``size`` weighs k to the power of -``exponent``."""
    weights: NDArray[np.float64] = np.arange(1, size + 1, dtype=np.float64) ** -exponent
    return weights


def pages(courses: int) -> int:
    """Pages of a catalogue with so many courses; the last one may be shorter."""
    return -(-courses // PAGE_SIZE)
