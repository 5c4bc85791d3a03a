"""No history of a correct system breaks a rule, whatever its clients missed; and mistakes that are planted in one are found."""

from __future__ import annotations

import time
from collections.abc import Callable

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from experiments.definition import Operation
from experiments.invariants.checkers import RULES, check
from experiments.invariants.history import History
from experiments.records.history import Completion, CourseRow, EnrollmentRow, Event, Invoke
from experiments.records.journal import merged
from tests.unit.experiments.invariants.model import Run
from tests.unit.experiments.invariants.scripts import COURSE, Script, seen

SEEDS = st.integers(0, 2**32)


@given(seed=SEEDS)
@settings(deadline=None, max_examples=200)
def test_a_correct_system_never_breaks_a_rule(seed: int) -> None:
    """Answers that are lost, effects that come late, duplicates and races: none is an alarm, and none leaves a doubt at the end."""
    for record in check(Run(seed).history):
        assert record.verdict == "pass" or record.is_vacuous, record


def test_the_model_gives_every_rule_something_to_check() -> None:
    """Otherwise that none alarms would mean nothing."""
    records = [check(Run(seed).history) for seed in range(40)]
    for position, rule in enumerate(RULES):
        assert sum(trial[position].verdict == "pass" for trial in records) > 20, rule.name


Planted = Callable[[History], list[Event] | None]


def _lose(history: History) -> list[Event] | None:
    """An accepted enrolment is gone in the end."""
    lost = next(iter(history.accepted), None)
    if lost is None:
        return None
    return [event for event in history.events if not (isinstance(event, EnrollmentRow) and event.enrollment == lost)]


def _invent(history: History) -> list[Event] | None:
    """There is an enrolment of a key that was never sent."""
    row = next((row for row in history.rows(EnrollmentRow) if row.source == "enrollment-db"), None)
    return None if row is None else [*history.events, row.model_copy(update={"enrollment": "ghost", "key": "never sent"})]


def _change(history: History) -> list[Event] | None:
    """What was enrolled, and never dropped, is rejected in the end."""
    looks = [look for looks in history.looks.values() for look in looks[:-1] if look.state == "enrolled" and look.ended_s < 90]
    kept = [look for look in looks if history.final[look.enrollment].state == "enrolled"]
    if not kept:
        return None
    changed = {"state": "rejected", "reason": "course_full"}
    return [
        event.model_copy(update=changed) if isinstance(event, EnrollmentRow) and event.enrollment == kept[0].enrollment else event
        for event in history.events
    ]


def _squeeze(history: History) -> list[Event] | None:
    """The course has fewer seats in the end than students."""
    last = [row for row in history.rows(CourseRow) if row.moment == "final" and row.enrolled]
    if not last:
        return None
    fewer = {"capacity": (last[0].enrolled or 0) - 1}
    return [
        event.model_copy(update=fewer) if isinstance(event, CourseRow) and event.moment == "final" and event.capacity is not None else event
        for event in history.events
    ]


def _refuse(history: History) -> list[Event] | None:
    """Somebody else is rejected for capacity by a decision that saw a free seat."""
    row = EnrollmentRow(
        at_s=100,
        began_s=99,
        moment="final",
        source="api",
        enrollment="refused",
        student=99,
        course=COURSE,
        state="rejected",
        reason="course_full",
        decision=seen(capacity=3, taken=2, prerequisites=(), course_version=10**6),
    )
    asked = Invoke(at_s=70, process=10**6, f=Operation.ENROLL, student=99, course=COURSE, key="k-refused")
    answered = Completion(type="ok", at_s=71, process=10**6, f=Operation.ENROLL, enrollment="refused")
    stored = row.model_copy(update={"source": "enrollment-db", "key": "k-refused"})
    return [*history.events, asked, answered, row, stored]


def _skip_prerequisites(history: History) -> list[Event] | None:
    """A decision enrolled a student who had completed nothing."""
    rows = [row for row in history.rows(EnrollmentRow) if row.state == "enrolled" and row.source == "api"]
    if not rows or rows[0].decision is None:
        return None
    changed = rows[0].model_copy(update={"decision": rows[0].decision.model_copy(update={"completed_courses": ()})})
    return [changed if event is rows[0] else event for event in history.events]


