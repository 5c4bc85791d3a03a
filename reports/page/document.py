"""Judged runs as a whole page."""

from __future__ import annotations

from collections.abc import Sequence

from experiments.records.schema import Provenance, RunRecord
from reports.page.data import Page
from reports.page.formats import count, moment
from reports.page.sections import JudgedRun, section
from reports.page.words import GLOSSARY

COMPARABLE = ("target", "engine", "cpu_model", "cpu_count", "memory_bytes", "kernel", "python", "servers", "load_generator", "git_commit")
"""What must agree before figures of two runs may be compared."""


def page(judged: Sequence[JudgedRun]) -> Page:
    """One page for one or several runs, in the order given; each run is judged by itself and nothing is pooled."""
    records = [one.run.record for one in judged]
    first = min(record.started_at for record in records)
    title = records[0].experiment.title if len(records) == 1 else "Suite of " + count(len(records), "experiment")
    return Page(
        title=title,
        subtitle=f"Started {moment(first)}",
        warnings=differences([record.provenance for record in records]),
        sections=tuple(section(one, anchor) for one, anchor in zip(judged, anchors(records), strict=True)),
        glossary=GLOSSARY,
    )


def anchors(records: Sequence[RunRecord]) -> tuple[str, ...]:
    """The experiments' names; the second run of an experiment on a page is ``cache-2``."""
    names = [record.experiment.name for record in records]
    earlier = [names[:place].count(name) for place, name in enumerate(names)]
    return tuple(name if not before else f"{name}-{before + 1}" for name, before in zip(names, earlier, strict=True))


def differences(provenances: Sequence[Provenance]) -> tuple[str, ...]:
    """A warning if the runs of a page were not made by the same program on the same machine."""
    differing = [name for name in COMPARABLE if len({repr(getattr(provenance, name)) for provenance in provenances}) > 1]
    if not differing:
        return ()
    names = ", ".join(name.replace("_", " ") for name in differing)
    return (f"The runs differ in {names}: don't compare figures of one with figures of another.",)
