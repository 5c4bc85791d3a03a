"""How often a treatment that is slower than the reference is found to be: the claim "at most 1 times the reference" refuted."""

from __future__ import annotations

import numpy as np
from scipy import stats

from tests.simulations.samples import ratio_of
from tests.simulations.tables import Table, percent

TRIALS = (5, 6, 7, 8, 9, 10, 12, 15, 20)
VARIATIONS = (0.03, 0.05)
"""Standard deviation of a trial over its mean."""
SLOWER = (1.0, 1.05, 1.1)
BLOCK_SCALE = 0.2
SEED = 3


def simulate(experiments: int) -> Table:
    """Trials are normal about a mean that their block shares; the t test of the same logarithms of ratios stands behind the stroke."""
    cases = [(variation, slower) for variation in VARIATIONS for slower in SLOWER]
    return Table(
        title=f'"At most 1 times the reference" refuted, % of {experiments:,} experiments: signed-rank interval / paired t',
        header=("blocks", *(f"CV {variation:.0%}, {slower - 1:+.0%}" for variation, slower in cases)),
        rows=tuple((str(trials), *(_cell(experiments, trials, variation, slower) for variation, slower in cases)) for trials in TRIALS),
        note="At +0 % the claim is true at its bound: 2.5 is nominal from six blocks on, 3.1 at five. A difference in either direction is "
        "found as often as the claim is refuted.",
    )


def _cell(experiments: int, trials: int, variation: float, slower: float) -> str:
    rng = np.random.default_rng((SEED, trials))
    size = (experiments, trials)
    blocks = np.exp(rng.normal(0, BLOCK_SCALE, size))
    treatment, reference = (blocks * (1 + variation * rng.normal(0, 1, size)) for _ in range(2))
    refuted = [ratio_of(slower * one, other).low > 1 for one, other in zip(treatment, reference, strict=True)]
    logs = np.log(slower * treatment / reference)
    by_t = np.asarray(stats.ttest_1samp(logs, 0, axis=1, alternative="greater").pvalue)
    return f"{percent(refuted)} / {percent((by_t <= 0.025).tolist())}"
