"""The command line of planted bugs: whether the invariants find every planted bug, and cry wolf on none of the product's runs."""

from __future__ import annotations

import difflib
import signal
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.markup import escape

from experiments.errors import ExperimentError, RecordError
from experiments.runner.interrupts import Interrupted, Interrupts, signal_with_parent
from experiments.settings import load_settings
from infra.errors import InfraError
from tests.mutants.mutants import MUTANTS, Mutant
from tests.mutants.running import Job, Runner
from tests.mutants.tables import as_json, line, table
from tests.mutants.verdicts import Verdict, summaries

EXIT_FAILED = 1
EXIT_USAGE = 2
EXIT_SIGNAL_BASE = 128
MOST_TRIALS = 2
"""Of the product on one deployment: there are not enough students for more, and full courses stay full."""
ATTEMPTS = 3
"""At a run that counts or finds something: on a busy machine a fault may come too late, or the load."""
RUNS_FOLDER = "mutants"

app = typer.Typer(add_completion=False, rich_markup_mode="markdown", pretty_exceptions_enable=False)
console = Console(width=None if sys.stdout.isatty() else 160)


@app.command()
def main(
    names: Annotated[list[str] | None, typer.Argument(help="Planted bugs; none: all of them.", show_default=False)] = None,
    *,
    runs: Annotated[int, typer.Option(min=0, help="Runs of each planted bug, with seeds of their own.")] = 1,
    clean: Annotated[int, typer.Option(min=0, help="Runs of the product in each scenario that the bugs are looked for in.")] = 1,
    seed: Annotated[int, typer.Option(min=0, help="Seed of the first run of each; the next has the next.")] = 1,
    write: Annotated[Path | None, typer.Option(metavar="FILE", help="Write every verdict to a file, as JSON.", show_default=False)] = None,
    list_only: Annotated[bool, typer.Option("--list", help="Show the planted bugs and start nothing.")] = False,
) -> None:
    """Plant bugs into copies of the product, run a hard day on each, and see whether the invariants find them.

    The product without any bug goes through the same days, and no invariant may be broken in them. A run takes about a minute; run
    directories stay in runs/mutants. Exits with 1 if a bug was not found in a run, or the product was found wrong.

    For example

    - `python -m tests.mutants` runs each bug once, and the product once in each scenario

    - `python -m tests.mutants stale_set --runs 5 --clean 0` looks for one bug five times

    - `python -m tests.mutants --runs 0 --clean 20 --write clean.json` looks for false alarms alone
    """
    mutants = chosen(names or [])
    if list_only:
        for mutant in mutants:
            console.print(f"{mutant.name}: {mutant.bug} ({mutant.scenario})", highlight=False, soft_wrap=True, markup=False)
        return
    settings = load_settings()
    verdicts: list[Verdict] = []
    _write(write, verdicts)  # find out now that it can't be written
    with Interrupts(lambda text: console.print(escape(text), highlight=False)) as interrupts:
        if settings.stop_with_parent:
            signal_with_parent(signal.SIGTERM)
        try:
            with suppress(Interrupted):
                carry_out(list(jobs(mutants, runs, clean, seed)), Runner(settings.runs_dir / RUNS_FOLDER, interrupts), verdicts)
        finally:
            _write(write, verdicts)
            console.print(table(summaries(verdicts)))
    if interrupts.received is not None:
        raise typer.Exit(EXIT_SIGNAL_BASE + interrupts.received)
    if not all(item.is_as_wanted for item in summaries(verdicts)):
        raise typer.Exit(EXIT_FAILED)


def chosen(names: Sequence[str]) -> tuple[Mutant, ...]:
    """The planted bugs of those names; all for none.

    Raises:
        typer.BadParameter: there is no such bug.
    """
    known = {mutant.name: mutant for mutant in MUTANTS}
    for name in names:
        if name not in known:
            close = difflib.get_close_matches(name, known, n=1)
            hint = f"did you mean {close[0]}?" if close else "--list shows those that there are"
            raise typer.BadParameter(f"there is no planted bug {name!r}; {hint}")
    return tuple(known[name] for name in dict.fromkeys(names)) if names else MUTANTS


def jobs(mutants: Sequence[Mutant], runs: int, clean: int, seed: int) -> Iterator[Job]:
    """The product first, then every bug once, and again."""
    for scenario in dict.fromkeys(mutant.scenario for mutant in mutants):
        for first in range(0, clean, MOST_TRIALS):
            yield Job(None, scenario, seed + first, min(MOST_TRIALS, clean - first))
    for run in range(runs):
        for mutant in mutants:
            yield Job(mutant, mutant.scenario, seed + run)


def carry_out(wanted: Sequence[Job], runner: Runner, verdicts: list[Verdict]) -> None:
    """Run the jobs, tell of each as it ends, and add its verdicts.

    Raises:
        Interrupted: a signal came; the verdicts so far are there.
    """
    for number, job in enumerate(wanted, 1):
        what = f"{number}/{len(wanted)} {job.subject} in {job.scenario}, seed {job.seed}"
        started_s = time.monotonic()
        for _ in range(ATTEMPTS):
            with console.status(escape(what)):
                found = runner.run(job)
            verdicts += found
            for verdict in found:
                console.print(f"{what}: {line(verdict)}", highlight=False, soft_wrap=True, markup=False)
            console.print(f"  took {time.monotonic() - started_s:.0f} s", highlight=False)
            if any(verdict.counts or verdict.found for verdict in found):
                break


def _write(file: Path | None, verdicts: Sequence[Verdict]) -> None:
    if file is None:
        return
    try:
        file.write_text(as_json(verdicts, summaries(verdicts)), encoding="utf-8")
    except OSError as error:
        raise RecordError(f"{file}: the verdicts can't be written ({error.strerror}); choose another --write") from None


def run(arguments: Sequence[str] | None = None) -> int:
    """Run the command line; the exit status."""
    try:
        result = app(arguments, prog_name="python -m tests.mutants", standalone_mode=False)
    except typer.TyperException as error:
        print(f"error: {error.format_message()}", file=sys.stderr)  # noqa: T201 - the command line's own output
        return EXIT_USAGE
    except (ExperimentError, InfraError) as error:
        print(f"error: {error}", file=sys.stderr)  # noqa: T201 - the same
        return EXIT_FAILED
    return result if isinstance(result, int) else 0
