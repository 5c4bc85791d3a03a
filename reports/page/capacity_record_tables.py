"""The tables of what a capacity run recorded: rounds, measurements, and what was set up."""

from __future__ import annotations

from collections.abc import Sequence

from experiments.definition import AnyPath, CapacityExperiment, ColdKeyPath, Implementation, Quantity, ReadPath, RegistrationPath, ZipfPath
from experiments.records.capacity import Measurement
from reports.analysis.capacity import value_of
from reports.measurements import CapacityData
from reports.page.capacity_tables import GROUPS, SIDE_COLUMNS, side_cells, sides_of
from reports.page.capacity_words import IMPLEMENTATIONS, WORDS
from reports.page.data import Cell, Column, Table, Tone
from reports.page.formats import Form, measured_cell, number, number_cell, text_cell
from reports.page.judgements import bounds_form
from reports.page.setup_tables import pairs_table, popularity
from reports.verdicts.comparisons import ComparisonVerdict


def rounds_table(verdicts: Sequence[ComparisonVerdict], prefix: str) -> Table:
    """What each comparison came to in each round."""
    return Table(
        name=f"{prefix}-rounds",
        title="Ratios round by round",
        columns=(
            Column("What", ("title",)),
            Column("Against", ("against",)),
            Column("Round", ("round",), is_number=True),
            Column("Ratio", ("figure",), is_number=True),
        ),
        rows=tuple(
            (
                text_cell(verdict.compared.comparison.title),
                text_cell(verdict.compared.comparison.against),
                number_cell(round_number),
                _figure(observation.low, bounds_form(verdict.compared.comparison)),
            )
            for verdict in verdicts
            for round_number, observation in verdict.compared.rounds.items()
        ),
    )


def _figure(value: float, form: Form) -> Cell:
    return Cell(number(value, form), (value,))


def measurements_table(run: CapacityData, prefix: str) -> Table:
    """Every planned measurement: what became of it."""
    made = {one.planned.position: one for one in run.measurements}
    experiment = run.record.experiment
    return Table(
        name=f"{prefix}-measurements",
        title="Measurements in the order in which they were made",
        columns=(
            Column("Position", ("position",), is_number=True),
            Column("Round", ("round",), is_number=True),
            *SIDE_COLUMNS,
            Column("Began (s)", ("at_s",), is_number=True),
            Column("Lasted (s)", ("duration_s",), is_number=True),
            Column("Validity", ("validity",)),
            Column("Remark", ("remark",)),
        ),
        rows=tuple(
            (
                number_cell(planned.position),
                number_cell(planned.round),
                *side_cells(experiment.path(planned.path), planned.implementation),
                number_cell(one.at_s if one else None),
                number_cell(one.values.get(Quantity.DURATION_S) if one else None),
                _validity(one),
                text_cell((one.reason or "") if one else "left no record"),
            )
            for planned in run.record.plan
            for one in (made.get(planned.position),)
        ),
        note="Seconds since the run was started. Only whole rounds are recorded.",
    )


def _validity(one: Measurement | None) -> Cell:
    if one is None:
        return text_cell("not finished", Tone.UNSURE)
    return text_cell("valid", Tone.GOOD) if one.valid else text_cell("invalid", Tone.BAD)


def values_tables(run: CapacityData, prefix: str) -> tuple[Table, ...]:
    """Every figure of every measurement, invalid ones too."""
    experiment = run.record.experiment
    return tuple(
        Table(
            name=f"{prefix}-{group.name}-by-round",
            title=f"{group.title}, round by round",
            columns=(
                *SIDE_COLUMNS,
                Column("Round", ("round",), is_number=True),
                Column("Validity", ("validity",)),
                *(Column(WORDS[quantity].heading, (quantity.value,), is_number=True) for quantity in group.quantities),
            ),
            rows=tuple(
                (
                    *side_cells(path, implementation),
                    number_cell(one.planned.round),
                    _validity(one),
                    *(measured_cell(value_of(one, quantity)) for quantity in group.quantities),
                )
                for path, implementation in sides_of(experiment, group)
                for one in run.of(path.name, implementation)
            ),
            note="The estimates are made of the valid measurements.",
        )
        for group in GROUPS
    )


def paths_table(experiment: CapacityExperiment, prefix: str) -> Table:
    """What is measured, and how it is asked."""
    return Table(
        name=f"{prefix}-paths",
        title="Paths",
        columns=(
            Column("Path", ("title",)),
            Column("Name", ("path",)),
            Column("Cache", ("cache",)),
            Column("How it is asked", ("load",)),
            Column("Measured on", ("implementations",)),
        ),
        rows=tuple(
            (
                text_cell(path.title),
                text_cell(path.name),
                text_cell(_cache(path)),
                text_cell(_load(path)),
                text_cell(", ".join(IMPLEMENTATIONS[implementation] for implementation in path.implementations)),
            )
            for path in experiment.paths
        ),
    )


def _cache(path: AnyPath) -> str:
    if path.implementations == (Implementation.HELLO,):
        return ""
    return "on" if path.cache else "off"


def _load(path: AnyPath) -> str:
    match path:
        case ReadPath():
            refusals = "; refusals and failures are part of the result" if path.overload else ""
            return f"GET {path.target} over {path.connections} connections to one replica{refusals}"
        case ColdKeyPath():
            return f"{path.clients} clients ask for one course at once, {path.keys} courses one after the other, over all replicas"
        case ZipfPath():
            return f"{path.reads:,} reads by {path.clients} clients, over all replicas"
        case RegistrationPath():
            return (
                f"POST /enroll over {path.connections} connections, workers paused, then their decisions; courses of {path.seats} seats "
                f"with {path.applicants} applicants each, {path.courses_at_once} at once"
            )


def capacity_load_table(experiment: CapacityExperiment, prefix: str) -> Table:
    """The load and the data, the same for all paths."""
    data = experiment.dataset
    return pairs_table(
        f"{prefix}-load",
        "Load and data",
        (
            ("load", "closed loop: every connection sends its next request when its last one was answered"),
            ("a measurement", f"warm-up {experiment.warm_up_s:g} s, measured {experiment.measure_s:g} s"),
            ("rounds", str(experiment.trials)),
            ("courses", f"{data.courses:,}"),
            ("students", f"{data.students:,}"),
            ("popularity", popularity(data)),
        ),
    )
