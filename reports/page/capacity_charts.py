"""The charts of a capacity run: how much each side takes, path by path, and what more connections do to it."""

from __future__ import annotations

from collections.abc import Sequence

from experiments.definition import CapacityExperiment, Implementation, Quantity, ReadPath
from reports.analysis.capacity import CapacitySummary, Compared, Side
from reports.analysis.estimates import Estimate, Observation
from reports.page.capacity_words import IMPLEMENTATIONS, WORDS
from reports.page.client_charts import NO_COLOR, SPREAD, finite
from reports.page.data import Chart, Dots, Line, Panel, Row, RowChart
from reports.page.formats import Form, interval, value

RATES = (Quantity.THROUGHPUT_PER_S, Quantity.DECISIONS_PER_S)
"""What the rows of the capacity chart are made of."""
OVERLOAD_PANELS = (Quantity.THROUGHPUT_PER_S, Quantity.REFUSED_REQUESTS, Quantity.FAILED_REQUESTS)
LOGARITHMIC = frozenset({Quantity.THROUGHPUT_PER_S})
COLORS = {implementation: place for place, implementation in enumerate(Implementation)}


def capacity_chart(experiment: CapacityExperiment, summary: CapacitySummary, prefix: str) -> RowChart | None:
    """Every valid round as a dot, the sides of a path on one row, its ratios beside them; None where no rate was measured."""
    rows = []
    for quantity in RATES:
        for path in experiment.paths:
            sides = [summary.sides[path.name, implementation] for implementation in path.implementations]
            dots = tuple(_dots(side, quantity) for side in sides if quantity in path.quantities and _positive(side, quantity))
            if dots:
                title = path.title if quantity is Quantity.THROUGHPUT_PER_S else f"{path.title}: {WORDS[quantity].title.lower()}"
                rows.append(Row(title, dots, _ratios(summary.compared, path.name, quantity)))
    if not rows:
        return None
    return RowChart(
        name=f"{prefix}-capacity",
        title="How much each side takes",
        caption="One dot is one valid round, a bar the median over rounds; the axis is logarithmic, so equal distances are equal ratios. "
        "Beside a row stand its ratios with their intervals. A round without any answer has no dot.",
        unit="answers, or decisions, per second",
        rows=tuple(rows),
    )


def _positive(side: Side, quantity: Quantity) -> tuple[float, ...]:
    observed = [one.low for one in side.by_round.get(quantity, {}).values() if isinstance(one, Observation)]
    return tuple(number for number in observed if number > 0)


def _dots(side: Side, quantity: Quantity) -> Dots:
    figure = side.figures[quantity]
    return Dots(
        IMPLEMENTATIONS[side.implementation],
        COLORS[side.implementation],
        _positive(side, quantity),
        figure.value if isinstance(figure, Estimate) and figure.value > 0 else None,
    )


def _ratios(compared: Sequence[Compared], path: str, quantity: Quantity) -> tuple[str, ...]:
    """For each ratio of a row what it is and, below, its interval."""
    lines: list[str] = []
    for one in compared:
        asked = one.comparison.subject
        if (asked.path, asked.quantity) == (path, quantity) and one.reference is not None and isinstance(one.figure, Estimate):
            lines += [f"{value(one.figure, Form.TIMES)} against {one.comparison.against}", interval(one.figure, Form.TIMES)]
    return tuple(line for line in lines if line)


def overload_chart(experiment: CapacityExperiment, summary: CapacitySummary, prefix: str) -> Chart | None:
    """The same read over few and over many connections; None where no path is an overload of another one."""
    paths = _loads(experiment)
    if not paths:
        return None
    implementations = paths[0].implementations
    return Chart(
        name=f"{prefix}-overload",
        title=f"More readers than it can serve: {paths[0].title}",
        caption="Below each name stands the number of readers. One dot is one valid round, a grey line joins the measurements of one "
        "round, a bar is the median over rounds with its interval. A system that protects itself keeps its throughput and refuses the "
        "rest (503 with Retry-After); one that doesn't collapses.",
        x_title="",
        panels=tuple(
            Panel(
                WORDS[quantity].title,
                WORDS[quantity].unit or "requests",
                _lines(paths, summary, quantity),
                is_log=quantity in LOGARITHMIC,
            )
            for quantity in OVERLOAD_PANELS
        ),
        ticks=tuple(
            (float(order * len(paths) + place), f"{IMPLEMENTATIONS[implementation]}<br>{path.connections}")
            for order, implementation in enumerate(implementations)
            for place, path in enumerate(paths)
        ),
        x_range=(-0.5, len(paths) * len(implementations) - 0.3),
        side_by_side=True,
    )


def _loads(experiment: CapacityExperiment) -> list[ReadPath]:
    """Reads that differ in their connections only, one of them an overload; the fewest connections first."""
    reads = [path for path in experiment.paths if isinstance(path, ReadPath)]
    overload = next((path for path in reads if path.overload), None)
    if overload is None:
        return []
    same = (overload.target, overload.cache, overload.implementations)
    found = [path for path in reads if (path.target, path.cache, path.implementations) == same]
    return sorted(found, key=lambda path: path.connections) if len(found) > 1 else []


def _lines(paths: Sequence[ReadPath], summary: CapacitySummary, quantity: Quantity) -> tuple[Line, ...]:
    pairs, lines = [], []
    for order, implementation in enumerate(paths[0].implementations):
        first = order * len(paths)
        color, name = COLORS[implementation], IMPLEMENTATIONS[implementation]
        sides = [summary.sides[path.name, implementation] for path in paths]
        rounds = sorted({number for side in sides for number in side.by_round[quantity]})
        offset = {number: SPREAD * (turn / max(1, len(rounds) - 1) - 0.5) for turn, number in enumerate(rounds)}
        points = [{number: one.low for number, one in side.by_round[quantity].items() if isinstance(one, Observation)} for side in sides]
        for number in rounds:
            present = [(first + place + offset[number], values[number]) for place, values in enumerate(points) if number in values]
            xs, ys = tuple(x for x, _ in present), tuple(y for _, y in present)
            pairs.append(Line(f"{name}, round {number}", NO_COLOR, xs, _drawable(ys, quantity), form="pair"))
        for place, values in enumerate(points):
            xs, ys = tuple(first + place + offset[number] for number in values), tuple(values.values())
            lines.append(Line(name, color, xs, _drawable(ys, quantity), form="points"))
            figure = sides[place].figures[quantity]
            if isinstance(figure, Estimate):
                median, low, high = (_drawable((number,), quantity) for number in (figure.value, figure.low, figure.high))
                lines.append(Line(f"{name}: median", color, (first + place + SPREAD,), median, low, high, form="estimate"))
    return (*pairs, *lines)


def _drawable(values: Sequence[float], quantity: Quantity) -> tuple[float | None, ...]:
    """Values as a chart takes them: a gap where a logarithmic axis has no place for nothing."""
    return tuple(None if found == 0 and quantity in LOGARITHMIC else found for found in finite(values))
