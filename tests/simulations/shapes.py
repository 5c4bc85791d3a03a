"""Distributions that simulated trials come from, with a median of 0 and a scale of about 1."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import numpy as np
from numpy.typing import NDArray

Sample = NDArray[np.float64]
Draw = Callable[[np.random.Generator, tuple[int, int]], Sample]
"""Values of a shape (experiments, trials)."""

OUTLIERS = 0.1
OUTLIER_SIGMAS = 8.0


def _normal(rng: np.random.Generator, size: tuple[int, int]) -> Sample:
    return rng.normal(0, 1, size)


def _lognormal(rng: np.random.Generator, size: tuple[int, int]) -> Sample:
    return rng.lognormal(0, 1, size) - 1


def _t3(rng: np.random.Generator, size: tuple[int, int]) -> Sample:
    return rng.standard_t(3, size)


def _contaminated(rng: np.random.Generator, size: tuple[int, int]) -> Sample:
    outliers: Sample = rng.choice([-OUTLIER_SIGMAS, OUTLIER_SIGMAS], size)
    return np.where(rng.random(size) < OUTLIERS, outliers, 0.0) + rng.normal(0, 1, size)


SHAPES: Mapping[str, Draw] = {
    "normal": _normal,
    "lognormal, sigma 1": _lognormal,
    "t, 3 degrees": _t3,
    "every tenth 8 sigma off": _contaminated,
}
