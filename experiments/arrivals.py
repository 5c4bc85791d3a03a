"""When requests are sent: arrival processes of an open loop, as times from the seed."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from experiments.definition import Arrivals


def arrival_times(arrivals: Arrivals, duration_s: float, rng: np.random.Generator) -> NDArray[np.float64]:
    """Sorted intended times in [0, ``duration_s``), seconds since the load began.

    Poisson: a Poisson number of arrivals, each uniform over the duration, which is the process's own law given its count
    (Ross, Introduction to Probability Models, theorem 5.2). Constant: one arrival every 1/rate, the first at 0.
    """
    if arrivals.process == "constant":
        times = np.arange(math.ceil(arrivals.rate_per_s * duration_s)) / arrivals.rate_per_s
        return times[times < duration_s]
    count = rng.poisson(arrivals.rate_per_s * duration_s)
    return np.sort(rng.random(count) * duration_s)
