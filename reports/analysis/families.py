"""P-values of many questions asked at once: adjusted, so that a level holds for all of them together."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TypeVar

import numpy as np
from scipy import stats

Key = TypeVar("Key")


def holm(p_values: Mapping[Key, float]) -> dict[Key, float]:
    """Adjusted p-values that keep the probability of any false rejection below the level, however the tests depend on each other.

    Holm, "A Simple Sequentially Rejective Multiple Test Procedure", Scandinavian Journal of Statistics 6(2), 1979. For claims: each
    verdict is to be believed by itself.
    """
    ordered = sorted(p_values, key=lambda key: p_values[key])
    remaining = np.arange(len(ordered), 0, -1)
    adjusted = np.minimum(1.0, np.maximum.accumulate([p_values[key] for key in ordered] * remaining))
    by_key = dict(zip(ordered, adjusted.tolist(), strict=True))
    return {key: by_key[key] for key in p_values}


def benjamini_hochberg(p_values: Mapping[Key, float]) -> dict[Key, float]:
    """Adjusted p-values that keep the expected share of false ones among the differences found below the level.

    Benjamini & Hochberg, "Controlling the False Discovery Rate", Journal of the Royal Statistical Society B 57(1), 1995; it also holds
    for tests that depend positively on each other, as metrics of the same trials do. For tables, which are looked through.
    """
    adjusted = stats.false_discovery_control(list(p_values.values()), method="bh")
    return dict(zip(p_values, np.asarray(adjusted, dtype=np.float64).tolist(), strict=True))
