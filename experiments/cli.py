"""The command line of experiments: run them, show what they would do, list what was run."""

from __future__ import annotations

import shlex
import signal
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

import typer
from pydantic import ValidationError
from rich.console import Console

from experiments import catalog
from experiments.calibration import BLOCKS, PILOT, calibration, measure_service_time
from experiments.choosing import Changes, chosen, command
from experiments.definition import Experiment, changed
from experiments.errors import ExperimentError, RecordError
from experiments.estimate import on_free_ports, step_durations_s
from experiments.jepsen import export
from experiments.options import (
    BringUpsOption,
    BudgetOption,
    DurationOption,
    FaultRateOption,
    FileOption,
    ListOption,
    NamesArgument,
    PlanOption,
    RunListOption,
    RunsDirOption,
    SeedOption,
    SetOption,
    ShrinkOption,
    TargetOption,
    TrialsOption,
)
from experiments.progress import ConsoleProgress
from experiments.provenance import this_machine
from experiments.records.calibration import WINDOW_BLOCKS, read_calibration
from experiments.records.files import read_run
from experiments.runner.interrupts import Interrupted, Interrupts, signal_with_parent
from experiments.runner.session import Session
from experiments.runner.stages import Bench
from experiments.runner.suite import Job, SuiteOutcome, check_writable, run_suite
from experiments.settings import Settings, load_settings
from experiments.tables import catalog_table, plan_lines, runs_table
from infra.errors import InfraError
from infra.topology import parse_assignments

EXIT_FAILED = 1
EXIT_USAGE = 2
"""The command line itself is wrong."""
EXIT_SIGNAL_BASE = 128
"""A process ended by signal N exits with this plus N, as shells have it."""
JEPSEN_FOLDER = "jepsen"

app = typer.Typer(
    add_completion=False,
    no_args_is_help=True,
    rich_markup_mode="markdown",
    pretty_exceptions_enable=False,
    help="Run experiments on the system under test and record them.",
)
console = Console(stderr=False)


@app.command()
def bench(
    names: NamesArgument = None,
    *,
    file: FileOption = None,
    assignments: SetOption = None,
    trials: TrialsOption = None,
    seed: SeedOption = None,
    budget: BudgetOption = None,
    duration: DurationOption = None,
    faults_per_minute: FaultRateOption = None,
    bring_ups: BringUpsOption = None,
    shrink_minutes: ShrinkOption = 15.0,
    list_only: ListOption = False,
    plan_only: PlanOption = False,
    runs_dir: RunsDirOption = None,
    target: TargetOption = None,
    run_list: RunListOption = None,
) -> None:
    """Run experiments and record them, one run directory each.

    For example

    - `bench` runs the quick suite: cache, scaling, failover

    - `bench failover --trials 10 --seed 7` runs one experiment, for longer

    - `bench cache --set database.shared_buffers_mib=8 --set courses.threads=16` runs it on a changed topology

    - `bench hotpath` puts the hot paths beside a tutorial's and measures how much each can take

    - `bench chaos --duration 120 --faults-per-minute 20 --seed 9` breaks what the seed says, more of it and for longer

    - `bench --file my_experiment.py` runs your own; copy experiments/catalog/cache.py to begin

    - `bench failover --trials 10 --bring-ups 5` deploys it five times, and tells deployments from trials

    - `bench --plan cache` shows what it would do; `bench --list` shows what there is

    - `bench --budget 3` runs as many trials as fit into three minutes
    """
    if list_only:
        catalog_table(console, [on_free_ports(item) for item in catalog.load_all(catalog.names())])
        return
    settings = load_settings(runs_dir, target)
    changes = Changes(assignments or [], trials, seed, duration, faults_per_minute, bring_ups)
    experiments = chosen(names or [], file, changes, budget)
    if plan_only:
        plan_lines(console, experiments, read_calibration(settings.runs_dir, this_machine(settings.target)))
        return
    check_writable(settings)
    if run_list is not None:
        _write_list(run_list, [])  # find out now that it can't be written
    _bench([Job(item, command(item, file, changes)) for item in experiments], settings, shrink_minutes, run_list)


