"""A ratio claim at several operating points: what was measured at each, and what theory expects there."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np

from experiments.definition import CurveClaim, Experiment, Metric, Treatment
from experiments.definition.cache_theory import expected_reads_per_miss, read_share
from reports.analysis.effects import ratio
from reports.analysis.estimates import Estimate, Unmeasured
from reports.analysis.summary import Summary
from reports.loading import RunData

LINE_POINTS: Final = 61
"""Of a line of the theory, at equal steps of the logarithm."""
LINE_MARGIN: Final = 1.5
"""How far such a line goes beyond the points of its chart, as a factor."""


@dataclass(frozen=True)
class CurvePoint:
    """One treatment below the line of a curve claim."""

    treatment: Treatment
    reads_per_s: float
    """Offered on the cached paths."""
    zipf_exponent: float
    ttl_s: int
    measured: Estimate | Unmeasured
    """The claim's numerator divided by this treatment, within blocks."""
    expected: float | None
    """Of the theory: reads per miss in steady state. None where it doesn't apply."""


@dataclass(frozen=True)
class CurveSeries:
    """The points that differ in nothing but their rate, and the line of the theory through their rates."""

    points: tuple[CurvePoint, ...]
    line_reads_per_s: tuple[float, ...]
    line_expected: tuple[float, ...]
    """Reads per miss at these rates; both are empty where the theory doesn't apply."""

    @property
    def zipf_exponent(self) -> float:
        """Popularity of all its points."""
        return self.points[0].zipf_exponent

    @property
    def ttl_s(self) -> int:
        """Time to live at all its points, s."""
        return self.points[0].ttl_s


def curve_points(run: RunData, summary: Summary, claim: CurveClaim) -> tuple[CurvePoint, ...]:
    """The points of a claim, in its order, then the other treatments with a cache, which it doesn't speak of."""
    experiment = run.record.experiment
    others = [one for one in experiment.treatments if one.name not in claim.treatments and experiment.topology_of(one).cache.enabled]
    treatments = (*map(experiment.treatment, claim.points), *others)
    return tuple(_point(experiment, summary, claim, treatment) for treatment in treatments)


def curve_series(experiment: Experiment, points: tuple[CurvePoint, ...]) -> tuple[CurveSeries, ...]:
    """The points by popularity and time to live, each series by rate; the lines span the rates of all points."""
    groups: dict[tuple[float, int], list[CurvePoint]] = {}
    for point in points:
        groups.setdefault((point.zipf_exponent, point.ttl_s), []).append(point)
    rates = [point.reads_per_s for point in points]
    reads_per_s = np.geomspace(min(rates) / LINE_MARGIN, max(rates) * LINE_MARGIN, LINE_POINTS).tolist()
    return tuple(_series(experiment, sorted(group, key=lambda point: point.reads_per_s), reads_per_s) for group in groups.values())


def _point(experiment: Experiment, summary: Summary, claim: CurveClaim, treatment: Treatment) -> CurvePoint:
    return CurvePoint(
        treatment=treatment,
        reads_per_s=experiment.arrivals_of(treatment).rate_per_s * read_share(experiment),
        zipf_exponent=experiment.zipf_exponent_of(treatment),
        ttl_s=experiment.topology_of(treatment).cache.ttl_s,
        measured=_measured(summary, claim, treatment.name),
        expected=expected_reads_per_miss(experiment, treatment) if _is_of_the_theory(experiment, claim) else None,
    )


def _measured(summary: Summary, claim: CurveClaim, point: str) -> Estimate | Unmeasured:
    for name in (claim.numerator, point):
        value = summary.by_treatment[name][claim.metric]
        if isinstance(value, Unmeasured):
            return Unmeasured(f"{name}: {value.reason}")
    return ratio(summary.blocks[claim.numerator][claim.metric], summary.blocks[point][claim.metric])


def _is_of_the_theory(experiment: Experiment, claim: CurveClaim) -> bool:
    """Reads per miss are the ratio of statements only against reads that are all missed."""
    numerator = experiment.topology_of(experiment.treatment(claim.numerator))
    return claim.metric is Metric.SQL_PER_10K_READS and not numerator.cache.enabled


def _series(experiment: Experiment, points: list[CurvePoint], reads_per_s: list[float]) -> CurveSeries:
    if any(point.expected is None for point in points):
        return CurveSeries(tuple(points), (), ())
    rates_per_s = [rate / read_share(experiment) for rate in reads_per_s]
    treatments = [points[0].treatment.model_copy(update={"rate_per_s": rate}) for rate in rates_per_s]
    expected = [expected_reads_per_miss(experiment, treatment) for treatment in treatments]
    return CurveSeries(tuple(points), tuple(reads_per_s), tuple(value for value in expected if value is not None))
