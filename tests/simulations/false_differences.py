"""How many pages of treatments that do not differ show a difference anywhere, with and without control of false discoveries."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from reports.analysis.effects import p_value
from reports.analysis.families import benjamini_hochberg
from tests.simulations.samples import by_block, ratio_of
from tests.simulations.tables import Table, percent

TRIALS = (5, 6, 8, 9, 10, 12, 20)
METRICS = 9
TREATMENTS = 2
VARIATION = 0.05
SLOWER = 1.1
SEED = 5
LEVEL = 0.05

Place = tuple[int, int]
"""A treatment and a metric."""
PLACES: tuple[Place, ...] = tuple((treatment, metric) for treatment in range(TREATMENTS) for metric in range(METRICS))


def simulate(experiments: int) -> Table:
    """Metrics are independent of each other; both treatments are compared with the same reference trials."""
    return Table(
        title=f"Pages with {METRICS} metrics of {TREATMENTS} treatments against a reference, % of {experiments:,} pages",
        header=("blocks", "A/A: an interval leaves 1 out", "A/A: any difference marked", "one metric +10 %: it is marked"),
        rows=tuple(_row(experiments, trials) for trials in TRIALS),
        note="Marked: the p-value adjusted by Benjamini & Hochberg is at most 5 %. The smallest two-sided p-value of n blocks is 2/2**n: "
        "with five blocks 6.25 % before any adjustment, so nothing is ever marked; a single difference among 18 comparisons can be from "
        "ten blocks on, differences in all of them from six.",
    )


def _row(experiments: int, trials: int) -> tuple[str, ...]:
    pages = [_values(trials, seed) for seed in range(experiments)]
    changed = [values.copy() for values in pages]
    for values in changed:
        values[1, 0] *= SLOWER
    return (
        str(trials),
        percent([_has_an_interval_without_1(values) for values in pages]),
        percent([bool(_marked(values)) for values in pages]),
        percent([(0, 0) in _marked(values) for values in changed]),
    )


def _values(trials: int, seed: int) -> NDArray[np.float64]:
    """By treatment, the reference first, metric and block."""
    rng = np.random.default_rng((SEED, trials, seed))
    return 1 + VARIATION * rng.normal(0, 1, (1 + TREATMENTS, METRICS, trials))


def _has_an_interval_without_1(values: NDArray[np.float64]) -> bool:
    found = [ratio_of(values[1 + treatment, metric], values[0, metric]) for treatment, metric in PLACES]
    return any(one.low > 1 or one.high < 1 for one in found)


def _marked(values: NDArray[np.float64]) -> set[Place]:
    found = {
        (treatment, metric): p_value(by_block(values[1 + treatment, metric]), by_block(values[0, metric])) for treatment, metric in PLACES
    }
    adjusted = benjamini_hochberg({place: one for place, one in found.items() if one is not None})
    return {place for place, one in adjusted.items() if one <= LEVEL}
