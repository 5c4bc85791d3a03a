"""Judged runs of all kinds as a whole page."""

from __future__ import annotations

from collections.abc import Collection, Sequence

from reports.loading import RunData
from reports.measurements import CapacityData
from reports.page.capacity_section import JudgedCapacity, capacity_section, judge_capacity
from reports.page.capacity_words import GLOSSARY as CAPACITY_GLOSSARY
from reports.page.capacity_words import SEPARATE
from reports.page.data import Page, Section, Term
from reports.page.differing import Record, differences
from reports.page.formats import count, moment
from reports.page.sections import JudgedRun, judge_trials, trials_section
from reports.page.words import COMMON_GLOSSARY, OPEN_LOOP_GLOSSARY

Judged = JudgedRun | JudgedCapacity


def judge(run: RunData | CapacityData) -> Judged:
    """Compute and judge a run of either kind."""
    return judge_capacity(run) if isinstance(run, CapacityData) else judge_trials(run)


def page(judged: Sequence[Judged]) -> Page:
    """One page for one or several runs, in the order given; each run is judged by itself and nothing is pooled."""
    records = [one.run.record for one in judged]
    first = min(record.started_at for record in records)
    title = records[0].experiment.title if len(records) == 1 else "Suite of " + count(len(records), "experiment")
    kinds = {record.kind for record in records}
    return Page(
        title=title,
        subtitle=f"Started {moment(first)}",
        notes=(SEPARATE,) if len(kinds) > 1 else (),
        warnings=differences(records),
        sections=tuple(_section(one, anchor) for one, anchor in zip(judged, anchors(records), strict=True)),
        glossary=_glossary(kinds),
    )


def _section(judged: Judged, anchor: str) -> Section:
    return capacity_section(judged, anchor) if isinstance(judged, JudgedCapacity) else trials_section(judged, anchor)


def _glossary(kinds: Collection[str]) -> tuple[Term, ...]:
    return (
        *COMMON_GLOSSARY,
        *(OPEN_LOOP_GLOSSARY if "trials" in kinds else ()),
        *(CAPACITY_GLOSSARY if "capacity" in kinds else ()),
    )


def anchors(records: Sequence[Record]) -> tuple[str, ...]:
    """The experiments' names; the second run of an experiment on a page is ``cache-2``."""
    names = [record.experiment.name for record in records]
    earlier = [names[:place].count(name) for place, name in enumerate(names)]
    return tuple(name if not before else f"{name}-{before + 1}" for name, before in zip(names, earlier, strict=True))
