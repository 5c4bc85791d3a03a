"""How the page shows steady state: a table, a line in the charts over time, and a sentence under them."""

from __future__ import annotations

import math
from collections.abc import Mapping

from experiments.definition import Experiment, Treatment
from reports.analysis.drift import FLOOR
from reports.analysis.steady import LEAST_NOTICEABLE, Answer, Steadiness
from reports.page.data import Cell, Column, Moment, Table, Tone
from reports.page.formats import NOTHING, PERCENT, Form, number, number_cell, text_cell

_TONES = {Answer.STEADY: Tone.GOOD, Answer.NOT_STEADY: Tone.BAD, Answer.UNTOLD: Tone.UNSURE}
_FLOOR, _LEAST_NOTICEABLE = (f"{share * PERCENT:.0f} %" for share in (math.expm1(FLOOR), LEAST_NOTICEABLE))


def steady_table(experiment: Experiment, judged: Mapping[str, Steadiness], prefix: str) -> Table:
    """Of each treatment that is meant to be steady whether it is, since when, and what its data could have shown."""
    return Table(
        name=f"{prefix}-steady",
        title="Steady state",
        columns=(
            Column("Treatment", ("treatment",)),
            Column("Steady state", ("answer",)),
            Column("Steady trials", ("steady_trials", "not_steady_trials", "untold_trials"), is_number=True),
            Column("Reached after (s)", ("reached_s",), is_number=True),
            Column("Change over the measure phase", ("change_ratio",), is_number=True),
            Column("Smallest change that would show", ("noticeable_ratio",), is_number=True),
            Column("Why", ("reason",)),
        ),
        rows=tuple(_row(treatment, judged[treatment.name]) for treatment in experiment.treatments if treatment.name in judged),
        note="The service time of answered requests, relative to the median of their operation; treatments under a constant load with "
        f"nothing broken on purpose. There is no steady state where a trend or a level shift by more than {_FLOOR} is significant at 1 % "
        "in all trials together, or where more than half of the trials change each in its own way (ranks of batch medians: Mann 1945, "
        "Lausen & Schumacher 1992; corrected for autocorrelation: Yue & Wang 2004). It can't be told where a change by "
        f"{_LEAST_NOTICEABLE} may go unnoticed. It is reached where MSER-5 cuts (White 1997), at the latest with the "
        "measure phase; the median over trials.",
    )


def steady_moments(experiment: Experiment, judged: Mapping[str, Steadiness]) -> tuple[Moment, ...]:
    """Where the steady state of each treatment begins, in the colour of its line."""
    return tuple(
        Moment(found.from_s, f"{treatment.title}: steady from", place)
        for place, treatment in enumerate(experiment.treatments)
        if (found := judged.get(treatment.name)) is not None and found.from_s is not None
    )


def steady_words(experiment: Experiment, judged: Mapping[str, Steadiness]) -> str:
    """What a reader of the chart over time has to know of steady state; empty where nothing is meant to be steady."""
    shown = [(treatment, judged[treatment.name]) for treatment in experiment.treatments if treatment.name in judged]
    sentences = (
        ["A dotted upright line stands where steady state was reached."] if any(found.from_s is not None for _, found in shown) else []
    )
    for answer, words in ((Answer.NOT_STEADY, "No steady state"), (Answer.UNTOLD, "Whether there is a steady state can't be told")):
        sentences += [f"{words} with “{treatment.title}”: {found.reason}." for treatment, found in shown if found.answer is answer]
    return " ".join(sentences)


def _row(treatment: Treatment, found: Steadiness) -> tuple[Cell, ...]:
    is_known = math.isfinite(found.noticeable)
    return (
        text_cell(treatment.title),
        text_cell(found.answer, _TONES[found.answer]),
        Cell(f"{found.count(Answer.STEADY)} of {len(found.trials)}", tuple(found.count(answer) for answer in Answer)),
        number_cell(found.from_s),
        _times(found.change if is_known else None),
        _times(found.noticeable if is_known else None),
        text_cell(found.reason),
    )


def _times(change: float | None) -> Cell:
    if change is None:
        return Cell(NOTHING, (None,), tone=Tone.FAINT)
    return Cell(number(1 + change, Form.TIMES), (1 + change,))
