"""What came of a session: a line for each run as it ends, a table at the end, and JSON for other programs."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict

from rich.table import Table

from tests.mutants.verdicts import PRODUCT, Summary, Verdict


def line(verdict: Verdict) -> str:
    """What one run says."""
    if not verdict.is_judged:
        return f"NOT CARRIED OUT: {verdict.detail}"
    invalid = f"; the trial is invalid: {'; '.join(verdict.reasons)}" if verdict.reasons else ""
    if verdict.found:
        after = "" if verdict.proven_s is None else f", proven {verdict.proven_s:.1f} s after the load began"
        what = "ALARM" if verdict.subject == PRODUCT else "found"
        return f"{what} by {', '.join(verdict.failed)}{after}: {verdict.detail}{invalid}"
    doubt = f" (unknown: {', '.join(verdict.unknown)})" if verdict.unknown else ""
    return f"{'no alarm' if verdict.subject == PRODUCT else 'NOT FOUND'}{doubt}{invalid}"


def table(found: Sequence[Summary]) -> Table:
    """A row for each planted bug, and for each scenario that the product went through."""
    shown = Table(
        "",
        "subject",
        "scenario",
        "found",
        "by (runs)",
        "median s",
        "unknown (runs)",
        "not counted",
        box=None,
        pad_edge=False,
        caption="found: runs in which an invariant was broken, of all that count; for the product none should be. "
        "Not counted: invalid trials. s: from the beginning of the load to the last event of the earliest witness",
    )
    for item in found:
        shown.add_row(
            "ok" if item.is_as_wanted else "!!",
            item.subject,
            item.scenario,
            f"{item.found} of {item.runs}",
            _counts(item.invariants),
            "" if item.median_s is None else f"{item.median_s:.1f}",
            _counts(item.unknown),
            str(item.not_counted or ""),
        )
    return shown


def as_json(verdicts: Sequence[Verdict], found: Sequence[Summary]) -> str:
    """The summaries and every run."""
    return json.dumps({"summaries": [asdict(item) for item in found], "runs": [asdict(verdict) for verdict in verdicts]}, indent=2) + "\n"


def _counts(names: Mapping[str, int]) -> str:
    return ", ".join(f"{name} {count}" for name, count in names.items())
