"""Each rule: histories that break it are found with the few events that prove it, right ones pass, and empty ones prove nothing."""

from __future__ import annotations

from typing import Any

import pytest

from experiments.definition import Operation
from experiments.invariants.checkers import RULES, check, failures
from experiments.invariants.history import History
from experiments.invariants.rule import MOST_EVENTS, Finding, Rule
from experiments.records.history import Event, Mark, ReservationRow
from experiments.records.schema import InvariantRecord
from tests.unit.experiments.invariants.scripts import COURSE, Script, seen, told

NAMES = [rule.name for rule in RULES]


def right() -> Script:
    """Everything that the rules are about, done right: two seats, three students, a drop, a second sending, a change of the course."""
    script = Script()
    script.before()
    script.enroll("a", 1, 1, 2)
    script.read("a", 3, 4, "enrolled", decision=seen(prerequisites=None, completed_courses=None))
    process = script.enroll("b", 2, 5, 15, "unknown")
    script.enroll("b", 2, 16, 17, process=process)
    script.enroll("c", 3, 18, 19)
    script.read("c", 20, 21, "rejected", "course_full")
    script.drop("a", 22, 23)
    writer = script.update(3, 24, 25, version=2)
    script.op(Operation.READ_COURSE, 26, 27, process=writer, course=COURSE, version=2)
    script.op(Operation.READ_COURSE, 30, 31, course=COURSE, version=2, cache="hit")
    script.op(Operation.READ_SEATS, 32, 33, course=COURSE, capacity=3, taken=1, free=2)
    for source in ("api", "enrollment-db"):
        script.row("a", 1, "dropped", source=source, decision=seen())
        script.row("b", 2, "enrolled", source=source, decision=seen(taken=1))
        script.row("c", 3, "rejected", "course_full", source=source, decision=seen(taken=2))
    for name, outcome in (("a", "released"), ("b", "accepted"), ("c", "course_full")):
        script.reservation(name, outcome)
    script.course(source="api", capacity=3, taken=1, free=2, enrolled=1)
    script.course(source="courses-db", capacity=3, taken=1, reserved=1, version=2, prerequisites=())
    script.course(source="enrollment-db", enrolled=1)
    script.finish()
    return script


def test_a_right_history_passes_every_rule() -> None:
    """Each has a verdict, in the order of the contract, and something that it was checked on."""
    records = check(right().history)
    assert [(record.name, record.verdict) for record in records] == [(name, "pass") for name in NAMES], records
    assert all(sum(record.evidence.values()) > 0 for record in records)
    assert failures(records) == ()


@pytest.mark.parametrize("rule", NAMES)
def test_where_there_is_nothing_to_check_nothing_is_known(rule: str) -> None:
    """An empty trial that was read to its end is unknown, with the reason, and never a pass."""
    script = Script()
    script.course(source="api", capacity=2, taken=0, free=2, enrolled=0)
    script.finish()
    record = script.judge(rule)
    assert record.verdict == "unknown"
    assert record.is_vacuous
    assert record.detail


@pytest.mark.parametrize("rule", ["no_loss", "no_ghosts", "no_over_enrolment"])
def test_without_a_final_read_nothing_is_known(rule: str) -> None:
    """An unread state is unknown, never a pass."""
    script = Script()
    script.enroll("a", 1, 1, 2)
    assert script.judge(rule).detail == "the business state could not be read after the load"
    assert script.judge(rule).verdict == "unknown"


def test_a_checker_that_crashes_is_unknown() -> None:
    """Its own fault is no failure of the system, and hides no other verdict."""

    def broken(_: History) -> Finding:
        raise ZeroDivisionError

    records = check(right().history, [Rule("broken", broken, "nothing"), RULES[0]])
    assert [(record.name, record.verdict) for record in records] == [("broken", "unknown"), ("no_loss", "pass")]


