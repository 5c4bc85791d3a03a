"""What a rule is, and how its verdict and witness are made."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from experiments.invariants.history import History, Look, Op
from experiments.records.history import Completion, CountsRow, CourseRow, EnrollmentRow, Invoke, Mark, Owed, ReservationRow, Row, StudentRow
from experiments.records.schema import InvariantRecord, WitnessEvent

MOST_EVENTS: Final = 12
"""A witness of more events is cut: who wants to see all has the history."""
UNREAD: Final = "the business state could not be read after the load"
NOT_QUIET: Final = "requests were still under way when the business state was read"

Evidence = Op | Look | Row | Mark | Owed
"""What a witness is made of; an operation stands for its invocation and its end."""


@dataclass(frozen=True)
class Violation:
    """A proof that the rule was broken."""

    detail: str
    proof: Sequence[Evidence]


@dataclass(frozen=True)
class Finding:
    """What a checker found."""

    evidence: Mapping[str, int]
    """What there was to check, by kind."""
    violations: Sequence[Violation]
    doubt: str | None = None
    """Why the rule may be broken although no violation was found."""


@dataclass(frozen=True)
class Rule:
    """A rule of the system's contract with its checker."""

    name: str
    check: Callable[[History], Finding]
    nothing: str
    """Why there is no verdict where there was nothing to check."""

    def judge(self, history: History) -> InvariantRecord:
        """The verdict: a violation fails, a doubt and an empty check are unknown."""
        found = self.check(history)
        evidence = dict(found.evidence)
        if found.violations:
            shown = min(found.violations, key=lambda violation: sum(map(_size, violation.proof)))
            count = len(found.violations)
            detail = shown.detail if count == 1 else f"{count} violations, such as: {shown.detail}"
            return InvariantRecord(name=self.name, verdict="fail", detail=detail, evidence=evidence, witness=witness(shown.proof))
        if found.doubt is not None:
            return InvariantRecord(name=self.name, verdict="unknown", detail=found.doubt, evidence=evidence)
        if not any(evidence.values()):
            return InvariantRecord(name=self.name, verdict="unknown", detail=self.nothing, evidence=evidence)
        counts = ", ".join(f"{count} {kind}" for kind, count in evidence.items())
        return InvariantRecord(name=self.name, verdict="pass", detail=counts, evidence=evidence)


def witness(proof: Iterable[Evidence]) -> tuple[WitnessEvent, ...]:
    """The events behind a proof, by time and each once."""
    found = {event for evidence in proof for event in _events(evidence)}
    ordered = sorted(found, key=lambda event: event.at_s)
    if len(ordered) <= MOST_EVENTS:
        return tuple(ordered)
    left_out = WitnessEvent(at_s=ordered[MOST_EVENTS - 1].at_s, who="", what=f"and {len(ordered) - MOST_EVENTS + 1} more like these")
    return (*ordered[: MOST_EVENTS - 1], left_out)


def _size(evidence: Evidence) -> int:
    """How many events it stands for."""
    is_operation = isinstance(evidence, Op) or (isinstance(evidence, Look) and isinstance(evidence.seen_by, Op))
    return 2 if is_operation else 1


def _events(evidence: Evidence) -> Iterable[WitnessEvent]:
    if isinstance(evidence, Look):
        evidence = evidence.seen_by
    if isinstance(evidence, Op):
        yield WitnessEvent(at_s=evidence.began_s, who=f"process {evidence.process}", what=_asked(evidence.invoke))
        if evidence.end is not None:
            yield WitnessEvent(at_s=evidence.end.at_s, who=f"process {evidence.process}", what=_told(evidence.end))
    elif isinstance(evidence, Owed):
        yield WitnessEvent(at_s=evidence.at_s, who="an earlier trial", what=f"{evidence.f} of unknown outcome: {_named(evidence)}")
    elif isinstance(evidence, Mark):
        yield WitnessEvent(at_s=evidence.at_s, who="the lab", what=evidence.name.replace("_", " "))
    else:
        yield WitnessEvent(at_s=evidence.at_s, who=f"{evidence.moment} read, {evidence.source}", what=_seen(evidence))


def _asked(invoke: Invoke) -> str:
    return f"{invoke.f.replace('_', ' ')}: {_named(invoke)}".rstrip(": ")


def _named(event: Invoke | Owed) -> str:
    names = ("student", "course", "enrollment", "key", "capacity")
    return _fields({name: getattr(event, name) for name in names})


def _told(end: Completion) -> str:
    shown = {name: getattr(end, name) for name in ("enrollment", "state", "reason", "version", "capacity", "taken", "free", "cache")}
    saw = _fields(end.decision.model_dump(exclude_none=True)) if end.decision else ""
    answer = str(end.http) if end.http is not None else end.error or ""
    return ", ".join(part for part in (f"{end.type} {answer}".rstrip(), _fields(shown), saw and f"decided on {saw}") if part)


def _seen(row: Row) -> str:
    match row:
        case EnrollmentRow():
            saw = _fields(row.decision.model_dump(exclude_none=True)) if row.decision else ""
            about = _fields({"student": row.student, "course": row.course, "reason": row.reason, "key": row.key})
            return ", ".join(part for part in (f"enrolment {row.enrollment} is {row.state}", about, saw and f"decided on {saw}") if part)
        case CourseRow():
            known = row.model_dump(exclude={"type", "at_s", "began_s", "moment", "source", "course", "prerequisites"}, exclude_none=True)
            return f"course {row.course}: {_fields(known)}"
        case StudentRow():
            return f"student {row.student}: version {row.version}, completed {' '.join(row.completed_courses) or 'none'}"
        case ReservationRow():
            return f"reservation {row.enrollment} for course {row.course} is {row.outcome}"
        case CountsRow():
            return f"{row.pending} pending, {row.outbox} in the outbox, {row.inbox} in the inbox"


def _fields(values: Mapping[str, object]) -> str:
    shown = {name: " ".join(map(str, value)) or "none" if isinstance(value, tuple) else value for name, value in values.items()}
    return ", ".join(f"{name.replace('_', ' ')} {value}" for name, value in shown.items() if value is not None)
