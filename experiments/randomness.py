"""Random numbers that are the same for the same seed in every process and on every machine."""

from __future__ import annotations

import zlib

import numpy as np
from numpy.typing import NDArray

from experiments.definition.popularity import zipf_weights

Integers = NDArray[np.int64]


def generator(seed: int, *path: str | int) -> np.random.Generator:
    """A generator of its own for each use of a seed, so that drawing more for one use changes no other.

    ``path`` names the use, as in ``generator(seed, "population")``. PCG64 is named rather than left to numpy's default, which
    may change, and names are hashed by CRC-32, since ``hash()`` differs from process to process.
    """
    words = [zlib.crc32(part.encode()) if isinstance(part, str) else part for part in path]
    return np.random.Generator(np.random.PCG64(np.random.SeedSequence([seed, *words])))


def draw(rng: np.random.Generator, count: int, weights: NDArray[np.float64]) -> Integers:
    """Indices drawn with probability proportional to ``weights``, by inverting the distribution function."""
    bounds = np.cumsum(weights)
    drawn = np.searchsorted(bounds, rng.random(count) * bounds[-1], side="right")
    # Rounding may reach the last bound; the last index that weighs anything is the one it fell on.
    indices: Integers = np.minimum(drawn, np.flatnonzero(weights)[-1])
    return indices


def zipf_ranks(rng: np.random.Generator, count: int, size: int, exponent: float) -> Integers:
    """Ranks from 0, the k-th with probability proportional to k to the power of -``exponent`` (Zipf's law over a finite population)."""
    return draw(rng, count, zipf_weights(size, exponent))
