"""The part of a section on claims that are curves: what the cache saves at each rate, popularity and time to live."""

from __future__ import annotations

from dataclasses import replace

from experiments.definition import CurveClaim, Experiment, Metric
from reports.analysis.cache_curve import CurvePoint, CurveSeries, curve_points, curve_series
from reports.analysis.estimates import Estimate
from reports.analysis.summary import Summary
from reports.loading import RunData
from reports.page.client_charts import NO_COLOR, finite
from reports.page.data import Chart, Column, Line, Panel, Part, Table
from reports.page.formats import Form, estimate_cell, estimate_names, number, number_cell, text_cell

THEORY = (
    "Jung, Berger and Balakrishnan, Modeling TTL-based Internet caches, IEEE INFOCOM 2003: a key that is read l times a second and lives T "
    "seconds in the mean is missed l / (1 + l T) times a second"
)
STARTS = {
    "steady": "Every trial began with what the cache holds in steady state.",
    "empty": "Every trial began with an empty cache, which saves less until its entries have lived a time to live.",
}


def curve_parts(run: RunData, summary: Summary, anchor: str) -> tuple[Part, ...]:
    """A part for each claim on the statements of reads over several operating points."""
    experiment = run.record.experiment
    claims = [claim for claim in experiment.claims if isinstance(claim, CurveClaim) and claim.metric is Metric.SQL_PER_10K_READS]
    return tuple(_part(run, summary, claim, f"{anchor}-curve{place or ''}", experiment) for place, claim in enumerate(claims))


def _part(run: RunData, summary: Summary, claim: CurveClaim, name: str, experiment: Experiment) -> Part:
    points = curve_points(run, summary, claim)
    return Part(
        name,
        "What the cache saves, by load",
        text=f"“{experiment.treatment(claim.numerator).title}” divided by each of the others. {STARTS[experiment.cache_start]}",
        charts=(_chart(claim, curve_series(experiment, points), name),),
        tables=(_table(points, name),),
    )


def _chart(claim: CurveClaim, series: tuple[CurveSeries, ...], name: str) -> Chart:
    lines = [line for color, one in enumerate(series) for line in _lines(color, one)]
    return Chart(
        name=name,
        title="Statements without the cache, divided by those with it",
        caption="Points are ratios within blocks with their intervals over blocks; lines are what theory expects: reads per miss in steady "
        f"state ({THEORY}). The grey band is what was claimed. Both axes are logarithmic.",
        x_title="offered reads per second",
        panels=(Panel("SQL statements per read, without ÷ with the cache", "times fewer", (*_claimed(claim, lines), *lines), is_log=True),),
        is_log_x=True,
    )


def _lines(color: int, series: CurveSeries) -> tuple[Line, ...]:
    title = f"Zipf {series.zipf_exponent:g}, {series.ttl_s} s"
    found = [(point.reads_per_s, point.measured) for point in series.points if isinstance(point.measured, Estimate)]
    measured = Line(
        title,
        color,
        tuple(x for x, _ in found),
        finite([estimate.value for _, estimate in found]),
        finite([estimate.low for _, estimate in found]),
        finite([estimate.high for _, estimate in found]),
        form="estimate",
    )
    theory = Line(f"{title}: theory", color, series.line_reads_per_s, series.line_expected)
    return tuple(line for line in (theory, measured) if line.x)


def _claimed(claim: CurveClaim, lines: list[Line]) -> tuple[Line, ...]:
    """The claimed bounds across the whole chart, with a band between them if there are both."""
    xs = [x for line in lines for x in line.x]
    if not xs:
        return ()
    ends = (min(xs), max(xs))
    bounds = [(word, bound) for word, bound in (("at least", claim.at_least), ("at most", claim.at_most)) if bound is not None]
    found = [Line(f"claimed: {word} {number(bound, Form.TIMES)}", NO_COLOR, ends, (bound, bound), dash="dash") for word, bound in bounds]
    if claim.at_least is not None and claim.at_most is not None:
        found[0] = replace(found[0], low=(claim.at_least,) * 2, high=(claim.at_most,) * 2)
    return tuple(found)


def _table(points: tuple[CurvePoint, ...], name: str) -> Table:
    return Table(
        name=name,
        title="Statements saved by rate, popularity and time to live",
        columns=(
            Column("Treatment", ("treatment",)),
            Column("Reads offered (per s)", ("reads_per_s",), is_number=True),
            Column("Zipf exponent", ("zipf_exponent",), is_number=True),
            Column("Time to live (s)", ("ttl_s",), is_number=True),
            Column("Times fewer statements", estimate_names("times_fewer"), is_number=True),
            Column("Theory", ("theory",), is_number=True),
        ),
        rows=tuple(
            (
                text_cell(point.treatment.title),
                number_cell(point.reads_per_s),
                number_cell(point.zipf_exponent),
                number_cell(point.ttl_s),
                estimate_cell(point.measured, Form.TIMES),
                number_cell(point.expected),
            )
            for point in points
        ),
        note="Theory: reads per miss in steady state.",
    )
