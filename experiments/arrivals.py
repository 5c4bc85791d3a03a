"""When requests are sent: arrival processes of an open loop, as times from the seed."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from experiments.definition import Arrivals

_Times = NDArray[np.float64]


@dataclass(frozen=True)
class _Piece:
    """A while in which the rate changes evenly."""

    start_s: float
    end_s: float
    first_per_s: float
    last_per_s: float

    @property
    def expected(self) -> float:
        """Arrivals in it in the mean."""
        return (self.end_s - self.start_s) * (self.first_per_s + self.last_per_s) / 2

    def cut(self, at_s: float) -> _Piece:
        """What of it is before that moment."""
        share = (at_s - self.start_s) / (self.end_s - self.start_s)
        return _Piece(self.start_s, at_s, self.first_per_s, self.first_per_s + share * (self.last_per_s - self.first_per_s))

    def when(self, expected: _Times) -> _Times:
        """The moments until which so many arrivals are expected since its beginning.

        With a slope s the expectation after x seconds is ax + sx²/2; this form of the root has no cancellation, and holds for s = 0.
        """
        slope = (self.last_per_s - self.first_per_s) / (self.end_s - self.start_s)
        root = np.sqrt(np.maximum(self.first_per_s**2 + 2 * slope * expected, 0.0))
        return np.minimum(self.start_s + 2 * expected / np.maximum(self.first_per_s + root, np.finfo(np.float64).tiny), self.end_s)


def arrival_times(arrivals: Arrivals, duration_s: float, rng: np.random.Generator) -> _Times:
    """Sorted intended times in [0, ``duration_s``), seconds since the load began.

    Poisson: a Poisson number of arrivals, each uniform over the duration, which is the process's own law given its count
    (Ross, Introduction to Probability Models, theorem 5.2). Constant: one arrival every 1/rate, the first at 0.

    Where the rate changes, both are made in the time in which it would be 1/s, and brought back by the inverse of the expected number of
    arrivals (Çinlar, Introduction to Stochastic Processes, 1975, section 4.7), which takes no rejected candidates as thinning does (Lewis
    and Shedler, Simulation of nonhomogeneous Poisson processes by thinning, 1979).
    """
    if arrivals.ramp is None and arrivals.spike is None:
        return _steady(arrivals, duration_s, rng)
    pieces = _pieces(arrivals, duration_s)
    bounds = np.concatenate([[0.0], np.cumsum([piece.expected for piece in pieces])])
    expected = float(bounds[-1])
    if arrivals.process == "constant":
        unit = np.arange(math.ceil(expected), dtype=np.float64)
        unit = unit[unit < expected]
    else:
        unit = np.sort(rng.random(rng.poisson(expected)) * expected)
    place = np.clip(np.searchsorted(bounds, unit, side="right") - 1, 0, len(pieces) - 1)
    times = np.empty_like(unit)
    for number, piece in enumerate(pieces):
        here = place == number
        times[here] = piece.when(unit[here] - bounds[number])
    return times[times < duration_s]


def _steady(arrivals: Arrivals, duration_s: float, rng: np.random.Generator) -> _Times:
    if arrivals.process == "constant":
        times = np.arange(math.ceil(arrivals.rate_per_s * duration_s)) / arrivals.rate_per_s
        return times[times < duration_s]
    count = rng.poisson(arrivals.rate_per_s * duration_s)
    return np.sort(rng.random(count) * duration_s)


def _pieces(arrivals: Arrivals, duration_s: float) -> list[_Piece]:
    """The rate over the load, cut at its end."""
    rate, ramp, spike = arrivals.rate_per_s, arrivals.ramp, arrivals.spike
    pieces: list[_Piece] = []
    if ramp is not None:
        pieces.append(_Piece(0.0, ramp.duration_s, ramp.from_per_s, rate))
    if spike is not None:
        pieces.append(_Piece(pieces[-1].end_s if pieces else 0.0, spike.at_s, rate, rate))
        pieces.append(_Piece(spike.at_s, spike.end_s, spike.rate_per_s, spike.rate_per_s))
    pieces.append(_Piece(pieces[-1].end_s if pieces else 0.0, duration_s, rate, rate))
    return [
        piece if piece.end_s <= duration_s else piece.cut(duration_s) for piece in pieces if piece.start_s < min(piece.end_s, duration_s)
    ]
