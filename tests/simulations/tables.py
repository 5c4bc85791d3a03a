"""Tables of simulations as plain text."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class Table:
    """A title, a header, rows as long as the header, and how to read them."""

    title: str
    header: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    note: str


def percent(flags: Sequence[bool]) -> str:
    """The share of true ones with one decimal."""
    return f"{100 * sum(flags) / len(flags):.1f}"


def as_text(table: Table) -> str:
    """Columns aligned, the first to the left and the others to the right."""
    lines = [table.header, *table.rows]
    widths = [max(len(line[column]) for line in lines) for column in range(len(table.header))]
    texts = [
        "  ".join(cell.rjust(width) if column else cell.ljust(width) for column, (cell, width) in enumerate(zip(line, widths, strict=True)))
        for line in lines
    ]
    rule = "  ".join("-" * width for width in widths)
    return "\n".join([table.title, "", texts[0].rstrip(), rule, *(text.rstrip() for text in texts[1:]), "", table.note])
