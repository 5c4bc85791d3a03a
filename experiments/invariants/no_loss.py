"""Rule 1: every request answered 202 reaches exactly one outcome."""

from __future__ import annotations

from collections.abc import Iterator

from experiments.invariants.history import MISSING, PENDING, History, Op
from experiments.invariants.rule import UNREAD, Finding, Rule, Violation


def check(history: History) -> Finding:
    """An accepted request is never unknown to the system again, has an id of its own, and is decided once all is quiet."""
    accepted = history.accepted
    violations = [*_shared(history), *_lost(history)]
    undecided = [enrollment for enrollment in accepted if enrollment in history.final and history.final[enrollment].state == PENDING]
    counts = history.final_counts
    nothing_under_way = history.is_quiet or (counts is not None and counts.outbox == 0)
    doubt = None
    if not history.is_read:
        doubt = UNREAD
    elif nothing_under_way:
        violations += [
            Violation(
                f"request {enrollment} has no outcome, and nothing is under way that could give it one",
                [accepted[enrollment], history.final[enrollment], *([counts] if counts is not None else [])],
            )
            for enrollment in undecided
        ]
    elif _is_overdue(history):
        violations += [
            Violation(
                f"request {enrollment} has no outcome {history.waited_s:.1f} s after the load was over and all was healed",
                [accepted[enrollment], history.final[enrollment], *([history.settled] if history.settled is not None else [])],
            )
            for enrollment in undecided
        ]
    elif undecided:
        doubt = f"{len(undecided)} of {len(accepted)} accepted requests were still pending when the time to become quiet was over"
    return Finding({"accepted requests": len(accepted)}, violations, doubt)


def _is_overdue(history: History) -> bool:
    """Whether what is still undecided had longer than it may take."""
    bound_s = history.trial.decision_bound_s if history.trial is not None else None
    return bound_s is not None and history.waited_s >= bound_s


def _lost(history: History) -> Iterator[Violation]:
    counts = history.final_counts
    for enrollment, acceptance in history.accepted.items():
        missed = [look for look in history.looks.get(enrollment, ()) if look.state == MISSING and look.began_s > acceptance.ended_s]
        if missed:
            yield Violation(f"request {enrollment} was accepted, and the system doesn't know it", [acceptance, missed[0]])
        elif counts is not None and enrollment not in history.final:
            yield Violation(f"request {enrollment} was accepted, and is not in the database", [acceptance, counts])


def _shared(history: History) -> Iterator[Violation]:
    """Ids that were given to two requests, one of which then has no outcome of its own."""
    given: dict[str, Op] = {}
    for key, sendings in history.requests.items():
        for op in sendings:
            if not op.is_ok or op.end is None or op.end.enrollment is None:
                continue
            first = given.setdefault(op.end.enrollment, op)
            if (first.invoke.key or f"process {first.process}") != key:
                yield Violation(f"two requests were given the same id {op.end.enrollment}", [first, op])


RULE = Rule("no_loss", check, "no request was accepted")
