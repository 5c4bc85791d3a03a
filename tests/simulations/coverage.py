"""How often the interval of a median and that of a paired ratio hold the truth, by shape of the data and number of trials."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from tests.simulations.samples import median_of, ratio_of
from tests.simulations.shapes import SHAPES, Draw
from tests.simulations.tables import Table, percent

TRIALS = (5, 6, 7, 8, 10, 20)
SEED = 1
SCALE = 0.05
"""Of the logarithms of what the two treatments of a ratio measure."""
BLOCK_SCALE = 0.2
"""Of the logarithm of what a block has in common."""
TRUE_RATIO = 1.1

Covered = Callable[[Draw, int, int], list[bool]]


def simulate(experiments: int) -> Table:
    """Both treatments of a ratio come from the same shape, so that the logarithm of the ratio is spread evenly about the true one."""
    methods: tuple[tuple[str, Covered], ...] = (("median", _median), ("ratio", _ratio))
    return Table(
        title=f"Coverage of 95 % intervals, % of {experiments:,} experiments",
        header=("interval of", "shape", *(f"n={trials}" for trials in TRIALS)),
        rows=tuple(
            (method, shape, *(percent(covered(draw, experiments, trials)) for trials in TRIALS))
            for method, covered in methods
            for shape, draw in SHAPES.items()
        ),
        note="Nominal: 93.75 at five trials, 95 from six on; the ratio's interval is exact with 93.75, 96.9, 95.3, 96.1, 95.1, 95.2.",
    )


def _median(draw: Draw, experiments: int, trials: int) -> list[bool]:
    samples = draw(np.random.default_rng((SEED, trials)), (experiments, trials))
    return [found.low <= 0 <= found.high for found in map(median_of, samples)]


def _ratio(draw: Draw, experiments: int, trials: int) -> list[bool]:
    rng = np.random.default_rng((SEED, trials))
    size = (experiments, trials)
    blocks = rng.normal(0, BLOCK_SCALE, size)
    treatment, reference = (np.exp(blocks + SCALE * draw(rng, size)) for _ in range(2))
    pairs = zip(TRUE_RATIO * treatment, reference, strict=True)
    return [found.low <= TRUE_RATIO <= found.high for found in (ratio_of(*pair) for pair in pairs)]
