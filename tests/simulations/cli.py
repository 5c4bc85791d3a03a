"""The command line of the simulations."""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Protocol, cast

import typer

from tests.simulations.tables import Table, as_text

EXPERIMENTS = 2000

app = typer.Typer(add_completion=False, pretty_exceptions_enable=False)


class Simulation(Protocol):
    """What a module of a simulation has."""

    __doc__: str | None

    def simulate(self, experiments: int) -> Table:
        """The table, from this many experiments for each of its cells."""


def simulations() -> Mapping[str, Simulation]:
    """The simulations by name."""
    names = [found.name for found in pkgutil.iter_modules([str(Path(__file__).parent)]) if not found.name.startswith("_")]
    modules = {name: importlib.import_module(f"tests.simulations.{name}") for name in names}
    return {name: cast(Simulation, module) for name, module in modules.items() if hasattr(module, "simulate")}


@app.command()
def main(
    names: Annotated[list[str] | None, typer.Argument(help="Simulations; none: all of them.", show_default=False)] = None,
    *,
    experiments: Annotated[int, typer.Option(min=1, help="Experiments for each cell of a table.")] = EXPERIMENTS,
    list_only: Annotated[bool, typer.Option("--list", help="Show the simulations and run none.")] = False,
) -> None:
    """Simulate the judging path on data with known answers and print how often it is right.

    Raises:
        BadParameter: A name is that of no simulation.
    """
    known = simulations()
    if unknown := set(names or ()) - known.keys():
        raise typer.BadParameter(f"no simulation is called {', '.join(sorted(unknown))}; there are {', '.join(known)}")
    for name in names or known:
        if list_only:
            typer.echo(f"{name:<20} {(known[name].__doc__ or '').splitlines()[0]}")
        else:
            typer.echo(as_text(known[name].simulate(experiments)) + "\n")


def run() -> int:
    """Exit code of the command."""
    return int(app(standalone_mode=True) or 0)
