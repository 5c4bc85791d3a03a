"""The command line of infra: thin, every decision is made in :mod:`infra.operations`."""

from __future__ import annotations

import json
import signal
import sys
from collections.abc import Sequence
from types import FrameType
from typing import Annotated

import typer
from pydantic import ValidationError
from rich.console import Console
from rich.table import Table

from infra import operations
from infra.console import ConsoleProgress, deployment_lines, status_table
from infra.engines.choosing import EngineChoice, TargetChoice
from infra.engines.engine import Change
from infra.errors import InfraError
from infra.toolchain import doctor as examine
from infra.topology import Topology, factors, parse_assignments

EXIT_FAILED = 1
EXIT_USAGE = 2
"""The command line itself is wrong."""
EXIT_INTERRUPTED = 130
_WIDE = 160
"""Columns to write to where there is no terminal that has some."""

app = typer.Typer(
    name="python -m infra",
    help="Deploy the system under test on this machine, change it, look at it, and take it down again.",
    epilog="Example: python -m infra up --set courses.replicas=3 --set cache=off",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)
Name = Annotated[str, typer.Option(help="Which deployment; several live side by side.")]
Assignments = Annotated[
    list[str] | None, typer.Option("--set", metavar="FACTOR=VALUE", help="A factor that differs from its default; may be repeated.")
]
EngineOption = Annotated[
    EngineChoice, typer.Option("--engine", help="Who makes it: in this process, or the Pulumi CLI; auto takes the CLI for containers only.")
]
TargetOption = Annotated[
    TargetChoice, typer.Option("--target", help="As what nodes run; auto takes docker where the daemon, the Pulumi CLI and its plugin are.")
]
_out = Console(width=None if sys.stdout.isatty() else _WIDE)
_err = Console(stderr=True, width=None if sys.stderr.isatty() else _WIDE)


@app.command()
def up(
    name: Name = operations.DEFAULT_NAME, assignments: Assignments = None, engine: EngineOption = "auto", target: TargetOption = "auto"
) -> None:
    """Bring a deployment up, or change it to what is said here: only what differs is started, replaced or stopped.

    Factors that are not named have their defaults; `python -m infra factors` lists them. Returns when every node is ready.
    """
    topology = Topology().override(parse_assignments(assignments or []))
    with ConsoleProgress(_err) as progress:
        deployment = operations.up(name, topology, engine=engine, target=target, progress=progress)
    for line in deployment_lines(deployment):
        _out.print(line, markup=False, highlight=False)


@app.command()
def preview(
    name: Name = operations.DEFAULT_NAME, assignments: Assignments = None, engine: EngineOption = "auto", target: TargetOption = "auto"
) -> None:
    """Say what `up` with the same options would do, and do nothing."""
    topology = Topology().override(parse_assignments(assignments or []))
    with ConsoleProgress(_err) as progress:
        changes = operations.preview(name, topology, engine=engine, target=target, progress=progress)
    _print_changes(changes, none="nothing would change")


@app.command()
def refresh(name: Name = operations.DEFAULT_NAME) -> None:
    """Look what was changed or went away behind the lab's back; the next `up` mends it."""
    with ConsoleProgress(_err) as progress:
        changes = operations.refresh(name, progress=progress)
    _print_changes(changes, none="everything is as it was left")


@app.command()
def down(
    name: Annotated[str | None, typer.Option(help="Which deployment; without it, the default one and every abandoned one.")] = None,
    *,
    volumes: Annotated[bool, typer.Option("--volumes", help="Forget its data, passwords and logs too.")] = False,
) -> None:
    """Take a deployment down; its data stays for the next `up`, unless --volumes is given.

    Without --name also removes what a killed benchmark left running.
    """
    with ConsoleProgress(_err) as progress:
        found = operations.down(name or operations.DEFAULT_NAME, volumes=volumes, progress=progress)
        abandoned = [] if name else operations.sweep(progress=progress)
    for each in abandoned:
        _out.print(f"removed the abandoned deployment {each!r}", markup=False, highlight=False)
    if not found and not abandoned:
        _out.print(f"nothing to take down: no deployment {name or operations.DEFAULT_NAME!r} is up", markup=False, highlight=False)


