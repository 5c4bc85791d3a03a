"""What stands on a page, as frozen data without a word of HTML."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from enum import StrEnum
from typing import Final, Literal

Raw = str | int | float | None
MOST_CLAIMS: Final = 12
"""In sight at once; of more, only those that did not hold are."""


class Tone(StrEnum):
    """What a reader should feel; the page never says it by colour alone."""

    NEUTRAL = "neutral"
    GOOD = "good"
    BAD = "bad"
    UNSURE = "unsure"
    FAINT = "faint"


@dataclass(frozen=True)
class Cell:
    """One cell: as people read it, and as a CSV has it."""

    text: str
    raw: tuple[Raw, ...]
    """One value for each name of the column."""
    interval: str = ""
    tone: Tone = Tone.NEUTRAL


@dataclass(frozen=True)
class Column:
    """One column."""

    title: str
    names: tuple[str, ...]
    """Column names of the CSV, units included."""
    is_number: bool = False


@dataclass(frozen=True)
class Table:
    """A table, which also becomes a CSV of the same name."""

    name: str
    title: str
    columns: tuple[Column, ...]
    rows: tuple[tuple[Cell, ...], ...]
    note: str = ""

    @property
    def csv_path(self) -> str:
        """Where its CSV lies, relative to the page."""
        return f"tables/{self.name}.csv"


@dataclass(frozen=True)
class Line:
    """One line or set of points; None where there is no value."""

    name: str
    color: int
    """Place in the palette; the same thing has the same colour throughout a chart."""
    x: tuple[float, ...]
    y: tuple[float | None, ...]
    low: tuple[float | None, ...] = ()
    high: tuple[float | None, ...] = ()
    """A band around it, or bars at points; empty for none."""
    dash: Literal["solid", "dot", "dash"] = "solid"
    form: Literal["line", "step", "points", "estimate", "pair"] = "line"
    """step: one level a second; points: one dot a trial; estimate: bars with their intervals; pair: a faint line that joins the
    trials of a block."""


@dataclass(frozen=True)
class Panel:
    """One pair of axes."""

    title: str
    unit: str
    lines: tuple[Line, ...]
    is_log: bool = False
    is_share: bool = False
    """Per cent, on an axis that ends at all of it and need not begin at zero."""


@dataclass(frozen=True)
class Shade:
    """A stretch of the x axis that something fills."""

    start: float
    end: float
    text: str
    kind: Literal["warm_up", "fault", "recovering"]


@dataclass(frozen=True)
class Moment:
    """A place on the x axis at which something begins."""

    at: float
    text: str
    color: int
    """Of the line that it belongs to."""


@dataclass(frozen=True)
class Chart:
    """Panels above each other with a common x axis, or side by side with one each."""

    name: str
    title: str
    caption: str
    x_title: str
    panels: tuple[Panel, ...]
    shades: tuple[Shade, ...] = ()
    moments: tuple[Moment, ...] = ()
    ticks: tuple[tuple[float, str], ...] = ()
    """Places on the x axis that have names; empty for plain numbers."""
    x_range: tuple[float, float] | None = None
    """What the x axis shows at first; None: all there is."""
    side_by_side: bool = False
    is_log_x: bool = False


@dataclass(frozen=True)
class Dots:
    """The rounds of one side in a row of a :class:`RowChart`."""

    name: str
    color: int
    values: tuple[float, ...]
    median: float | None


@dataclass(frozen=True)
class Row:
    """One thing that several sides were measured on."""

    title: str
    sides: tuple[Dots, ...]
    remarks: tuple[str, ...] = ()
    """Lines that are written beside it."""


@dataclass(frozen=True)
class RowChart:
    """Named rows above each other on one logarithmic axis of values."""

    name: str
    title: str
    caption: str
    unit: str
    rows: tuple[Row, ...]


AnyChart = Chart | RowChart


class Mark(StrEnum):
    """What a cell of a heat map says beside its value; never by colour alone."""

    NONE = ""
    BROKEN = "broken"
    """A rule did not hold."""
    INVALID = "invalid"
    """It was tried, and no trial counts."""
    NOT_RUN = "not run"
    """It was planned, and no trial was finished."""


@dataclass(frozen=True)
class HeatCell:
    """One combination that was planned."""

    text: str
    level: int | None
    """Class of the value, from 0; None: there is no value."""
    mark: Mark
    hint: str
    """All that is known of it, for a look from near."""


@dataclass(frozen=True)
class HeatBlock:
    """Rows and columns that belong together; None where they don't combine."""

    title: str
    columns: tuple[str, ...]
    rows: tuple[tuple[str, tuple[HeatCell | None, ...]], ...]


@dataclass(frozen=True)
class HeatMap:
    """One measure of many combinations, as coloured cells with the value in each."""

    name: str
    title: str
    caption: str
    classes: tuple[str, ...]
    """What each level means, from 0."""
    blocks: tuple[HeatBlock, ...]
    is_folded: bool = False


@dataclass(frozen=True)
class Part:
    """A headed part of a section."""

    anchor: str
    title: str
    text: str = ""
    points: tuple[str, ...] = ()
    """A list of sentences under the text."""
    heat_maps: tuple[HeatMap, ...] = ()
    charts: tuple[AnyChart, ...] = ()
    tables: tuple[Table, ...] = ()
    commands: tuple[str, ...] = ()
    """What a person types."""
    is_folded: bool = False
    is_bulk: bool = False
    """Folded, and more than anybody wants on paper: it stays folded there."""

    @property
    def is_empty(self) -> bool:
        """There is nothing under its heading."""
        return not (self.points or self.heat_maps or self.charts or self.tables or self.commands)


@dataclass(frozen=True)
class Judgement:
    """A verdict in words: what was claimed, what came out, what was measured."""

    statement: str
    word: str
    tone: Tone
    measured: str
    asked: str
    """The bounds and what they are: a claim, a must."""
    remark: str = ""


@dataclass(frozen=True)
class Term:
    """A word of the page and what it means."""

    word: str
    meaning: str


@dataclass(frozen=True)
class Section:
    """One run on the page."""

    anchor: str
    title: str
    question: str
    facts: tuple[Term, ...]
    warnings: tuple[str, ...]
    gate: Judgement
    claims: tuple[Judgement, ...]
    parts: tuple[Part, ...]

    @property
    def claims_in_sight(self) -> tuple[Judgement, ...]:
        """All, or those that did not hold where there are so many that they would hide what comes after them."""
        return self.claims if len(self.claims) <= MOST_CLAIMS else tuple(claim for claim in self.claims if claim.tone is Tone.BAD)

    @property
    def folded_claims(self) -> tuple[Judgement, ...]:
        """The others."""
        return tuple(claim for claim in self.claims if claim not in self.claims_in_sight)

    @property
    def folded_claims_title(self) -> str:
        """How many they are, by their verdicts."""
        words = Counter(claim.word for claim in self.folded_claims)
        return f"{len(self.folded_claims)} more claims: {', '.join(f'{number} {word}' for word, number in words.most_common())}"


@dataclass(frozen=True)
class Page:
    """A whole report."""

    title: str
    subtitle: str
    notes: tuple[str, ...]
    warnings: tuple[str, ...]
    sections: tuple[Section, ...]
    glossary: tuple[Term, ...] = ()

    def tables(self) -> tuple[Table, ...]:
        """Every table of the page."""
        return tuple(table for section in self.sections for part in section.parts for table in part.tables)

    def charts(self) -> tuple[AnyChart, ...]:
        """Every chart of the page."""
        return tuple(chart for section in self.sections for part in section.parts for chart in part.charts)
