"""Simulated trials as the project's functions take them."""

from __future__ import annotations

from collections.abc import Iterable

from reports.analysis.effects import ByBlock, ratio
from reports.analysis.estimates import Estimate, Observation, estimate


def observations(values: Iterable[float]) -> list[Observation]:
    """Numbers that were measured as they are."""
    return [Observation.exact(value) for value in values]


def by_block(values: Iterable[float]) -> ByBlock:
    """One trial in each block."""
    return dict(enumerate(observations(values)))


def median_of(values: Iterable[float]) -> Estimate:
    """The median with its interval."""
    return _measured(estimate(observations(values)))


def ratio_of(numerator: Iterable[float], denominator: Iterable[float]) -> Estimate:
    """The typical ratio with its interval."""
    return _measured(ratio(by_block(numerator), by_block(denominator)))


def _measured(found: object) -> Estimate:
    if not isinstance(found, Estimate):
        raise TypeError(f"a simulated sample has no estimate: {found}")
    return found