def failed(script: Script, rule: str, *, says: str, witness: list[str]) -> InvariantRecord:
    """The rule fails, for that reason, with that witness, and no other rule finds fault with what is right in it."""
    record = script.judge(rule)
    assert record.verdict == "fail", record
    assert says in record.detail
    assert told(record) == witness
    return record


def test_an_accepted_request_that_the_database_forgot_is_a_loss() -> None:
    """The acceptance and the look that should have found it prove it."""
    script = right()
    script.enroll("lost", 9, 34, 35)
    failed(
        script,
        "no_loss",
        says="request lost was accepted, and is not in the database",
        witness=[
            "34 process 9: enroll: student 9, course 5, key k-lost",
            "35 process 9: ok, enrollment lost",
            "100 final read, enrollment-db: 0 pending, 0 in the outbox, 0 in the inbox",
        ],
    )


@pytest.mark.parametrize(("bound_s", "verdict"), [(None, "unknown"), (28.5, "unknown"), (27.5, "fail")])
def test_a_request_that_is_undecided_longer_than_it_may_be_is_a_loss(bound_s: float | None, verdict: str) -> None:
    """Though something is still under way that could decide it; waited is from the end of the load and of all faults to the last look."""
    script = Script(decision_bound_s=bound_s)
    script.enroll("a", 1, 1, 2)
    script.events += [Mark(at_s=60, name="load_over"), Mark(at_s=70, name="healed")]
    script.row("a", 1, "pending")
    script.finish(quiet=False, pending=1, outbox=1)
    record = script.judge("no_loss")
    assert record.verdict == verdict
    if verdict == "fail":
        assert record.detail == "request a has no outcome 28.0 s after the load was over and all was healed"
        assert told(record) == [
            "1 process 0: enroll: student 1, course 5, key k-a",
            "2 process 0: ok, enrollment a",
            "98 the lab: not quiet",
            "100 final read, enrollment-db: enrolment a is pending, student 1, course 5, key k-a",
        ]


def test_a_request_that_is_not_found_while_the_load_runs_is_a_loss() -> None:
    """It need not wait for the end; a look that began before the acceptance proves nothing."""
    script = right()
    script.op(Operation.READ_ENROLLMENT, 1.5, 1.9, enrollment="a", state="missing")
    assert script.judge("no_loss").verdict == "pass"
    script.op(Operation.READ_ENROLLMENT, 3.5, 3.9, enrollment="a", state="missing")
    record = script.judge("no_loss")
    assert (record.verdict, record.detail) == ("fail", "request a was accepted, and the system doesn't know it")
    assert len(record.witness) == 4


def test_a_request_that_nothing_will_decide_is_a_loss() -> None:
    """It is pending, all is quiet, and no task is left for it."""
    script = right()
    script.enroll("stuck", 9, 34, 35)
    script.row("stuck", 9, "pending")
    assert "request stuck has no outcome, and nothing is under way" in script.judge("no_loss").detail


@pytest.mark.parametrize(("outbox", "verdict"), [(1, "unknown"), (0, "fail")])
def test_a_request_that_is_still_pending_when_time_is_up_is_undecided_as_long_as_its_task_is_there(outbox: int, verdict: str) -> None:
    """It may yet get its outcome; without a task it never will."""
    script = Script()
    script.enroll("a", 1, 1, 2)
    script.row("a", 1, "pending")
    script.finish(quiet=False, pending=1, outbox=outbox)
    assert script.judge("no_loss").verdict == verdict


def test_two_requests_with_one_id_are_a_loss() -> None:
    """One of them can't have an outcome of its own; two sendings of one request may well have the same id."""
    script = right()
    script.enroll("x", 8, 34, 35, enrollment="b")
    assert script.judge("no_loss").detail == "two requests were given the same id b"


def test_an_enrolment_that_nobody_asked_for_is_a_ghost() -> None:
    """Its key was never sent."""
    script = right()
    script.row("ghost", 9, "enrolled")
    failed(
        script,
        "no_ghosts",
        says="nobody sent the request of enrolment ghost",
        witness=["100 final read, enrollment-db: enrolment ghost is enrolled, student 9, course 5, key k-ghost"],
    )


