"""How wide the intervals of a run will be, from what equal treatments differed by in the calibration of its machine."""

from __future__ import annotations

import math
from typing import Final

from scipy import special

from experiments.definition import TRIALS_FOR_A_VERDICT, Experiment
from experiments.records.calibration import Calibration

EFFICIENCY: Final = 3 / math.pi
"""Of the signed-rank interval relative to that of Student's t under normality (Lehmann, Nonparametrics, 1975, chapter 4)."""
CONFIDENCE: Final = 0.95


def half_width(spread: float, blocks: int) -> float:
    """Half of the expected 95 % interval of a ratio over so many blocks, as a share of it.

    ``spread`` is the standard deviation of the logarithm of a ratio within a block.
    """
    quantile = float(special.stdtrit(blocks - 1, (1 + CONFIDENCE) / 2))
    return math.expm1(quantile * spread / math.sqrt(blocks * EFFICIENCY))


def width_words(experiment: Experiment, calibration: Calibration | None) -> str:
    """What to expect of the ratios of an experiment's treatments, in a line; empty where it compares nothing."""
    if len(experiment.treatments) == 1:
        return ""
    if experiment.trials < TRIALS_FOR_A_VERDICT:
        return f"{experiment.trials} trials of a treatment have no interval; it takes {TRIALS_FOR_A_VERDICT}"
    if calibration is None:
        return "how wide its intervals will be is not known on this machine; `nox -s calibrate` measures it"
    widths = [f"{one.metric} ±{100 * half_width(one.spread, experiment.trials):.0f} %" for one in calibration.metrics]
    return f"expected 95 % intervals of ratios, by the calibration of {calibration.made_at:%Y-%m-%d}: {', '.join(widths)}"
