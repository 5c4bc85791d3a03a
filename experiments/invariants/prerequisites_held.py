"""Rule 6: prerequisites held when the decision was made; the decision records what it saw."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from experiments.invariants.history import COURSE_FULL, DROPPED, ENROLLED, MISSING_PREREQUISITES, History, Look, Op
from experiments.invariants.rule import Evidence, Finding, Rule, Violation
from experiments.invariants.versions import Thing, Writes, initial_rows, version, writes
from experiments.records.history import CourseRow, Decision, StudentRow

GOT_A_SEAT: Final = (ENROLLED, DROPPED)
"""A request that was dropped before it was decided tells of no decision."""


@dataclass(frozen=True)
class Decided:
    """A decision with all that it recorded."""

    look: Look
    decision: Decision
    student: int | None
    course: int | None
    sendings: Sequence[Op]
    """Of its request; it was not decided before the first of them."""


def check(history: History) -> Finding:
    """Each decision tells what it saw, follows from it, and saw no older version than was acknowledged before the request was sent."""
    violations: list[Violation] = []
    decided: list[Decided] = []
    for enrollment, looks in history.looks.items():
        told = [look for look in looks if look.decision is not None]
        final = looks[-1]
        if final.state in GOT_A_SEAT or final.reason in (COURSE_FULL, MISSING_PREREQUISITES):
            fullest = next((look for look in told if look.decision is not None and look.decision.prerequisites is not None), None)
            acceptance = history.accepted.get(enrollment)
            row = history.final.get(enrollment)
            asked = acceptance.invoke if acceptance is not None else row
            if fullest is not None and fullest.decision is not None:
                student, course = (None, None) if asked is None else (asked.student, asked.course)
                key = acceptance.invoke.key if acceptance is not None else None
                sendings = history.requests.get(key or "", [acceptance] if acceptance is not None else [])
                decided.append(Decided(fullest, fullest.decision, student, course, sendings))
            elif history.is_read and not told and final.state != DROPPED:
                violations.append(Violation(f"the decision on {enrollment} recorded nothing of what it saw", [final]))
    acknowledged, before = writes(history), initial_rows(history)
    for one in decided:
        violations += [*_unfounded(one), *_outdated(one, acknowledged, before)]
    violations += _contradictions(history, decided)
    return Finding({"decisions": len(decided)}, violations)


def _unfounded(one: Decided) -> Iterator[Violation]:
    """Decisions that don't follow from what they say that they saw."""
    needed, completed = one.decision.prerequisites, one.decision.completed_courses
    if needed is None or completed is None:
        yield Violation(f"the decision on {one.look.enrollment} does not tell what was needed and what was completed", [one.look])
        return
    lacking = tuple(code for code in needed if code not in completed)
    if one.look.reason == MISSING_PREREQUISITES:
        if not lacking:
            yield Violation(f"{one.look.enrollment} was rejected for prerequisites, and none was missing", [one.look])
        elif set(one.decision.missing or ()) != set(lacking):
            said = " ".join(one.decision.missing or ()) or "nothing"
            yield Violation(f"{one.look.enrollment} lacked {' '.join(lacking)}, and {said} was given as the reason", [one.look])
    elif lacking and one.look.state in GOT_A_SEAT:
        yield Violation(f"{one.look.enrollment} was enrolled without {' '.join(lacking)}", [one.look])


def _outdated(one: Decided, acknowledged: Mapping[Thing, Writes], before: Mapping[Thing, CourseRow | StudentRow]) -> Iterator[Violation]:
    """Decisions that saw an older version than they must: whoever sends a request after a write is decided on what was written."""
    if not one.sendings:
        return
    first = min(one.sendings, key=lambda op: op.began_s)
    saw: list[tuple[Thing, int | None]] = []
    if one.course is not None:
        saw.append((("course", one.course), one.decision.course_version))
    if one.student is not None:
        saw.append((("student", one.student), one.decision.student_version))
    for what, seen in saw:
        if seen is None:
            continue
        newest = acknowledged[what].newest_before(first.began_s) if what in acknowledged else None
        initial = before.get(what)
        if newest is not None and seen < version(newest):
            detail = (
                f"{one.look.enrollment} was decided on version {seen} of {what[0]} {what[1]} after version {version(newest)} was written"
            )
            yield Violation(detail, [newest, first, one.look])
        elif initial is not None and initial.version is not None and seen < initial.version:
            detail = (
                f"{one.look.enrollment} was decided on version {seen} of {what[0]} {what[1]}, which had version {initial.version} before"
            )
            yield Violation(detail, [initial, first, one.look])


def _contradictions(history: History, decided: Sequence[Decided]) -> Iterator[Violation]:
    """Decisions and reads that saw the same version with different contents."""
    first: dict[tuple[Thing, int], tuple[object, Evidence]] = {}
    for what, number, content, seen_by in _contents(history, decided):
        known, earlier = first.setdefault((what, number), (content, seen_by))
        if known != content:
            yield Violation(f"version {number} of {what[0]} {what[1]} was seen with different contents", [earlier, seen_by])


def _contents(history: History, decided: Sequence[Decided]) -> Iterator[tuple[Thing, int, object, Evidence]]:
    for row in history.rows(CourseRow):
        if row.version is not None and row.prerequisites is not None:
            yield ("course", row.course), row.version, (row.capacity, frozenset(row.prerequisites)), row
    for student in history.rows(StudentRow):
        yield ("student", student.student), student.version, frozenset(student.completed_courses), student
    for one in decided:
        saw = one.decision
        if one.course is not None and saw.course_version is not None and saw.prerequisites is not None:
            yield ("course", one.course), saw.course_version, (saw.capacity, frozenset(saw.prerequisites)), one.look
        if one.student is not None and saw.student_version is not None and saw.completed_courses is not None:
            yield ("student", one.student), saw.student_version, frozenset(saw.completed_courses), one.look


RULE = Rule("prerequisites_held", check, "nothing was decided")