def test_a_request_whose_answer_was_lost_is_no_ghost() -> None:
    """It may have taken effect, in this trial or in a later one."""
    script = right()
    script.enroll("late", 9, 34, 44, "unknown")
    script.enroll("later", 10, 50, None)
    script.owed("latest", 11)
    for student, name in enumerate(("late", "later", "latest"), 9):
        script.row(name, student, "rejected", "course_full")
    assert script.judge("no_ghosts").verdict == "pass"


def test_a_request_that_was_refused_has_no_effect() -> None:
    """Only a refusal says that, and then it must be true."""
    script = right()
    script.enroll("refused", 9, 34, 35, "fail", http=409)
    script.row("refused", 9, "enrolled")
    assert "the request of enrolment refused was refused, and took effect" in script.judge("no_ghosts").detail


def test_without_keys_a_student_has_as_many_enrolments_as_requests() -> None:
    """What the API tells is enough to find a ghost."""
    script = Script()
    script.enroll("a", 1, 1, 2)
    script.row("a", 1, "enrolled", source="api")
    script.finish()
    assert script.judge("no_ghosts").verdict == "pass"
    script.row("twin", 1, "rejected", "course_full", source="api")
    assert script.judge("no_ghosts").detail == "student 1 has 2 enrolments in course 5, for which 1 requests were sent"


def test_an_enrolment_of_another_student_than_asked_is_a_ghost() -> None:
    """Whether the client was told its id or not."""
    script = right()
    script.enroll("mine", 9, 34, 35)
    script.row("mine", 10, "enrolled")
    assert "another student or course" in script.judge("no_ghosts").detail
    script = right()
    script.enroll("mine", 9, 34, 35, "unknown")
    script.row("mine", 10, "enrolled")
    assert "another student or course" in script.judge("no_ghosts").detail


def test_a_drop_that_nobody_asked_for_is_a_ghost() -> None:
    """An outcome, too, belongs to a request; one of unknown fate suffices."""
    script = right()
    script.enroll("d", 9, 34, 35)
    script.row("d", 9, "dropped")
    assert script.judge("no_ghosts").detail == "enrolment d was dropped, and nobody asked for that"
    script.drop("d", 36, 46, "unknown")
    assert script.judge("no_ghosts").verdict == "pass"


@pytest.mark.parametrize(
    ("first", "then"),
    [
        (("enrolled", None), ("rejected", "course_full")),
        (("enrolled", None), ("pending", None)),
        (("rejected", "course_full"), ("rejected", "missing_prerequisites")),
        (("rejected", "course_full"), ("dropped", None)),
        (("dropped", None), ("enrolled", None)),
    ],
)
def test_an_outcome_that_changes_is_found(first: tuple[str, str | None], then: tuple[str, str | None]) -> None:
    """The two looks are the witness; looks that overlap prove nothing of an order."""
    script = Script()
    script.enroll("a", 1, 1, 2)
    script.read("a", 3, 4, *first)
    script.read("a", 3.5, 5, *then)
    assert (script.judge("one_outcome").verdict == "fail") == ({first[0], then[0]} == {"enrolled", "rejected"})
    script.read("a", 6, 7, *then)
    record = script.judge("one_outcome")
    assert record.verdict == "fail"
    assert len(record.witness) == 4


def test_a_decision_that_saw_something_else_the_second_time_is_found() -> None:
    """What was decided is decided."""
    script = Script()
    script.enroll("a", 1, 1, 2)
    script.read("a", 3, 4, "enrolled", decision=seen(taken=0))
    script.read("a", 5, 6, "enrolled", decision=seen(taken=1))
    assert script.judge("one_outcome").verdict == "fail"


