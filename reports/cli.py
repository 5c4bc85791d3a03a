"""``python -m reports``: pages from runs that were made at any time, on any machine."""

from __future__ import annotations

import io
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

import typer

from reports.build import build, build_index
from reports.errors import ReportError
from reports.page.text import verdict_lines

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
    for sentence in built.unjudged:
        typer.echo(f"error: {sentence}", err=True)
    if built.unjudged:
        raise typer.Exit(EXIT_FAILED)


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