@app.command()
def calibrate(
    blocks: Annotated[int, typer.Option(min=WINDOW_BLOCKS, help="Trials of each treatment.")] = BLOCKS,
    *,
    assignments: SetOption = None,
    runs_dir: RunsDirOption = None,
    target: TargetOption = None,
    run_list: RunListOption = None,
) -> None:
    """Compare equal treatments, and find slowdowns of known size, on this machine; reports made here then say how well that went.

    Example: `calibrate --blocks 12`, which takes about 20 minutes
    """
    settings = load_settings(runs_dir, target)
    pilot = changed(on_free_ports(PILOT), factors=parse_assignments(assignments or []))
    check_writable(settings)
    if run_list is not None:
        _write_list(run_list, [])

    def pilot_run(experiment: Experiment, folder: Path) -> Path:
        return _bench([Job(experiment, "")], settings.model_copy(update={"runs_dir": folder}), 0, None)[0]

    experiment = calibration(pilot, measure_service_time(pilot, pilot_run), blocks=blocks)
    words = ["nox", "-s", "calibrate", "--", "--blocks", str(blocks), *(word for item in assignments or [] for word in ("--set", item))]
    _bench([Job(experiment, shlex.join(words))], settings, 0, run_list)


@app.command()
def runs(runs_dir: RunsDirOption = None) -> None:
    """List the runs that were recorded, the latest last.

    Example: `runs --runs-dir /data/runs`
    """
    runs_table(console, load_settings(runs_dir).runs_dir)


@app.command("export-jepsen")
def export_jepsen(
    run: Annotated[Path, typer.Argument(help="A run directory.", show_default=False)],
    to: Annotated[Path | None, typer.Option(help="Folder to write to; default: jepsen/ in the run directory.", show_default=False)] = None,
) -> None:
    """Write a run's histories in Jepsen's JSON form, for elle-cli and Knossos.

    For example

    - `export-jepsen runs/RUN` writes, for each trial, enrolments-set.json (model set) and capacity-COURSE.json (model cas-register)

    - `java -jar elle-cli.jar --model set runs/RUN/jepsen/TRIAL/enrolments-set.json` then checks the first of them
    """
    for file in export(read_run(run), to or run / JEPSEN_FOLDER):
        console.print(str(file), highlight=False, soft_wrap=True, markup=False)


@app.command()
def shrink(
    run: Annotated[Path, typer.Argument(help="A run directory in which a trial broke a rule.", show_default=False)],
    *,
    minutes: Annotated[float, typer.Option(min=0.1, metavar="MINUTES", help="Time to look for fewer.")] = 15.0,
    repeats: Annotated[int, typer.Option(min=1, help="Trials with the same faults before they are taken to break nothing.")] = 2,
) -> None:
    """Look for the fewest faults that still break the rule that a trial broke, and write them down as an experiment.

    Example: `shrink runs/RUN --minutes 30`, then `bench --file runs/RUN/TRIAL-shrunk.json`
    """
    from experiments.runner.live import exclusive, live_outside  # noqa: PLC0415 - brings the servers' clients
    from experiments.runner.shrinking import Effort, shrink_run  # noqa: PLC0415

    settings, found = load_settings(), read_run(run.resolve())
    with exclusive(settings), Interrupts(_say) as interrupts:
        if settings.stop_with_parent:
            signal_with_parent(signal.SIGTERM)
        bench = Bench(Session(live_outside(settings, interrupts)), settings, interrupts, lambda _: None)
        try:
            shrink_run(found, bench, effort=Effort(minutes, repeats), say=_say)
        except Interrupted:
            raise typer.Exit(EXIT_SIGNAL_BASE + (interrupts.received or 0)) from None


def _say(line: str) -> None:
    console.print(line, highlight=False, soft_wrap=True, markup=False)


