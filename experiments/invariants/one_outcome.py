"""Rule 3: an outcome never changes from one terminal state to another but enrolled -> dropped."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Final

from experiments.invariants.history import DROPPED, ENROLLED, MISSING, PENDING, REJECTED, TERMINAL, History, Look
from experiments.invariants.rule import Finding, Rule, Violation

MAY_FOLLOW: Final = {
    PENDING: frozenset({PENDING, ENROLLED, REJECTED, DROPPED}),
    ENROLLED: frozenset({ENROLLED, DROPPED}),
    REJECTED: frozenset({REJECTED}),
    DROPPED: frozenset({DROPPED}),
}
"""What may be seen after a state was."""


def check(history: History) -> Finding:
    """What is seen of an enrolment, in the order in which it certainly was seen, only goes forward and keeps its reasons."""
    violations: list[Violation] = []
    compared = 0
    for enrollment, looks in history.looks.items():
        known = [look for look in looks if look.state != MISSING]
        compared += sum(look.state in TERMINAL for look in known[:-1])
        pair = next(_contradictions(known), None)
        if pair is not None:
            earlier, later = pair
            violations.append(Violation(f"enrolment {enrollment} was {_said(earlier)}, and later {_said(later)}", pair))
    return Finding({"outcomes that were seen again": compared}, violations)


def _contradictions(looks: Sequence[Look]) -> Iterator[tuple[Look, Look]]:
    """Pairs of looks that can't both be right; ``looks`` are in the order in which they ended."""
    distinct = list({_facts(look): look for look in reversed(looks)}.values())  # of the same facts the first look to end tells most
    for later in looks:
        for earlier in distinct:
            if earlier.ended_s < later.began_s:
                if not _may_follow(earlier, later):
                    yield earlier, later
            elif {earlier.state, later.state} == {ENROLLED, REJECTED}:  # in neither order
                yield earlier, later


def _may_follow(earlier: Look, later: Look) -> bool:
    if later.state not in MAY_FOLLOW.get(earlier.state, TERMINAL):
        return False
    if earlier.state not in TERMINAL:
        return True
    return later.reason == earlier.reason and (not _seen(earlier) or not _seen(later) or _seen(earlier) == _seen(later))


def _facts(look: Look) -> tuple[object, ...]:
    return look.state, look.reason, _seen(look)


def _seen(look: Look) -> tuple[object, ...]:
    """What the decision saw, as far as every look that tells it does."""
    decision = look.decision
    return () if decision is None else (decision.course_version, decision.student_version, decision.capacity, decision.taken)


def _said(look: Look) -> str:
    return f"{look.state} ({look.reason})" if look.reason else look.state


RULE = Rule("one_outcome", check, "no outcome was seen more than once")
