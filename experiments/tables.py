"""What the command line shows: the catalog, a plan, the runs."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import groupby
from pathlib import Path

from rich.console import Console
from rich.table import Table

from experiments.capacity import plan as capacity_plan
from experiments.definition import AnyExperiment, CapacityExperiment, Experiment
from experiments.errors import RecordError
from experiments.estimate import estimate
from experiments.expected_width import width_words
from experiments.plan import plan
from experiments.progress import duration
from experiments.records.calibration import Calibration
from experiments.records.files import RUN_FILE, CapacityRun, Run, read_any_run
from infra.topology import ANY_FREE_PORT, HIGHEST_PORT

MOST_NAMES = 12
"""Of treatments that a table lists."""
FIRST_NAMES = 4


def catalog_table(console: Console, experiments: Sequence[AnyExperiment]) -> None:
    """Name, question, treatments and minutes of each."""
    table = Table("name", "question", "treatments", "minutes", box=None, pad_edge=False)
    for item in experiments:
        table.add_row(item.name, item.question, _some(_treatments(item)), f"{estimate([item]).minutes:.1f}")
    console.print(table)


def plan_lines(console: Console, experiments: Sequence[AnyExperiment], calibration: Calibration | None) -> None:
    """Order of trials or measurements, expected width of intervals, duration, ports and memory."""
    for item in experiments:
        for line in _capacity_order(item) if isinstance(item, CapacityExperiment) else _trial_order(item):
            console.print(line, highlight=False, soft_wrap=True, markup=False)
        if isinstance(item, Experiment) and (words := width_words(item, calibration)):
            console.print(f"  {words}", highlight=False, soft_wrap=True, markup=False)
    cost = estimate(experiments)
    ports = sorted({(name, port) for item in experiments for name, port in _ports(item)})
    console.print(f"takes about {duration(cost.duration_s)}, {cost.memory_mib} MiB of memory, {cost.processes} nodes", highlight=False)
    console.print("ports on 127.0.0.1: " + ", ".join(f"{name} {port}" for name, port in ports), highlight=False, soft_wrap=True)


def runs_table(console: Console, folder: Path) -> None:
    """Every run directory in ``folder``, the latest last."""
    paths = sorted(path for path in folder.iterdir() if (path / RUN_FILE).is_file()) if folder.is_dir() else []
    if not paths:
        console.print(f"no runs in {folder} yet; `python -m experiments bench` makes some", highlight=False, soft_wrap=True)
        return
    table = Table("run", "status", "finished", "commit", box=None, pad_edge=False)
    for path in paths:
        try:
            run = read_any_run(path)
        except RecordError as error:
            table.add_row(path.name, "damaged", "", str(error))
            continue
        commit = (run.record.provenance.git_commit or "")[:8] + ("+changes" if run.record.provenance.git_dirty else "")
        table.add_row(path.name, run.record.status, _finished(run), commit)
    console.print(table)


def _ports(experiment: AnyExperiment) -> list[tuple[str, str]]:
    topology = experiment.topology
    named = (("gateway", topology.gateway.port), ("RabbitMQ management", topology.broker.management_port), ("all others", ANY_FREE_PORT))
    return [(name, f"free ones up to {HIGHEST_PORT}" if port == ANY_FREE_PORT else str(port)) for name, port in named]


def _treatments(experiment: AnyExperiment) -> list[str]:
    if isinstance(experiment, Experiment):
        return [treatment.name for treatment in experiment.treatments]
    return list(dict.fromkeys(str(side) for path in experiment.paths for side in path.implementations))


def _some(names: Sequence[str]) -> str:
    """All of a few, the first of many."""
    return ", ".join(names) if len(names) <= MOST_NAMES else f"{', '.join(names[:FIRST_NAMES])} and {len(names) - FIRST_NAMES} more"


def _trial_order(experiment: Experiment) -> Iterator[str]:
    phases = experiment.phases
    yield (
        f"{experiment.name}: {experiment.trials} trials of {len(experiment.treatments)} treatments, "
        f"{experiment.bring_ups} bring-up{'' if experiment.bring_ups == 1 else 's'}, seed {experiment.seed}, "
        f"{experiment.arrivals.title}, "
        f"warm-up {phases.warm_up_s:g} s + measure {phases.measure_s:g} s + cool-down {phases.cool_down_s:g} s"
    )
    for treatment in experiment.treatments:
        if treatment.rate_per_s is not None or treatment.zipf_exponent is not None:
            arrivals, exponent = experiment.arrivals_of(treatment), experiment.zipf_exponent_of(treatment)
            yield f"  {treatment.name}: {arrivals.title}, Zipf exponent {exponent:g}"
    for (bring_up, block), trials in groupby(plan(experiment), key=lambda planned: (planned.bring_up, planned.block)):
        where = f"bring-up {bring_up + 1}, " if experiment.bring_ups > 1 else ""
        yield f"  {where}block {block + 1}: {', '.join(planned.treatment for planned in trials)}"


def _capacity_order(experiment: CapacityExperiment) -> Iterator[str]:
    yield (
        f"{experiment.name}: {experiment.trials} rounds of {len(experiment.paths)} paths, seed {experiment.seed}, closed loop, "
        f"warm-up {experiment.warm_up_s:g} s + measure {experiment.measure_s:g} s"
    )
    for number, measurements in enumerate(capacity_plan.rounds(capacity_plan.plan(experiment)), start=1):
        paths = groupby(measurements, key=lambda item: item.path)
        order = ", ".join(f"{path} ({', '.join(item.implementation for item in group)})" for path, group in paths)
        yield f"  round {number}: {order}"


def _finished(run: Run | CapacityRun) -> str:
    if isinstance(run, CapacityRun):
        return f"{run.finished_rounds}/{run.record.experiment.trials}"
    planned = {trial.trial_id for trial in run.record.plan}
    return f"{sum(path.name in planned for path in run.trial_paths())}/{len(planned)}"
