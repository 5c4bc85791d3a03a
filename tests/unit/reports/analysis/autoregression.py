"""Autocorrelated noise."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray
from scipy.signal import lfilter

BURN_IN = 100


def autoregression(rng: np.random.Generator, coefficient: float, count: int) -> NDArray[np.float64]:
    """A stationary first-order autoregression with unit variance."""
    steps = rng.normal(0, math.sqrt(1 - coefficient**2), count + BURN_IN)
    values: NDArray[np.float64] = lfilter([1.0], [1.0, -coefficient], steps)[BURN_IN:]
    return values