def test_an_outcome_that_only_goes_forward_is_right() -> None:
    """Pending, enrolled, dropped."""
    script = Script()
    script.enroll("a", 1, 1, 2)
    for at_s, state in enumerate(("pending", "pending", "enrolled", "enrolled", "dropped", "dropped")):
        script.read("a", 10 + 2 * at_s, 11 + 2 * at_s, state)
    record = script.judge("one_outcome")
    assert (record.verdict, record.evidence) == ("pass", {"outcomes that were seen again": 3})


def _final_course(**fields: Any) -> Script:
    script = right()
    script.events = [event for event in script.events if getattr(event, "type", "") != "course" or getattr(event, "moment", "") != "final"]
    usual: dict[str, dict[str, Any]] = {
        "api": {"capacity": 3, "taken": 1, "free": 2, "enrolled": 1},
        "courses_db": {"capacity": 3, "taken": 1, "reserved": 1},
        "enrollment_db": {"enrolled": 1},
    }
    for source, values in usual.items():
        script.course(source=source.replace("_", "-"), **(values | fields.get(source, {})))
    return script


@pytest.mark.parametrize(
    ("fields", "says"),
    [
        ({"enrollment_db": {"enrolled": 4}}, "course 5 has 4 students enrolled in 3 seats"),
        ({"api": {"free": 1}}, "course 5 has 3 seats, 1 taken and 1 free"),
        ({"courses_db": {"reserved": 2}}, "course 5 has 1 seats taken by 2 reservations"),
        ({"courses_db": {"taken": 2, "reserved": 2}}, "course 5 has 2 seats taken by 1 students enrolled"),
        ({"enrollment_db": {"enrolled": 2}}, "course 5 has 1 seats taken by 2 students enrolled"),
    ],
)
def test_in_the_end_seats_students_and_reservations_agree(fields: dict[str, Any], says: str) -> None:
    """Each service counts for itself; the rows that disagree are the witness."""
    assert _final_course().judge("no_over_enrolment").verdict == "pass"
    record = _final_course(**fields).judge("no_over_enrolment")
    assert record.verdict == "fail"
    assert says in record.detail
    assert 1 <= len(record.witness) <= 2


@pytest.mark.parametrize(
    ("name", "outcome", "says"),
    [
        ("b", "released", "b is enrolled and holds no seat"),
        ("a", "accepted", "a holds a seat and is dropped"),
        ("stranger", "accepted", "stranger holds a seat and is unknown"),
    ],
)
def test_a_seat_is_held_by_those_who_are_enrolled_and_nobody_else(name: str, outcome: str, says: str) -> None:
    """Also where the numbers agree; the enrolment and its reservation are the witness."""
    script = right()
    script.events = [event for event in script.events if not (isinstance(event, ReservationRow) and event.enrollment == name)]
    script.reservation(name, outcome)
    record = script.judge("no_over_enrolment")
    assert (record.verdict, record.detail) == ("fail", says)
    assert 1 <= len(record.witness) <= 2


def test_before_all_is_quiet_seats_and_students_may_differ() -> None:
    """A seat is taken before its outcome is stored."""
    script = Script()
    script.enroll("a", 1, 1, 2)
    script.course(source="api", capacity=2, taken=1, free=1, enrolled=0)
    script.finish(quiet=False, pending=1, outbox=1)
    assert script.judge("no_over_enrolment").verdict == "unknown"


@pytest.mark.parametrize("fields", [{"taken": 3, "free": -1}, {"taken": 1, "free": 0}, {"taken": -1, "free": 3}])
def test_seats_that_do_not_add_up_are_found_whenever_they_are_seen(fields: dict[str, Any]) -> None:
    """One look is the witness."""
    script = right()
    script.op(Operation.READ_SEATS, 40, 41, course=COURSE, capacity=2, **fields)
    record = script.judge("no_over_enrolment")
    assert record.verdict == "fail"
    assert len(record.witness) == 2


