"""The rules of the system's contract, checked one by one over a trial's history."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Final

from experiments.invariants import (
    no_false_full,
    no_ghosts,
    no_loss,
    no_over_enrolment,
    no_second_effect,
    no_stale_read,
    one_outcome,
    prerequisites_held,
)
from experiments.invariants.history import History
from experiments.invariants.rule import Rule
from experiments.records.schema import InvariantRecord

RULES: Final = (
    no_loss.RULE,
    no_ghosts.RULE,
    one_outcome.RULE,
    no_over_enrolment.RULE,
    no_false_full.RULE,
    prerequisites_held.RULE,
    no_second_effect.RULE,
    no_stale_read.RULE,
)
"""Every rule that is checked after every trial, in the order of the contract."""


def check(history: History, rules: Sequence[Rule] = RULES) -> tuple[InvariantRecord, ...]:
    """The verdict of each rule; a checker that crashes says nothing of the system, so its verdict is unknown."""
    return tuple(_judged(rule, history) for rule in rules)


def failures(records: Iterable[InvariantRecord]) -> tuple[InvariantRecord, ...]:
    """Those that failed."""
    return tuple(record for record in records if record.verdict == "fail")


def _judged(rule: Rule, history: History) -> InvariantRecord:
    try:
        return rule.judge(history)
    except Exception as error:  # noqa: BLE001 - whatever a checker trips over, the trial's other verdicts stand
        return InvariantRecord(name=rule.name, verdict="unknown", detail=f"the checker failed: {error!r}")
