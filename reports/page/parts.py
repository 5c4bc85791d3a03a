"""What the sections of all kinds of runs have in common."""

from __future__ import annotations

from experiments.records.schema import RunHead
from reports.page.data import AnyChart, Part, Table, Term
from reports.page.formats import moment


def head_facts(record: RunHead) -> tuple[Term, ...]:
    """Which run it is and how it ended."""
    return (
        Term("run", record.run_id),
        Term("started", moment(record.started_at)),
        Term("finished", moment(record.finished_at)),
        Term("status", record.status + (f": {record.reason}" if record.reason else "")),
    )


def head_warnings(record: RunHead, parts: str) -> tuple[str, ...]:
    """What a reader of any run must know; ``parts`` is what its figures are made of."""
    warnings = []
    if record.status != "finished":
        reason = f" ({record.reason})" if record.reason else ""
        warnings.append(f"The run did not finish: {record.status}{reason}. What is shown rests on the {parts} that did.")
    if record.provenance.git_dirty:
        warnings.append("The code had uncommitted changes: its commit alone does not reproduce this run.")
    return tuple(warnings)


def reproduce(record: RunHead, seed_fixes: str, anchor: str) -> Part:
    """What a person types to do a run again; the words say what its seed fixes."""
    commit = record.provenance.git_commit
    checkout = (f"git checkout {commit}",) if commit else ()
    return Part(
        f"{anchor}-reproduce",
        "How to do it again",
        text=f"{seed_fixes} The machine and the versions under “Environment” are what should agree before two runs are compared.",
        commands=(*checkout, record.command),
    )


def present(*charts: AnyChart | None) -> tuple[AnyChart, ...]:
    """The charts that there are."""
    return tuple(chart for chart in charts if chart is not None)


def filled(*tables: Table | None) -> tuple[Table, ...]:
    """The tables that have rows."""
    return tuple(table for table in tables if table is not None and table.rows)