def test_a_student_who_is_enrolled_in_a_full_course_is_found_by_what_the_decision_saw() -> None:
    """No seat was free."""
    script = right()
    script.enroll("x", 9, 34, 35)
    script.read("x", 36, 37, "enrolled", decision=seen(taken=2))
    assert script.judge("no_over_enrolment").detail == "x was enrolled when 2 of 2 seats were taken"


def test_two_who_got_the_same_seat_are_found_by_what_the_decisions_saw() -> None:
    """A worker that reads, checks and writes lets two decisions see the same count; a drop lets one more see it again."""
    script = Script()
    for student in (1, 2):
        script.enroll(f"s{student}", student, 1, 2)
        script.read(f"s{student}", 5, 6, "enrolled", decision=seen(taken=0))
    script.finish()
    record = script.judge("no_over_enrolment")
    assert record.detail == "2 students got a seat of course 5 when 0 were taken, and at most 0 were given back"
    assert len(record.witness) == 4
    script.drop("s1", 7, None)
    assert script.judge("no_over_enrolment").verdict == "pass"


def test_more_students_than_seats_at_some_moment_are_found_though_they_are_gone_in_the_end() -> None:
    """Three were certainly enrolled at second 6 in a course of two seats; after a drop that began before, only two were."""
    for dropped_s, verdict in ((7, "fail"), (5, "pass")):
        script = Script()
        script.before(capacity=2)
        for student in (1, 2, 3):
            script.enroll(f"s{student}", student, 1, 2)
            script.read(f"s{student}", 3 + student, 3.5 + student, "enrolled")
            script.row(f"s{student}", student, "dropped" if student == 1 else "enrolled", source="api")
        script.drop("s1", dropped_s, dropped_s + 1)
        script.course(source="api", capacity=2, taken=2, free=0, enrolled=2)
        script.finish()
        record = script.judge("no_over_enrolment")
        assert record.verdict == verdict
        if verdict == "fail":
            assert record.detail == "3 students were enrolled at once in course 5, which had at most 2 seats"
            assert [line for line in told(record) if "enrolled" in line and "state" in line]


def test_a_capacity_that_was_lowered_counts_from_when_it_was_acknowledged() -> None:
    """Two students, one seat; as long as the change may not be in force it proves nothing."""
    for ending, verdict in (("ok", "fail"), ("unknown", "pass"), ("fail", "pass")):
        script = Script()
        script.before(capacity=2)
        for student in (1, 2):
            script.enroll(f"s{student}", student, 1, 2)
            script.read(f"s{student}", 3, 4, "enrolled")
        script.update(1, 5, 6, ending, version=2)
        script.course(source="api", capacity=2, taken=2, free=0, enrolled=2)
        script.finish()
        assert script.judge("no_over_enrolment").verdict == verdict


def test_seats_that_are_said_to_be_free_while_students_sit_in_them_are_found() -> None:
    """Otherwise the next one would get them again."""
    script = Script()
    script.before()
    script.enroll("a", 1, 1, 2)
    script.read("a", 3, 4, "enrolled")
    script.op(Operation.READ_SEATS, 5, 6, course=COURSE, capacity=2, taken=0, free=2)
    record = script.judge("no_over_enrolment")
    assert record.detail == "0 seats of course 5 were said to be taken while 1 students were enrolled"


def test_a_rejection_that_contradicts_what_it_saw_is_wrong() -> None:
    """A seat was free, and it says so itself."""
    script = Script()
    script.enroll("a", 1, 1, 2)
    script.read("a", 3, 4, "rejected", "course_full", decision=seen(taken=1, prerequisites=None, completed_courses=None))
    failed(
        script,
        "no_false_full",
        says="a was rejected for capacity when 1 of 2 seats were taken",
        witness=[
            "1 process 0: enroll: student 1, course 5, key k-a",
            "2 process 0: ok, enrollment a",
            "3 process 1: read enrollment: enrollment a",
            "4 process 1: ok, state rejected, reason course_full, decided on course version 1, student version 1, capacity 2, taken 1",
        ],
    )


