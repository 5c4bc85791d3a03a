"""What the command line shows: the catalog, a plan, the runs."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from rich.console import Console
from rich.table import Table

from experiments.definition import Experiment
from experiments.errors import RecordError
from experiments.plan import estimate, plan
from experiments.progress import duration
from experiments.records.files import RUN_FILE, read_run
from infra.topology import ANY_FREE_PORT, HIGHEST_PORT


def catalog_table(console: Console, experiments: Sequence[Experiment]) -> None:
    """Name, question, treatments and minutes of each."""
    table = Table("name", "question", "treatments", "minutes", box=None, pad_edge=False)
    for item in experiments:
        treatments = ", ".join(treatment.name for treatment in item.treatments)
        table.add_row(item.name, item.question, treatments, f"{estimate([item]).minutes:.1f}")
    console.print(table)


def plan_lines(console: Console, experiments: Sequence[Experiment]) -> None:
    """Order of the trials, duration, ports and memory."""
    for item in experiments:
        phases = item.phases
        console.print(
            f"{item.name}: {item.trials} trials of {len(item.treatments)} treatments, seed {item.seed}, "
            f"{item.arrivals.rate_per_s:g} requests/s ({item.arrivals.process}), "
            f"warm-up {phases.warm_up_s:g} s + measure {phases.measure_s:g} s + cool-down {phases.cool_down_s:g} s",
            highlight=False,
            soft_wrap=True,
        )
        for block in range(item.trials):
            order = ", ".join(planned.treatment for planned in plan(item) if planned.block == block)
            console.print(f"  block {block + 1}: {order}", highlight=False, soft_wrap=True)
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
    table = Table("run", "status", "trials", "commit", box=None, pad_edge=False)
    for path in paths:
        try:
            run = read_run(path)
        except RecordError as error:
            table.add_row(path.name, "damaged", "", str(error))
            continue
        commit = (run.record.provenance.git_commit or "")[:8] + ("+changes" if run.record.provenance.git_dirty else "")
        table.add_row(path.name, run.record.status, f"{len(run.trial_paths())}/{len(run.record.plan)}", commit)
    console.print(table)


def _ports(experiment: Experiment) -> list[tuple[str, str]]:
    topology = experiment.topology
    named = (("gateway", topology.gateway.port), ("RabbitMQ management", topology.broker.management_port), ("all others", ANY_FREE_PORT))
    return [(name, f"free ones up to {HIGHEST_PORT}" if port == ANY_FREE_PORT else str(port)) for name, port in named]
