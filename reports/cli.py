"""``python -m reports``: pages from runs that were made at any time, on any machine."""

from __future__ import annotations

import io
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

import typer

from experiments.records.calibration import write_calibration
from reports.analysis.calibration import calibrate
from reports.build import build, build_index
from reports.errors import ReportError
from reports.loading import RunData, load
from reports.page.calibration_part import calibration_part
from reports.page.formats import count
from reports.page.text import verdict_lines
from reports.verify import Check, verify_run
from reports.verify_reports import verify_reports

BYTES_PER_MB = 1e6
EXIT_FAILED = 1
EXIT_USAGE = 2
"""The command line itself is wrong."""

app = typer.Typer(
    name="reports",
    help="Turn run directories into a page with verdicts, charts and tables. Needs nothing but the run directories: no server, no network.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)


@app.command("build")
def build_command(
    runs: Annotated[list[Path], typer.Argument(metavar="RUN...", help="Run directories, as in runs/20261122T120000Z-cache.")],
    out: Annotated[
        Path | None, typer.Option(metavar="DIR", help="Folder for the page and its tables. [default: reports/<name> beside the runs]")
    ] = None,
) -> None:
    """Build one page from one or several runs, and bring the list of all runs up to date.

    Each run is a section with its own verdicts, which are printed too; nothing is pooled across runs. Beside the page lies tables/,
    a CSV for every table on it. The page itself is one file that opens offline. The same runs give the same bytes.

    Exits with 1 if a run is damaged or has nothing valid in it.
    """
    built = build(runs, out)
    for line in verdict_lines(built.document):
        typer.echo(line)
    typer.echo(f"{built.path} ({built.size_bytes / BYTES_PER_MB:.1f} MB)")
    for sentence in built.notes:
        typer.echo(f"note: {sentence}", err=True)
    for sentence in built.warnings:
        typer.echo(f"warning: {sentence}", err=True)
    for sentence in built.unjudged:
        typer.echo(f"error: {sentence}", err=True)
    if built.unjudged:
        raise typer.Exit(EXIT_FAILED)


@app.command("verify")
def verify_command(
    runs: Annotated[list[Path], typer.Argument(metavar="RUN...", help="Run directories, as in runs/20261122T120000Z-cache.")],
) -> None:
    """Check that run directories are as they were measured, and that the reports beside them are what they give.

    Every file is compared with its digest in manifest.json, every trial with the plan and with itself, its validity is judged again from
    its data, and every page and table that shows a run is made again and compared byte for byte. A line for each check: ✔ as it should
    be, ✘ with a sentence for each finding, ? for what can't be checked.

    Exits with 1 if anything was found.
    """
    paths = list(dict.fromkeys(path.resolve() for path in runs))
    found = 0
    for path in paths:
        typer.echo(str(path))
        found += sum(_say(check) for check in verify_run(path))
    typer.echo("reports")
    found += sum(_say(check) for check in verify_reports(paths))
    if found:
        typer.echo(f"error: {count(found, 'finding')}; restore what was changed, or don't rely on it", err=True)
        raise typer.Exit(EXIT_FAILED)


def _say(check: Check) -> int:
    """Print a check; how many findings it has."""
    sign = "✘" if check.findings else "?" if check.unchecked else "✔"
    typer.echo(f"  {sign} {check.name}: {check.checked}")
    for sentence in (*check.findings, *check.unchecked):
        typer.echo(f"      {sentence}")
    return len(check.findings)


@app.command("calibrate")
def calibrate_command(
    run: Annotated[Path, typer.Argument(help="A run of the experiment calibration, as `nox -s calibrate` makes it.")],
) -> None:
    """Say how far comparisons on the machine of a calibration run can be trusted, and keep that for the reports of its other runs.

    It is kept in calibrations/ beside the run, in place of an earlier one of the same machine.
    """
    found = load(run.resolve())
    if not isinstance(found, RunData):
        raise ReportError(f"{run}: is a capacity run; `nox -s calibrate` makes a run of the experiment calibration")
    calibration = calibrate(found)
    file = write_calibration(run.resolve().parent, calibration)
    part = calibration_part(found.record, calibration, calibration.run_id)
    typer.echo(part.text)
    for table in part.tables:
        typer.echo(f"\n{table.title}")
        for row in ([column.title for column in table.columns], *([cell.text for cell in cells] for cells in table.rows)):
            typer.echo("  " + " | ".join(row))
    typer.echo(f"\n{file}")


@app.command("index")
def index_command(
    runs_dir: Annotated[Path, typer.Argument(help="Folder that holds the runs.", envvar="SPIRELAB_RUNS_DIR")] = Path("runs"),
) -> None:
    """Rebuild index.html, the list of all runs with their verdicts and pages."""
    typer.echo(str(build_index(runs_dir)))


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line, by default with the process's own arguments; the exit status. A user's mistake is one line."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="replace")  # a terminal that lacks a sign shows another one
    try:
        result = app(arguments, prog_name="python -m reports", standalone_mode=False)
    except typer.TyperException as error:
        if message := error.format_message():  # empty where the help was shown instead
            typer.echo(f"error: {message}", err=True)
        return EXIT_USAGE
    except ReportError as error:
        typer.echo(f"error: {' '.join(str(error).split())}", err=True)
        return EXIT_FAILED
    return result if isinstance(result, int) else 0
