"""What a capacity run amounts to: every figure over the rounds, and each comparison with its ratio within the rounds.

The unit of replication is the round: its measurements were made one after the other on the same machine, so figures are divided
within a round, and estimates are over rounds. Rounds in which one side is invalid have no ratio.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from experiments.definition import CapacityExperiment, Comparison, Implementation, Quantity
from experiments.definition import Measured as Asked
from experiments.records.capacity import Measurement
from reports.analysis.effects import ByBlock, divided, ratio_estimate
from reports.analysis.estimates import Estimate, Observation, Unmeasured
from reports.analysis.measures import Measured, over_trials
from reports.analysis.percentiles import SAMPLES_BEYOND, is_supported, label
from reports.measurements import CapacityData

PERCENTILES: Mapping[Quantity, int] = {Quantity.LATENCY_P50_MS: 500, Quantity.LATENCY_P99_MS: 990}
"""Quantities that are a percentile of the answers, in per mille."""


@dataclass(frozen=True)
class Compared:
    """A comparison and what was measured of it."""

    comparison: Comparison
    subject: Estimate | Unmeasured
    reference: Estimate | Unmeasured | None
    """None where the figure itself is judged."""
    rounds: ByBlock
    """What is judged, by round: the ratio within the round, or the figure itself."""
    figure: Estimate | Unmeasured


@dataclass(frozen=True)
class Side:
    """A path on an implementation; every number is an estimate over its valid rounds."""

    path: str
    implementation: Implementation
    valid: int
    """Rounds that count."""
    by_round: Mapping[Quantity, Mapping[int, Measured]]
    figures: Mapping[Quantity, Estimate | Unmeasured]


@dataclass(frozen=True)
class CapacitySummary:
    """What verdicts and pages are made from."""

    sides: Mapping[tuple[str, Implementation], Side]
    compared: tuple[Compared, ...]


def summarise_capacity(run: CapacityData) -> CapacitySummary:
    """All numbers of a capacity run."""
    experiment = run.record.experiment
    sides = {
        (path.name, implementation): _side(run, experiment, path.name, implementation)
        for path in experiment.paths
        for implementation in path.implementations
    }
    return CapacitySummary(sides, tuple(_compared(comparison, sides) for comparison in experiment.comparisons))


def _side(run: CapacityData, experiment: CapacityExperiment, path: str, implementation: Implementation) -> Side:
    valid = {one.planned.round: one for one in run.of(path, implementation) if one.valid}
    by_round = {
        quantity: {number: value_of(one, quantity) for number, one in valid.items()}
        for quantity in Quantity
        if quantity in experiment.path(path).quantities
    }
    return Side(path, implementation, len(valid), by_round, {name: _over_rounds(values) for name, values in by_round.items()})


def value_of(measurement: Measurement, quantity: Quantity) -> Measured:
    """A figure of one measurement; a percentile only if enough answers lie beyond it."""
    value = measurement.values.get(quantity)
    if value is None:
        return Unmeasured(f"round {measurement.planned.round} has no such figure")
    answers = int(measurement.values.get(Quantity.REQUESTS, 0))
    per_mille = PERCENTILES.get(quantity)
    if per_mille is not None and not is_supported(answers, per_mille):
        return Unmeasured(
            f"{answers} answers in round {measurement.planned.round} leave fewer than {SAMPLES_BEYOND} beyond {label(per_mille)}"
        )
    return Observation.exact(value)


def _over_rounds(values: Mapping[int, Measured]) -> Estimate | Unmeasured:
    return over_trials(list(values.values())) if values else Unmeasured("no round is valid")


def _compared(comparison: Comparison, sides: Mapping[tuple[str, Implementation], Side]) -> Compared:
    subject = _of(comparison.subject, sides)
    if comparison.reference is None:
        rounds, figure = _observations(subject), _over_rounds(subject)
        return Compared(comparison, figure, None, rounds, figure)
    reference = _of(comparison.reference, sides)
    both = {number: (subject[number], reference[number]) for number in sorted(subject.keys() & reference.keys())}
    above, below = ({number: pair[side] for number, pair in both.items()} for side in (0, 1))
    rounds, figure = _ratios(above, below)
    return Compared(comparison, _over_rounds(subject), _over_rounds(reference), rounds, figure)


def _of(asked: Asked, sides: Mapping[tuple[str, Implementation], Side]) -> Mapping[int, Measured]:
    return sides[asked.path, asked.implementation].by_round[asked.quantity]


def _observations(values: Mapping[int, Measured]) -> ByBlock:
    return {number: value for number, value in values.items() if isinstance(value, Observation)}


def _ratios(above: Mapping[int, Measured], below: Mapping[int, Measured]) -> tuple[ByBlock, Estimate | Unmeasured]:
    """By round and over the rounds; one round without a ratio leaves the comparison without one."""
    if not above:
        return {}, Unmeasured("no round has valid measurements of both sides")
    rounds: dict[int, Observation] = {}
    for number in above:
        found = _ratio(number, above[number], below[number])
        if isinstance(found, Unmeasured):
            return {}, found
        rounds[number] = found
    return rounds, ratio_estimate(list(rounds.values()))


def _ratio(number: int, above: Measured, below: Measured) -> Measured:
    if isinstance(above, Unmeasured):
        return above
    if isinstance(below, Unmeasured):
        return below
    return divided(above, below) or Unmeasured(f"round {number} has nothing on both sides, which has no ratio")