def test_a_course_that_can_not_have_been_full_is_found() -> None:
    """Two seats, one other request before the rejection was seen; a request of unknown fate or one more would explain it."""
    for others, verdict in ((1, "fail"), (2, "pass")):
        script = Script()
        script.before(capacity=2)
        for student in range(others):
            script.enroll(f"s{student}", student, 1, None if student else 2)
        script.enroll("x", 9, 3, 4)
        script.read("x", 5, 6, "rejected", "course_full", decision=seen(taken=2))
        record = script.judge("no_false_full")
        assert record.verdict == verdict
        if verdict == "fail":
            assert record.detail == "x was rejected for capacity when at most 1 of 2 seats of course 5 were taken"
            assert len(record.witness) == 8


@pytest.mark.parametrize(("dropped", "verdict"), [((3, 4, "ok"), "fail"), ((3, 6, "ok"), "pass"), ((3, 4, "unknown"), "pass")])
def test_a_seat_that_was_dropped_is_free_for_who_asks_after_the_acknowledgement(dropped: tuple[float, float, str], verdict: str) -> None:
    """Not before it, and not where nobody knows whether it was dropped."""
    script = Script()
    script.before(capacity=1)
    script.enroll("a", 1, 1, 2)
    script.read("a", 2.2, 2.5, "enrolled")
    script.drop("a", *dropped)
    script.enroll("x", 9, 5, 7)
    script.read("x", 8, 9, "rejected", "course_full")
    assert script.judge("no_false_full").verdict == verdict


@pytest.mark.parametrize(
    ("updated", "verdict"), [((1, 2, "ok"), "fail"), ((1, 6, "ok"), "pass"), ((1, 2, "fail"), "pass"), ((1, 2, "unknown"), "pass")]
)
def test_seats_that_were_added_are_there_for_who_asks_after_the_acknowledgement(updated: tuple[float, float, str], verdict: str) -> None:
    """A change that may not be in force yet, was refused, or is of unknown fate excuses a rejection."""
    script = Script()
    script.before(capacity=0)
    script.update(1, *updated)
    script.enroll("x", 9, 5, 7)
    script.read("x", 8, 9, "rejected", "course_full")
    assert script.judge("no_false_full").verdict == verdict


def test_a_refused_change_may_have_been_in_force_until_it_was_refused() -> None:
    """Its first delivery may have had an effect that another change undid before the second delivery was refused."""
    for asked_s, verdict in ((5, "pass"), (9, "fail")):
        script = Script()
        script.before(capacity=2)
        script.update(0, 4, 8, "fail", http=409)
        script.enroll("x", 9, asked_s, asked_s + 1)
        script.read("x", asked_s + 2, asked_s + 3, "rejected", "course_full")
        assert script.judge("no_false_full").verdict == verdict


def test_without_the_course_s_state_before_the_load_nobody_can_call_it_full_falsely() -> None:
    """Students of earlier trials may have had its seats."""
    script = Script()
    script.enroll("x", 9, 3, 4)
    script.read("x", 5, 6, "rejected", "course_full", decision=seen(taken=2))
    assert script.judge("no_false_full").verdict == "pass"


@pytest.mark.parametrize(
    ("state", "reason", "saw", "says"),
    [
        ("enrolled", None, {"prerequisites": ("A", "B"), "completed_courses": ("A",)}, "a was enrolled without B"),
        ("rejected", "missing_prerequisites", {"prerequisites": ("A",), "completed_courses": ("A",)}, "none was missing"),
        (
            "rejected",
            "missing_prerequisites",
            {"prerequisites": ("A", "B"), "completed_courses": ("A",), "missing": ("A",)},
            "a lacked B, and A was given as the reason",
        ),
        ("enrolled", None, None, "the decision on a recorded nothing of what it saw"),
        ("enrolled", None, {"completed_courses": None}, "does not tell what was needed and what was completed"),
    ],
)
def test_a_decision_follows_from_what_it_saw(state: str, reason: str | None, saw: dict[str, Any] | None, says: str) -> None:
    """The one look that shows it is the witness."""
    script = Script()
    script.enroll("a", 1, 1, 2)
    script.row("a", 1, state, reason, source="api", decision=None if saw is None else seen(**saw))
    script.finish()
    record = script.judge("prerequisites_held")
    assert record.verdict == "fail"
    assert says in record.detail
    assert len(record.witness) == 1


