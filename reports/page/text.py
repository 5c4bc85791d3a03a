"""The verdicts of a page as lines for a terminal."""

from __future__ import annotations

from collections.abc import Iterator

from reports.page.data import Page, Tone

SIGNS = {Tone.GOOD: "✔", Tone.BAD: "✘", Tone.UNSURE: "?", Tone.NEUTRAL: " ", Tone.FAINT: " "}


def verdict_lines(page: Page) -> Iterator[str]:
    """Each run with its gate and its claims or comparisons: the verdict, what it is about, what was measured."""
    for section in page.sections:
        yield f"{section.anchor}: {section.title}"
        judgements = (section.gate, *section.claims)
        width = max(len(one.word) for one in judgements)
        for one in judgements:
            yield f"  {SIGNS[one.tone]} {one.word:<{width}}  {one.statement}"
            yield f"    {'':<{width}}  {one.measured}"
