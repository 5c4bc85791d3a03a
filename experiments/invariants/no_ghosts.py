"""Rule 2: every outcome belongs to a request that was sent."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence

from experiments.definition import Operation
from experiments.invariants.history import DROPPED, History, Op
from experiments.invariants.rule import UNREAD, Evidence, Finding, Rule, Violation
from experiments.records.history import EnrollmentRow, Owed

Sending = Op | Owed


def check(history: History) -> Finding:
    """Each enrolment was asked for by a request that may have taken effect, for this student and course; each drop, too."""
    rows = list(history.final.values())
    violations = [*_unasked(history, rows), *_not_dropped(history, rows)]
    return Finding({"enrolments": len(rows)}, violations, None if history.is_read else UNREAD)


def _unasked(history: History, rows: Sequence[EnrollmentRow]) -> Iterator[Violation]:
    by_key, by_pair = _sendings(history)
    unkeyed: defaultdict[tuple[int | None, int | None], list[EnrollmentRow]] = defaultdict(list)
    for row in rows:
        acceptance = history.accepted.get(row.enrollment)
        if acceptance is not None and (acceptance.invoke.student, acceptance.invoke.course) != (row.student, row.course):
            yield Violation(f"request {row.enrollment} became an enrolment of another student or course", [acceptance, row])
        elif row.key is None:
            unkeyed[row.student, row.course].append(row)
        elif row.key not in by_key:
            yield Violation(f"nobody sent the request of enrolment {row.enrollment}", [row])
        else:
            yield from _wrong_sending(by_key[row.key], row)
    for pair, found in unkeyed.items():
        keys = by_pair.get(pair, {})
        if len(found) > len(keys):
            proof: list[Evidence] = [*keys.values(), *found]
            sent = "nobody sent a request" if not keys else f"{len(keys)} requests were sent"
            yield Violation(f"student {pair[0]} has {len(found)} enrolments in course {pair[1]}, for which {sent}", proof)


def _wrong_sending(sendings: Sequence[Sending], row: EnrollmentRow) -> Iterator[Violation]:
    asked = sendings[0].invoke if isinstance(sendings[0], Op) else sendings[0]
    if (asked.student, asked.course) != (row.student, row.course):
        yield Violation(f"enrolment {row.enrollment} is of another student or course than its request", [sendings[0], row])
    elif not any(isinstance(sending, Owed) or sending.is_possible for sending in sendings):
        yield Violation(f"the request of enrolment {row.enrollment} was refused, and took effect", [*sendings, row])


def _not_dropped(history: History, rows: Sequence[EnrollmentRow]) -> Iterator[Violation]:
    owed = {event.enrollment for event in history.owed if event.f is Operation.DROP}
    for row in rows:
        if row.state == DROPPED and row.enrollment not in history.drops and row.enrollment not in owed:
            yield Violation(f"enrolment {row.enrollment} was dropped, and nobody asked for that", [row])


def _sendings(history: History) -> tuple[dict[str, list[Sending]], dict[tuple[int | None, int | None], dict[str, Sending]]]:
    """What was sent with each key; of each student and course, what of it may have taken effect, by key."""
    by_key: dict[str, list[Sending]] = {}
    by_pair: dict[tuple[int | None, int | None], dict[str, Sending]] = {}
    for key, sendings in history.requests.items():
        by_key[key] = [*sendings]
        if possible := [op for op in sendings if op.is_possible]:
            by_pair.setdefault((possible[0].invoke.student, possible[0].invoke.course), {})[key] = possible[0]
    for event in history.owed:
        if event.f is Operation.ENROLL and event.key is not None:
            by_key.setdefault(event.key, []).append(event)
            by_pair.setdefault((event.student, event.course), {})[event.key] = event
    return by_key, by_pair


RULE = Rule("no_ghosts", check, "there is no enrolment")