def test_a_decision_sees_what_was_written_before_its_request_was_sent() -> None:
    """Seat decisions never read the cache; who asks while the write is under way may be decided on either version."""
    for written_s, verdict in ((2, "fail"), (4, "pass")):
        script = Script()
        script.update(3, 1, written_s, version=2)
        script.enroll("a", 1, 3, 5)
        script.row("a", 1, "enrolled", source="api", decision=seen(course_version=1))
        record = script.judge("prerequisites_held")
        assert record.verdict == verdict
        if verdict == "fail":
            assert record.detail == "a was decided on version 1 of course 5 after version 2 was written"
            assert len(record.witness) == 5


def test_a_version_has_one_content() -> None:
    """Two decisions that saw the same version of a student with other courses can't both be right."""
    script = Script()
    script.enroll("a", 1, 1, 2)
    script.row("a", 1, "enrolled", source="api", decision=seen(completed_courses=("A",)))
    script.student(1, ("B",))
    record = script.judge("prerequisites_held")
    assert record.detail == "version 1 of student 1 was seen with different contents"
    assert len(record.witness) == 2


def test_a_key_gives_one_request() -> None:
    """Two ids for two sendings of one request are two requests."""
    script = Script()
    process = script.enroll("a", 1, 1, 2, "unknown")
    script.enroll("a", 1, 3, 4, process=process)
    script.enroll("a", 1, 5, 6, process=process, enrollment="b")
    failed(
        script,
        "no_second_effect",
        says="the key k-a gave 2 requests",
        witness=[
            "3 process 0: enroll: student 1, course 5, key k-a",
            "4 process 0: ok, enrollment a",
            "5 process 0: enroll: student 1, course 5, key k-a",
            "6 process 0: ok, enrollment b",
        ],
    )


def test_a_key_is_taken_with_one_body_alone() -> None:
    """With another it is refused."""
    for ending, verdict in (("ok", "fail"), ("fail", "pass")):
        script = Script()
        process = script.enroll("a", 1, 1, 2)
        script.enroll("a", 1, 3, 4, ending, process=process, digest="another")
        assert script.judge("no_second_effect").verdict == verdict


@pytest.mark.parametrize(
    ("ending", "answer", "verdict"),
    [("ok", {"http": 202, "enrollment": "a"}, "fail"), ("fail", {"http": 422}, "pass"), ("unknown", {"http": 503}, "pass")],
)
def test_a_key_that_is_used_for_another_request_must_be_refused(ending: str, answer: dict[str, Any], verdict: str) -> None:
    """Whatever id the answer gives; without an answer nothing is known."""
    script = Script()
    process = script.enroll("a", 1, 1, 2)
    script.op(Operation.REUSE_KEY, 3, 4, ending, process=process, student=1, course=COURSE + 1, key="k-a", **answer)
    record = script.judge("no_second_effect")
    assert record.verdict == verdict
    assert record.evidence["keys that were used for another request"] == 1
    if verdict == "fail":
        assert record.detail == "the key k-a was accepted with another body"
        assert [event.at_s for event in record.witness] == [1, 2, 3, 4]


