"""The matrix of single faults as heat maps: one measure each, the worst of a cell's treatments in it."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Collection, Sequence
from dataclasses import dataclass

from experiments.definition import Metric, Treatment
from reports.analysis.estimates import Estimate
from reports.analysis.matrix import Matrix, matrices
from reports.analysis.summary import Summary
from reports.loading import RunData
from reports.page.data import HeatBlock, HeatCell, HeatMap, Mark
from reports.page.formats import NOTHING, interval, number, value
from reports.page.words import METRICS

LEAST_TREATMENTS = 3
"""Fewer single faults are better read in a table."""


@dataclass(frozen=True)
class _Mapped:
    """A measure that is drawn, and the upper bounds of its classes; what is larger than all is one more."""

    metric: Metric
    bounds: tuple[float, ...]


_MAPPED = (
    _Mapped(Metric.FAILED_DURING_FAULT, (0, 0.001, 0.01, 0.05, 0.25)),
    _Mapped(Metric.TIME_TO_RECOVER_S, (0, 1, 2, 4, 8)),
    _Mapped(Metric.TAIL_RATIO, (1.25, 2, 5, 10, 50)),
    _Mapped(Metric.LOST_SERVICE_S, (0, 0.05, 0.25, 1, 2)),
)


def heat_maps(run: RunData, summary: Summary, prefix: str) -> tuple[HeatMap, ...]:
    """One map a measure, the first one open; none for an experiment with few single faults."""
    found = matrices(run.record.experiment)
    if sum(matrix.size for matrix in found) < LEAST_TREATMENTS:
        return ()
    broken = broken_treatments(run)
    return tuple(_heat_map(mapped, found, run, summary, broken, prefix, is_folded=place > 0) for place, mapped in enumerate(_MAPPED))


def broken_treatments(run: RunData) -> dict[str, tuple[str, ...]]:
    """The invariants that did not hold, by treatment; in invalid trials too, for a broken promise is one whatever else went wrong."""
    found: dict[str, tuple[str, ...]] = {}
    for trial in run.trials:
        names = (one.name.replace("_", " ") for one in trial.record.invariants if one.verdict == "fail")
        if together := tuple(dict.fromkeys((*found.get(trial.record.treatment, ()), *names))):
            found[trial.record.treatment] = together
    return found


def _heat_map(
    mapped: _Mapped,
    found: Sequence[Matrix],
    run: RunData,
    summary: Summary,
    broken: dict[str, tuple[str, ...]],
    prefix: str,
    *,
    is_folded: bool,
) -> HeatMap:
    words = METRICS[mapped.metric]
    return HeatMap(
        name=f"{prefix}-map-{mapped.metric.replace('_', '-')}",
        title=words.heading,
        caption=f"{words.definition} Rows are what was struck, columns how. The median over the valid trials; “>”: it is only known to be "
        "more. Empty: the two don't combine, or were not planned.",
        classes=_classes(mapped),
        blocks=tuple(
            HeatBlock(
                title=title,
                columns=tuple(column.replace("_", " ") for column in matrix.columns),
                rows=tuple(
                    (row, tuple(_cell(mapped, matrix.cells.get((row, column), ()), run, summary, broken) for column in matrix.columns))
                    for row in matrix.rows
                ),
            )
            for title, matrix in zip(("node", "link"), found, strict=True)
            if matrix.rows
        ),
        is_folded=is_folded,
    )


def _classes(mapped: _Mapped) -> tuple[str, ...]:
    form = METRICS[mapped.metric].form
    first, *others = (number(float(bound), form) for bound in mapped.bounds)
    return (first if mapped.bounds[0] == 0 else f"≤ {first}", *(f"≤ {bound}" for bound in others), f"> {others[-1]}")


def _cell(
    mapped: _Mapped, treatments: Sequence[Treatment], run: RunData, summary: Summary, broken: dict[str, tuple[str, ...]]
) -> HeatCell | None:
    if not treatments:
        return None
    form = METRICS[mapped.metric].form
    estimates = [summary.by_treatment[treatment.name][mapped.metric] for treatment in treatments]
    measured = [estimate for estimate in estimates if isinstance(estimate, Estimate)]
    worst = max(measured, key=lambda estimate: (estimate.value, estimate.is_lower_bound), default=None)
    hints = [
        f"{treatment.title}: {_in_words(estimate, mapped.metric)}; {_counted(run, treatment.name)}"
        + (f"; broken: {', '.join(broken[treatment.name])}" if treatment.name in broken else "")
        for treatment, estimate in zip(treatments, estimates, strict=True)
    ]
    return HeatCell(
        text=NOTHING if worst is None else value(worst, form),
        level=None if worst is None else level_of(worst, mapped.bounds),
        mark=_mark({treatment.name for treatment in treatments}, run, broken),
        hint=". ".join(hints),
    )


def level_of(estimate: Estimate, bounds: Sequence[float]) -> int:
    """The class of a value; what is only known to be more than a bound is beyond it."""
    return bisect_right(bounds, estimate.value) if estimate.is_lower_bound else bisect_left(bounds, estimate.value)


def _in_words(estimate: object, metric: Metric) -> str:
    form = METRICS[metric].form
    return f"{value(estimate, form)} {interval(estimate, form)}".rstrip() if isinstance(estimate, Estimate) else "not measured"


def _counted(run: RunData, treatment: str) -> str:
    planned = sum(one.treatment == treatment for one in run.record.plan)
    return f"{len(run.valid(treatment))} of {planned} trials valid"


def _mark(names: Collection[str], run: RunData, broken: Collection[str]) -> Mark:
    finished = [trial.record for trial in run.trials if trial.record.treatment in names]
    if any(name in broken for name in names):
        return Mark.BROKEN
    if not finished:
        return Mark.NOT_RUN
    return Mark.NONE if any(record.valid for record in finished) else Mark.INVALID
