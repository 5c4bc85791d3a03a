"""The options of the command line that several of its commands take."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from infra.engines.choosing import TargetChoice

NamesArgument = Annotated[list[str] | None, typer.Argument(help="Experiments of the catalog. None: the quick suite.", show_default=False)]
FileOption = Annotated[
    Path | None, typer.Option("--file", help="A Python file of your own with an EXPERIMENT, instead of the catalog.", show_default=False)
]
SetOption = Annotated[
    list[str] | None,
    typer.Option("--set", metavar="FACTOR=VALUE", help="Change a factor of the topology; may be repeated.", show_default=False),
]
TrialsOption = Annotated[
    int | None, typer.Option(min=1, help="Trials of each treatment, or rounds; 5 are needed for a verdict.", show_default=False)
]
SeedOption = Annotated[int | None, typer.Option(min=0, help="Seed of data, load and order.", show_default=False)]
BudgetOption = Annotated[
    float | None, typer.Option(min=0.1, metavar="MINUTES", help="Run fewer trials, so that it takes no longer.", show_default=False)
]
DurationOption = Annotated[
    float | None, typer.Option("--duration", metavar="SECONDS", help="Length of what is measured of each trial.", show_default=False)
]
FaultRateOption = Annotated[
    float | None,
    typer.Option("--faults-per-minute", metavar="RATE", help="Mean number of faults of an experiment by chance.", show_default=False),
]
BringUpsOption = Annotated[
    int | None, typer.Option(min=1, metavar="K", help="Fresh deployments that the blocks of trials are spread over.", show_default=False)
]
ShrinkOption = Annotated[
    float,
    typer.Option(
        "--shrink", min=0, metavar="MINUTES", help="Time to look for fewer faults that break a rule, where faults by chance broke one."
    ),
]
ListOption = Annotated[bool, typer.Option("--list", help="Show the catalog and start nothing.")]
PlanOption = Annotated[bool, typer.Option("--plan", help="Show order, duration, ports and memory, and start nothing.")]
RunsDirOption = Annotated[Path | None, typer.Option(help="Folder for runs; default: runs/ in the checkout.", show_default=False)]
TargetOption = Annotated[
    TargetChoice | None,
    typer.Option(help="As what the nodes run; auto takes docker where all that it needs is there; default: process.", show_default=False),
]
RunListOption = Annotated[
    Path | None,
    typer.Option(
        "--write-run-list", metavar="FILE", help="Write the paths of the run directories to a file, one a line.", show_default=False
    ),
]