@pytest.mark.parametrize(
    ("answer", "began_s", "verdict"),
    [(409, 3, "fail"), (422, 3, "fail"), (409, 1.5, "pass"), (429, 3, "pass")],
)
def test_a_request_that_was_accepted_is_not_refused_when_it_is_sent_again(answer: int, began_s: float, verdict: str) -> None:
    """Only if it was sent again after the acceptance, and refused for what it asks."""
    script = Script()
    process = script.enroll("a", 1, 1, 2)
    script.enroll("a", 1, began_s, 4, "fail", process=process if began_s > 2 else None, http=answer)
    record = script.judge("no_second_effect")
    assert record.verdict == verdict
    if verdict == "fail":
        assert record.detail == "the request with the key k-a was accepted, and refused when it was sent again"


def test_a_request_that_made_two_enrolments_is_found() -> None:
    """By its key, or by the student who is in the course twice."""
    script = right()
    script.row("b-again", 2, "rejected", "course_full", key="k-b")
    assert script.judge("no_second_effect").detail == "the request with the key k-b made 2 enrolments"
    script = right()
    script.row("other", 2, "enrolled")
    assert script.judge("no_second_effect").detail == "student 2 is in course 5 2 times"


@pytest.mark.parametrize(
    ("began_s", "version", "verdict"),
    [(4.5, 1, "fail"), (4.5, 2, "pass"), (3.5, 1, "unknown")],
)
def test_an_answer_is_not_older_than_the_bound_allows(began_s: float, version: int, verdict: str) -> None:
    """Acknowledged at 2 s with a bound of 2 s: who begins to read at 4.5 s sees it, who begins at 3.5 s need not."""
    for f, told_version in ((Operation.READ_COURSE, {"version": version}), (Operation.LIST_COURSES, {"versions": [(COURSE, version)]})):
        script = Script(bound_s=2)
        script.update(3, 1, 2, version=2)
        script.op(f, began_s, 5, course=COURSE, cache="hit", **told_version)
        record = script.judge("no_stale_read")
        assert record.verdict == verdict
        assert len(record.witness) == (4 if verdict == "fail" else 0)


def test_a_writer_reads_its_own_write_at_once() -> None:
    """Whatever the bound; another reader may have to wait."""
    for process, verdict in ((None, "unknown"), (0, "fail")):
        script = Script(bound_s=60)
        script.op(Operation.UPDATE_STUDENT, 1, 2, student=7, version=4)
        script.op(Operation.READ_STUDENT, 3, 4, process=process, student=7, version=3)
        assert script.judge("no_stale_read").verdict == verdict


def test_a_long_witness_is_cut() -> None:
    """A timeline that nobody reads to its end proves no more; it says how much is left out."""
    script = Script()
    script.before(capacity=40)
    for student in range(30):
        script.enroll(f"s{student}", student, 1, 2)
    script.enroll("x", 99, 3, 4)
    script.read("x", 5, 6, "rejected", "course_full")
    record = script.judge("no_false_full")
    assert len(record.witness) == MOST_EVENTS
    assert record.witness[-1].what == "and 55 more like these"


def test_of_many_violations_the_one_with_the_fewest_events_is_shown() -> None:
    """With the number of all."""
    script = right()
    script.enroll("lost", 9, 34, 35)
    script.op(Operation.READ_ENROLLMENT, 36, 37, enrollment="lost", state="missing")
    script.enroll("gone", 10, 34, 35)
    record = script.judge("no_loss")
    assert record.detail == "2 violations, such as: request gone was accepted, and is not in the database"
    assert len(record.witness) == 3


def test_events_at_the_end_of_a_process_pair_with_the_last_invocation() -> None:
    """A process that invokes again without an end never heard of the first."""
    script = Script()
    process = script.enroll("a", 1, 1, None)
    script.enroll("a", 1, 2, 3, process=process)
    first, second = script.history.ops
    assert (first.end, first.is_possible) == (None, True)
    assert second.is_ok


def test_a_mark_is_a_witness_s_line_too() -> None:
    """Whatever proves something can be shown."""
    events: list[Event] = [Mark(at_s=1, name="not_quiet")]
    assert History(tuple(events)).is_quiet is False
