"""Rule 7: duplicates have no second effect; the same Idempotency-Key with the same body gives the same request, with another body 422."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence
from http import HTTPStatus
from typing import Final

from experiments.definition import Operation
from experiments.invariants.history import ENROLLED, PENDING, History, Op
from experiments.invariants.rule import Evidence, Finding, Rule, Violation
from experiments.records.history import EnrollmentRow

REFUSALS: Final = (HTTPStatus.CONFLICT, HTTPStatus.UNPROCESSABLE_ENTITY)
"""Answers that say that the request itself is at fault."""


def check(history: History) -> Finding:
    """Each key gave one id and made one enrolment, and no student is in a course twice."""
    again = {key: ops for key, ops in history.requests.items() if len(ops) > 1}
    reused = [op for op in history.of(Operation.REUSE_KEY) if op.end is not None and op.end.http is not None]
    violations = [*(violation for key, ops in again.items() for violation in _answers(key, ops)), *_reuses(history, reused)]
    violations += _effects(history)
    return Finding({"requests that were sent again": len(again), "keys that were used for another request": len(reused)}, violations)


def _answers(key: str, sendings: Sequence[Op]) -> Iterator[Violation]:
    by_id: dict[str, Op] = {}
    by_digest: dict[str | None, Op] = {}
    for op in sendings:
        if op.is_ok and op.end is not None and op.end.enrollment is not None:
            by_id.setdefault(op.end.enrollment, op)
            by_digest.setdefault(op.invoke.digest, op)
    if len(by_id) > 1:
        yield Violation(f"the key {key} gave {len(by_id)} requests", list(by_id.values()))
    elif len(by_digest) > 1:
        yield Violation(f"the key {key} was accepted with {len(by_digest)} bodies", list(by_digest.values()))
    for first in by_digest.values():
        for op in sendings:
            is_later = op.invoke.digest == first.invoke.digest and op.began_s > first.ended_s
            if is_later and op.end is not None and op.end.http in REFUSALS:
                yield Violation(f"the request with the key {key} was accepted, and refused when it was sent again", [first, op])


def _reuses(history: History, reused: Sequence[Op]) -> Iterator[Violation]:
    for op in reused:
        if op.is_ok:
            first = next((sending for sending in history.requests.get(op.invoke.key or "", ()) if sending.is_ok), op)
            yield Violation(f"the key {op.invoke.key} was accepted with another body", [first, op])


def _effects(history: History) -> Iterator[Violation]:
    """Enrolments that there are more of than requests."""
    by_key: defaultdict[str, list[EnrollmentRow]] = defaultdict(list)
    active: defaultdict[tuple[int | None, int | None], list[EnrollmentRow]] = defaultdict(list)
    for row in history.final.values():
        if row.key is not None:
            by_key[row.key].append(row)
        if row.state in (PENDING, ENROLLED):
            active[row.student, row.course].append(row)
    for key, rows in by_key.items():
        if len(rows) > 1:
            proof: list[Evidence] = [*history.requests.get(key, ())[:1], *rows]
            yield Violation(f"the request with the key {key} made {len(rows)} enrolments", proof)
    for (student, course), rows in active.items():
        if len(rows) > 1:
            yield Violation(f"student {student} is in course {course} {len(rows)} times", rows)


RULE = Rule("no_second_effect", check, "no request was sent a second time")
