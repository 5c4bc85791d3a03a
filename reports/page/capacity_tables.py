"""The tables of what a capacity run amounts to: its comparisons, and every path on each of its implementations."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from experiments.definition import (
    AnyPath,
    CapacityExperiment,
    Implementation,
    Quantity,
)
from reports.analysis.capacity import CapacitySummary, Compared
from reports.analysis.estimates import Estimate
from reports.page.capacity_words import IMPLEMENTATIONS, WORDS
from reports.page.data import Cell, Column, Table, Tone
from reports.page.formats import NOTHING, Form, estimate_cell, estimate_names, number, number_cell, text_cell
from reports.page.judgements import REACHED_TONES, bounds_form, exact
from reports.verdicts.comparisons import ComparisonVerdict


@dataclass(frozen=True)
class Group:
    """Quantities that are measured together."""

    name: str
    title: str
    mark: Quantity
    """The paths that have it are in the group."""
    quantities: tuple[Quantity, ...]


GROUPS = (
    Group(
        "requests",
        "Requests in a closed loop",
        Quantity.THROUGHPUT_PER_S,
        (
            Quantity.THROUGHPUT_PER_S,
            Quantity.SERVER_CPU_US_PER_REQUEST,
            Quantity.SYSTEM_CPU_US_PER_REQUEST,
            Quantity.REPLICA_MEMORY_MIB,
            Quantity.LATENCY_P50_MS,
            Quantity.LATENCY_P99_MS,
            Quantity.REQUESTS,
            Quantity.REFUSED_REQUESTS,
            Quantity.FAILED_REQUESTS,
        ),
    ),
    Group(
        "statements",
        "Reads counted at the database",
        Quantity.SQL_STATEMENTS,
        (
            Quantity.REQUESTS,
            Quantity.FAILED_REQUESTS,
            Quantity.SERVER_CPU_US_PER_REQUEST,
            Quantity.SYSTEM_CPU_US_PER_REQUEST,
            Quantity.KEYS,
            Quantity.SQL_STATEMENTS,
        ),
    ),
    Group(
        "decisions",
        "The workers' decisions",
        Quantity.DECISIONS_PER_S,
        (
            Quantity.DECISIONS_PER_S,
            Quantity.WORKER_CPU_US_PER_DECISION,
            Quantity.SYSTEM_CPU_US_PER_DECISION,
            Quantity.DECISIONS,
            Quantity.OVERBOOKED_COURSES,
            Quantity.OVERBOOKED_SEATS,
        ),
    ),
)


def comparisons_table(verdicts: Sequence[ComparisonVerdict], prefix: str) -> Table:
    """Each comparison: both sides, the ratio within the rounds, what was asked of it and the verdict."""
    return Table(
        name=f"{prefix}-comparisons",
        title="Ratios, and what was asked of them",
        columns=(
            Column("What", ("title",)),
            Column("Against", ("against",)),
            Column("Verdict", ("verdict",)),
            Column("Typical ratio", estimate_names("figure"), is_number=True),
            Column("Smallest to largest", ("smallest", "largest"), is_number=True),
            Column("Must", ("must",), is_number=True),
            Column("Aim", ("aim",), is_number=True),
            Column("Medians", ("subject", "reference", "quantity")),
            Column("Rounds", ("rounds",), is_number=True),
        ),
        rows=tuple(_comparison_row(verdict) for verdict in verdicts),
        note="Medians are over valid rounds. A ratio is taken within each round in which both sides are valid; its interval is over "
        "rounds. Where nothing is divided, the figure itself stands in the place of the ratio.",
    )


def _comparison_row(verdict: ComparisonVerdict) -> tuple[Cell, ...]:
    compared = verdict.compared
    comparison, form = compared.comparison, bounds_form(compared.comparison)
    sign = "≥ " if comparison.direction == "at_least" else "≤ "
    return (
        text_cell(comparison.title),
        text_cell(comparison.against),
        Cell(verdict.outcome.value, (verdict.outcome.value,), tone=REACHED_TONES[verdict.outcome]),
        estimate_cell(compared.figure, form),
        _range(compared, form),
        Cell(sign + exact(comparison.must, form), (comparison.must,)),
        Cell(sign + exact(comparison.aim, form), (comparison.aim,)),
        _medians(compared),
        number_cell(verdict.rounds),
    )


def _range(compared: Compared, form: Form) -> Cell:
    values = [observation.low for observation in compared.rounds.values()]
    if not values:
        return Cell(NOTHING, (None, None), tone=Tone.FAINT)
    return Cell(f"{number(min(values), form)} to {number(max(values), form)}", (min(values), max(values)))


def _medians(compared: Compared) -> Cell:
    quantity = compared.comparison.subject.quantity
    found = [side.value if isinstance(side, Estimate) else None for side in (compared.subject, compared.reference)]
    shown = " against ".join(number(median) for median in found if median is not None)
    return Cell(f"{shown} {WORDS[quantity].unit}".strip() or NOTHING, (*found, quantity.value))


def sides_tables(experiment: CapacityExperiment, summary: CapacitySummary, prefix: str) -> tuple[Table, ...]:
    """Every path on each of its implementations, group by group of quantities."""
    return tuple(
        Table(
            name=f"{prefix}-{group.name}",
            title=f"{group.title}, by path and implementation",
            columns=(
                *SIDE_COLUMNS,
                Column("Valid rounds", ("rounds",), is_number=True),
                *(Column(WORDS[quantity].heading, estimate_names(quantity.value), is_number=True) for quantity in group.quantities),
            ),
            rows=tuple(
                (
                    *side_cells(path, implementation),
                    number_cell(side.valid, Tone.NEUTRAL if side.valid else Tone.BAD),
                    *(estimate_cell(side.figures.get(quantity)) for quantity in group.quantities),
                )
                for path, implementation in sides_of(experiment, group)
                for side in (summary.sides[path.name, implementation],)
            ),
            note="A dash stands where a round lacks the figure: nothing was answered, or too little for the percentile.",
        )
        for group in GROUPS
    )


SIDE_COLUMNS = (Column("Path", ("path",)), Column("Implementation", ("implementation",)))


def side_cells(path: AnyPath, implementation: Implementation) -> tuple[Cell, Cell]:
    """A path and who was measured on it."""
    return Cell(path.title, (path.name,)), Cell(IMPLEMENTATIONS[implementation], (implementation.value,))


def sides_of(experiment: CapacityExperiment, group: Group) -> Iterator[tuple[AnyPath, Implementation]]:
    """Everything that the quantities of a group were measured of."""
    for path in experiment.paths:
        if group.mark in path.quantities:
            for implementation in path.implementations:
                yield path, implementation
