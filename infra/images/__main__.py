"""``python -m infra.images``: builds the images, and says how the base came to be, how large each is and what it took."""

from __future__ import annotations

from typing import Annotated

import typer

from infra.docker_api import connect
from infra.errors import InfraError
from infra.images.base import BASE
from infra.images.build import BUILD_TIMEOUT_S, build
from infra.images.recipe import Image

_MIB = 1024 * 1024


def main(
    images: Annotated[list[Image] | None, typer.Argument(help="Which to build; all where none is named.")] = None,
    base: Annotated[str, typer.Option(help="What to build on; debian@sha256:... pins it.")] = BASE,
) -> None:
    """Build the images whose inputs have changed."""
    try:
        foundation, built = build(connect(BUILD_TIMEOUT_S), typer.echo, images=images or list(Image), base=base)
    except InfraError as error:
        typer.echo(f"images: {error}", err=True)
        raise typer.Exit(1) from None
    typer.echo(f"base: {base}, {foundation.origin}")
    for each in built:
        how = f"built in {each.seconds:.0f} s" if each.seconds else "there already"
        typer.echo(f"{each.reference:<32} {each.size_bytes / _MIB:6.0f} MiB  {how}")


if __name__ == "__main__":
    typer.run(main)