def _double(history: History) -> list[Event] | None:
    """A request made two enrolments."""
    row = next((row for row in history.rows(EnrollmentRow) if row.source == "enrollment-db"), None)
    return None if row is None else [*history.events, row.model_copy(update={"enrollment": "second"})]


def _age(history: History) -> list[Event] | None:
    """A read that began after a write was acknowledged saw the version before it."""
    written = next((op for op in history.of(Operation.UPDATE_CAPACITY) if op.is_ok and op.end is not None and op.end.version), None)
    if written is None or written.end is None or written.end.version is None:
        return None
    read = Invoke(at_s=written.ended_s + 1, process=10**6, f=Operation.READ_COURSE, course=COURSE)
    told = Completion(
        type="ok", at_s=written.ended_s + 2, process=10**6, f=Operation.READ_COURSE, version=written.end.version - 1, cache="hit"
    )
    return [*history.events, read, told]


PLANTED: dict[str, Planted] = {
    "no_loss": _lose,
    "no_ghosts": _invent,
    "one_outcome": _change,
    "no_over_enrolment": _squeeze,
    "no_false_full": _refuse,
    "prerequisites_held": _skip_prerequisites,
    "no_second_effect": _double,
    "no_stale_read": _age,
}


def test_there_is_a_mistake_for_every_rule() -> None:
    """None of them is left without a proof that it can fail."""
    assert list(PLANTED) == [rule.name for rule in RULES]


@pytest.mark.parametrize("name", list(PLANTED))
@given(seed=SEEDS)
@settings(deadline=None, max_examples=25)
def test_a_planted_mistake_is_found(name: str, seed: int) -> None:
    """Wherever in a random history it is, with a witness of a few events."""
    events = PLANTED[name](Run(seed).history)
    assume(events is not None)
    (record,) = [record for record in check(History(merged(events or []))) if record.name == name]
    assert record.verdict == "fail", record
    assert 1 <= len(record.witness) <= 6, record


def test_a_history_of_100_000_operations_is_judged(capsys: pytest.CaptureFixture[str]) -> None:
    """A third of 20,000 students is rejected, and no rule finds fault; how long that took is printed and not judged."""
    script = Script(bound_s=1)
    script.before(capacity=20_000)
    enrolled = 0
    for number in range(20_000):
        at_s, name = number / 1000, f"e{number}"
        lacks = number % 3 == 0
        state, reason = ("rejected", "missing_prerequisites") if lacks else ("enrolled", None)
        decision = seen(
            capacity=20_000, taken=enrolled, **({"prerequisites": ("A",), "missing": ("A",), "course_version": 2} if lacks else {})
        )
        enrolled += not lacks
        script.enroll(name, number, at_s, at_s + 0.01)
        script.read(name, at_s + 0.02, at_s + 0.03, state, reason)
        script.op(Operation.READ_COURSE, at_s, at_s + 0.001, course=COURSE, version=10**6)
        script.op(Operation.READ_SEATS, at_s, at_s + 0.001, course=COURSE, capacity=20_000, taken=number, free=20_000 - number)
        script.op(Operation.READ_STUDENT, at_s, at_s + 0.001, student=number, version=1)
        script.row(name, number, state, reason, source="api", decision=decision)
        script.row(name, number, state, reason)
    for source in ("courses-db", "enrollment-db"):
        script.course(source=source, **({"enrolled": enrolled} if source == "enrollment-db" else {"capacity": 20_000, "taken": enrolled}))
    script.finish()
    history = script.history
    started_s = time.process_time()
    records = check(history)
    with capsys.disabled():
        print(f"\n{len(history.ops):,} operations judged in {time.process_time() - started_s:.1f} s of processor time")  # noqa: T201 - a figure
    assert [record.name for record in records if record.verdict != "pass"] == ["no_false_full", "no_second_effect", "no_stale_read"]
    assert all(record.verdict == "pass" or record.is_vacuous for record in records), records
