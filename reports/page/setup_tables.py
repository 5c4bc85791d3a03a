"""The tables of what was set up: factors, load and data, machine and versions."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from experiments.definition import Dataset, Experiment, Operation, Treatment
from experiments.records.schema import RunHead, RunRecord
from reports.page.data import Cell, Column, Table, Tone
from reports.page.formats import number, text_cell

BYTES_PER_GIB = 2**30
CACHE_STARTS = {"empty": "empty", "steady": "in its steady state: filled through the gateway, entries aged"}

Factors = dict[str, dict[str, Any]]
"""Of a topology by section, as JSON has them."""


def factors_table(deployed: Mapping[str, tuple[str, Factors]], prefix: str) -> Table:
    """Every factor of everything that was deployed, by name with its title; those that differ say so."""
    values_of = {name: _flat(factors) for name, (_, factors) in deployed.items()}
    paths = list(next(iter(values_of.values())))
    varied = [path for path in paths if len({str(values[path]) for values in values_of.values()}) > 1]
    return Table(
        name=f"{prefix}-factors",
        title="Factors",
        columns=(
            Column("Factor", ("factor",)),
            *(Column(title, (name,), is_number=True) for name, (title, _) in deployed.items()),
            Column("Varied", ("varied",)),
        ),
        rows=tuple(
            (
                text_cell(path),
                *(text_cell(shown(values[path])) for values in values_of.values()),
                Cell("varied" if path in varied else "", (path in varied,), tone=Tone.UNSURE if path in varied else Tone.NEUTRAL),
            )
            for path in sorted(paths, key=lambda path: (path not in varied, paths.index(path)))
        ),
    )


def _flat(factors: Factors) -> dict[str, Any]:
    return {f"{section}.{key}": value for section, values in factors.items() for key, value in values.items()}


def shown(value: object) -> str:
    """A factor's value as people write it."""
    if isinstance(value, bool):
        return "on" if value else "off"
    return str(value)


def load_table(record: RunRecord, prefix: str) -> Table:
    """The load, the data and the phases: the same for all treatments but those that have a load of their own."""
    experiment = record.experiment
    spike = experiment.arrivals.spike
    phases, data = experiment.phases, experiment.dataset
    return pairs_table(
        f"{prefix}-load",
        "Load and data",
        (
            ("arrivals", f"{experiment.arrivals.title}, open loop"),
            *((f"load of “{treatment.title}”", load) for treatment in experiment.treatments if (load := own_load(treatment))),
            ("cache at the start of a trial", CACHE_STARTS[experiment.cache_start]),
            ("mix", shares(experiment.mix)),
            *((("mix of the spike", shares(spike.mix)),) if spike is not None and spike.mix is not None else ()),
            ("phases", f"warm-up {phases.warm_up_s:g} s, measure {phases.measure_s:g} s, cool-down {phases.cool_down_s:g} s"),
            ("courses", f"{data.courses:,}, capacity {data.capacity} at the median, prerequisite chains of up to {data.chain_length}"),
            ("students", f"{data.students:,}"),
            ("popularity", popularity(data)),
            *((("hot courses", hot_courses(experiment)),) if experiment.hot_courses is not None else ()),
        ),
    )


def own_load(treatment: Treatment) -> str:
    """Rate and popularity that only this treatment has; empty where it has those of the experiment."""
    rate = None if treatment.rate_per_s is None else f"{treatment.rate_per_s:g} requests/s"
    exponent = None if treatment.zipf_exponent is None else f"popularity Zipf, exponent {treatment.zipf_exponent:g}"
    return ", ".join(filter(None, (rate, exponent)))


def shares(mix: Mapping[Operation, float]) -> str:
    """The mix in percent."""
    weights = sum(mix.values())
    return ", ".join(f"{operation.value} {number(weight / weights * 100)} %" for operation, weight in mix.items() if weight)


def hot_courses(experiment: Experiment) -> str:
    """Which enrolments go to them."""
    when = "all enrolments" if experiment.arrivals.spike is None else "enrolments in the spike"
    return f"{experiment.hot_courses}, others in each trial; {when} are for these"


def popularity(data: Dataset) -> str:
    """How requests choose among courses and students."""
    return f"Zipf, exponent {data.zipf_exponent:g}" if data.zipf_exponent else "uniform"


def environment_table(record: RunHead, prefix: str) -> Table:
    """The machine and the versions."""
    made = record.provenance
    commit = made.git_commit or "unknown"
    dirty = {True: ", with uncommitted changes", False: ", clean", None: ""}[made.git_dirty]
    return pairs_table(
        f"{prefix}-environment",
        "Environment",
        (
            ("target, engine", f"{made.target}, {made.engine}"),
            ("processor", f"{made.cpu_model}, {made.cpu_count} processors"),
            ("memory", f"{made.memory_bytes / BYTES_PER_GIB:.1f} GiB"),
            ("kernel", made.kernel),
            ("operating system", made.operating_system),
            ("Python", made.python),
            ("load generator", made.load_generator),
            *((f"server: {server.name}", server.version) for server in made.servers),
            ("git commit", commit + dirty),
            *((f"package: {name}", version) for name, version in sorted(made.packages.items())),
        ),
    )


def pairs_table(name: str, title: str, pairs: tuple[tuple[str, str], ...]) -> Table:
    """What and its value, in words."""
    return Table(
        name=name,
        title=title,
        columns=(Column("What", ("what",)), Column("Value", ("value",))),
        rows=tuple((text_cell(key), text_cell(value)) for key, value in pairs),
    )
