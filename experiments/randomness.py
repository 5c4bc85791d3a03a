"""Random numbers that are the same for the same seed in every process and on every machine."""

from __future__ import annotations

import zlib

import numpy as np


def generator(seed: int, *path: str | int) -> np.random.Generator:
    """A generator of its own for each use of a seed, so that drawing more for one use changes no other.

    ``path`` names the use, as in ``generator(seed, "population")``. PCG64 is named rather than left to numpy's default, which
    may change, and names are hashed by CRC-32, since ``hash()`` differs from process to process.
    """
    words = [zlib.crc32(part.encode()) if isinstance(part, str) else part for part in path]
    return np.random.Generator(np.random.PCG64(np.random.SeedSequence([seed, *words])))