@app.command()
def status(
    name: Name = operations.DEFAULT_NAME,
    *,
    as_json: Annotated[bool, typer.Option("--json", help="For programs.")] = False,
) -> None:
    """Show each node: address, pid, health, restarts, memory (proportional set size). Exits with 1 unless all are ready."""
    nodes = operations.status(name)
    if as_json:
        typer.echo(json.dumps([node.model_dump(mode="json") for node in nodes], indent=1))
    else:
        _out.print(status_table(nodes))
    if not all(node.healthy for node in nodes):
        raise typer.Exit(EXIT_FAILED)


@app.command()
def credentials(name: Name = operations.DEFAULT_NAME) -> None:
    """Print the generated passwords for looking inside: each database's statistics, Redis, RabbitMQ's management page."""
    found = operations.read(name).credentials
    for service, dsn in found.database_dsns.items():
        typer.echo(f"{service:<12}{dsn.get_secret_value()}")
    if found.cache_url:
        typer.echo(f"{'cache':<12}{found.cache_url.get_secret_value()}")
    typer.echo(f"{'RabbitMQ':<12}{found.broker_management_url.get_secret_value()}")


@app.command()
def logs(node: Annotated[str, typer.Argument(help="Such as courses-1.")], name: Name = operations.DEFAULT_NAME) -> None:
    """Print the log of a node, which is kept until `down --volumes`."""
    typer.echo(operations.log(name, node), nl=False)


@app.command("factors")
def list_factors() -> None:
    """List what can be varied with --set, with default and bounds."""
    table = Table(box=None, header_style="bold")
    for column in ("factor", "default", "bounds", "what it is"):
        table.add_column(column, no_wrap=column != "what it is")
    for factor in factors():
        default = ("on" if factor.default else "off") if isinstance(factor.default, bool) else str(factor.default)
        table.add_row(factor.path, default, factor.bounds or factor.type_name, factor.description)
    _out.print(table, highlight=False)


@app.command()
def doctor() -> None:
    """Look for the programs that the lab runs, and say how to get those that are missing. Exits with 1 if a server is."""
    findings = examine()
    for finding in findings:
        missing = f"{'MISSING' if finding.required else 'not here'}: {finding.remark}"
        found = f"{finding.version} from the {finding.remark}{f' at {finding.path}' if finding.path else ''}" if finding.found else missing
        _out.print(f"{finding.name:<12}{found}   ({finding.purpose})", markup=False, highlight=False)
        if finding.remedy:
            _out.print(f"{'':<12}to get it: {finding.remedy}", markup=False, highlight=False)
    if not all(finding.found for finding in findings if finding.required):
        raise typer.Exit(EXIT_FAILED)


def _print_changes(changes: Sequence[Change], *, none: str) -> None:
    for change in changes:
        _out.print(f"{change.action.value:<8} {change.kind:<12} {change.name}", markup=False, highlight=False)
    if not changes:
        _out.print(none, markup=False, highlight=False)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line; the exit status. What a user can mend is one line on standard error."""
    for number in (signal.SIGINT, signal.SIGTERM):  # also where a shell had SIGINT ignored, as for its background jobs
        signal.signal(number, _interrupt)
    try:
        result = app(arguments, prog_name="python -m infra", standalone_mode=False)
    except typer.TyperException as error:
        if message := error.format_message():  # empty where the help was shown instead
            typer.echo(f"error: {message}", err=True)
        return EXIT_USAGE
    except (typer.Abort, KeyboardInterrupt):
        typer.echo("interrupted", err=True)
        return EXIT_INTERRUPTED
    except InfraError as error:
        typer.echo(f"error: {error}", err=True)
        return EXIT_FAILED
    except ValidationError as error:
        first = error.errors()[0]
        typer.echo(f"error: SPIRELAB_{str(first['loc'][0]).upper()}={first['input']}: {first['msg']}", err=True)
        return EXIT_FAILED
    return result if isinstance(result, int) else 0


def _interrupt(_number: int, _frame: FrameType | None) -> None:
    raise KeyboardInterrupt
