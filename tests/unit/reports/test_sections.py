"""What of a section is in sight, and what is folded away."""

from __future__ import annotations

import pytest

from reports.page.data import MOST_CLAIMS, Judgement, Section, Tone


def _claim(number: int, word: str, tone: Tone) -> Judgement:
    return Judgement(statement=f"claim {number}", word=word, tone=tone, measured="1", asked="at most 0")


def _section(claims: tuple[Judgement, ...]) -> Section:
    gate = Judgement(statement="Invariants", word="pass", tone=Tone.GOOD, measured="all", asked="all held")
    return Section(anchor="run", title="Run", question="Why?", facts=(), warnings=(), gate=gate, claims=claims, parts=())


@pytest.mark.parametrize("count", [0, 1, MOST_CLAIMS])
def test_as_many_as_can_be_read_are_in_sight(count: int) -> None:
    """And nothing is folded."""
    section = _section(tuple(_claim(number, "confirmed", Tone.GOOD) for number in range(count)))
    assert section.claims_in_sight == section.claims
    assert section.folded_claims == ()


def test_of_more_those_that_did_not_hold_are_in_sight_and_the_others_counted() -> None:
    """None is lost."""
    claims = tuple(
        _claim(number, *(("refuted", Tone.BAD) if number % 5 == 0 else ("confirmed", Tone.GOOD) if number % 2 else ("unsure", Tone.UNSURE)))
        for number in range(MOST_CLAIMS + 3)
    )
    section = _section(claims)
    assert [claim.word for claim in section.claims_in_sight] == ["refuted"] * 3
    assert {*section.claims_in_sight, *section.folded_claims} == {*claims}
    assert section.folded_claims_title == "12 more claims: 6 confirmed, 6 unsure"