@app.command()
def heal(
    name: Annotated[
        str | None,
        typer.Option(metavar="NAME", help="The deployment; default: every one in which something is broken.", show_default=False),
    ] = None,
) -> None:
    """Heal what a bench that was killed has left broken on purpose; harmless where there is nothing.

    Example: `heal --name bench`
    """
    from experiments import healing  # noqa: PLC0415 - brings the servers' clients

    lines, errors = healing.heal_all(name, _say)
    for line in lines:
        _say(line)
    for error in errors:
        _complain(error)
    if errors:
        raise typer.Exit(EXIT_FAILED)
    if not lines:
        console.print("nothing to heal: no fault is in a journal", highlight=False, soft_wrap=True)


def _bench(jobs: Sequence[Job], settings: Settings, shrink_minutes: float, run_list: Path | None) -> Sequence[Path]:
    """Run the jobs, say where their run directories are, and end with the status that follows."""
    outcome = SuiteOutcome()
    try:
        _execute(jobs, settings, outcome, shrink_minutes)
    finally:
        if run_list is not None:
            _write_list(run_list, outcome.paths)
        for path in outcome.paths:
            console.print(str(path), highlight=False, soft_wrap=True, markup=False)
    _finish(outcome)
    return outcome.paths


def _execute(jobs: Sequence[Job], settings: Settings, outcome: SuiteOutcome, shrink_minutes: float) -> None:
    # Only a real run needs servers and the load generator; --help, --list and --plan must not wait for their imports.
    from experiments.runner.live import exclusive, live_outside  # noqa: PLC0415
    from experiments.runner.shrinking import Effort, shrink_by_chance  # noqa: PLC0415

    with (
        exclusive(settings),
        ConsoleProgress(console, [step_s for job in jobs for step_s in step_durations_s(job.experiment)]) as progress,
        Interrupts(progress.say) as interrupts,
    ):
        if settings.stop_with_parent:
            signal_with_parent(signal.SIGTERM)
        outside = live_outside(settings, interrupts)
        run_suite(jobs, outside, settings, interrupts, progress, outcome)
        if shrink_minutes and outcome.error is None and outcome.signal is None:
            bench = Bench(Session(outside), settings, interrupts, progress.note)
            try:
                shrink_by_chance(outcome.paths, bench, effort=Effort(shrink_minutes), say=progress.say)
            except Interrupted:
                outcome.signal = interrupts.received


def _write_list(file: Path, paths: Sequence[Path]) -> None:
    try:
        file.write_text("".join(f"{path}\n" for path in paths), encoding="utf-8")
    except OSError as error:
        raise RecordError(f"{file}: the list of runs can't be written ({error.strerror}); choose another --write-run-list") from None


def _finish(outcome: SuiteOutcome) -> None:
    if outcome.signal is not None:
        raise typer.Exit(EXIT_SIGNAL_BASE + outcome.signal)
    for run in outcome.runs:
        if run.invalid:
            console.print(
                f"{run.path.name}: {run.invalid} of {run.finished} are invalid and don't count; their lines above say why",
                highlight=False,
                soft_wrap=True,
            )
    errors = [f"{run.path.name}: {run.error}" for run in outcome.runs if run.error is not None]
    errors += [outcome.error] if outcome.error is not None else []
    for error in errors:
        _complain(error)
    if errors:
        raise typer.Exit(EXIT_FAILED)


def _complain(message: str) -> None:
    print(f"error: {message}", file=sys.stderr)  # noqa: T201 - the command line's own output


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line; the exit status. A mistake of the user's is one line, never a traceback."""
    try:
        result = app(arguments, prog_name="python -m experiments", standalone_mode=False)
    except typer.TyperException as error:
        if message := error.format_message():  # empty where the help was shown instead
            _complain(message)
        return EXIT_USAGE
    except (ExperimentError, InfraError) as error:
        _complain(str(error))
        return EXIT_FAILED
    except ValidationError as error:
        first = error.errors()[0]
        _complain(f"SPIRELAB_{str(first['loc'][0]).upper()}={first['input']}: {first['msg']}")
        return EXIT_FAILED
    return result if isinstance(result, int) else 0
