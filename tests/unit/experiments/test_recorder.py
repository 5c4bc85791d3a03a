"""What the recorder makes of answers and failures."""

from __future__ import annotations

import errno
from dataclasses import dataclass, field
from pathlib import Path
from time import monotonic

import gevent
import pytest

from experiments.definition import Operation
from experiments.invariants.history import History
from experiments.records.journal import Journal, read_journal
from experiments.records.schema import REQUEST_SCHEMA
from experiments.workloads.answers import answer_outcome, ending, failure_outcome, told
from experiments.workloads.arrival import Arrival
from experiments.workloads.recorder import Recorder


@dataclass
class Answer:
    """The parts of Locust's response that the recorder reads."""

    status_code: int
    content: bytes = b"{}"
    headers: dict[str, str] = field(default_factory=dict)


def _arrivals(*operations: Operation) -> list[Arrival]:
    return [Arrival(row, row / 10, "measure", operation, 1, 1, 0, 0) for row, operation in enumerate(operations)]


@pytest.mark.parametrize(
    ("operation", "status", "foreseen", "outcome"),
    [
        (Operation.READ_COURSE, 200, (), "ok"),
        (Operation.ENROLL, 202, (), "ok"),
        (Operation.ENROLL, 409, (), "ok"),
        (Operation.READ_ENROLLMENT, 404, (404,), "ok"),
        (Operation.READ_ENROLLMENT, 404, (), "http_error"),
        (Operation.READ_COURSE, 409, (), "http_error"),
        (Operation.READ_COURSE, 404, (), "http_error"),
        (Operation.READ_COURSE, 301, (), "http_error"),
        (Operation.ENROLL, 422, (), "http_error"),
        (Operation.ENROLL, 503, (), "http_error"),
        (Operation.DROP, 409, (), "ok"),
        (Operation.DROP, 404, (404,), "ok"),
        (Operation.UPDATE_CAPACITY, 409, (), "ok"),
        (Operation.UPDATE_STUDENT, 409, (), "http_error"),
        (Operation.REUSE_KEY, 422, (), "ok"),
        (Operation.REUSE_KEY, 409, (), "http_error"),
    ],
)
def test_answers_are_judged_by_the_contract(operation: Operation, status: int, foreseen: tuple[int, ...], outcome: str) -> None:
    """2xx is ok, and so is what the contract foresees for the request; all else is an error."""
    assert answer_outcome(operation, status, frozenset(foreseen)) == outcome


def test_failures_are_told_apart() -> None:
    """Waiting in vain is a timeout, also where the HTTP library wraps it; refused and reset are connection errors."""
    wrapped = RuntimeError("retries exceeded")
    wrapped.original = gevent.Timeout(10)  # type: ignore[attr-defined]
    assert failure_outcome(wrapped) == "timeout"
    assert failure_outcome(gevent.Timeout(10)) == "timeout"
    assert failure_outcome(TimeoutError()) == "timeout"
    assert failure_outcome(ConnectionRefusedError(errno.ECONNREFUSED, "refused")) == "connection_error"
    assert failure_outcome(ConnectionResetError()) == "connection_error"


@pytest.mark.parametrize("content", [b"", b"[]", b"{}", b"null", b"not json"])
def test_a_202_that_can_not_be_followed_up_is_of_unknown_outcome(content: bytes) -> None:
    """A body that breaks its contract is noticed, not a crash: the request may be stored."""
    facts = told(Operation.ENROLL, 202, content, is_known=True)
    assert facts == {}
    assert ending(Operation.ENROLL, 202, facts) == "unknown"


@pytest.mark.parametrize(
    ("operation", "status", "expected"),
    [
        (Operation.ENROLL, None, "unknown"),
        (Operation.ENROLL, 503, "unknown"),
        (Operation.ENROLL, 409, "fail"),
        (Operation.DROP, 504, "unknown"),
        (Operation.UPDATE_CAPACITY, 409, "fail"),
        (Operation.UPDATE_CAPACITY, 200, "ok"),
        (Operation.UPDATE_STUDENT, None, "unknown"),
        (Operation.REUSE_KEY, None, "unknown"),
        (Operation.REUSE_KEY, 422, "fail"),
        (Operation.READ_COURSE, None, "fail"),
        (Operation.READ_COURSE, 503, "fail"),
        (Operation.READ_SEATS, 200, "ok"),
    ],
)
def test_a_write_without_a_clear_answer_is_unknown_and_never_failed(operation: Operation, status: int | None, expected: str) -> None:
    """Only a refusal says that nothing happened; a read that got no answer has had no effect anyway."""
    assert ending(operation, status, {}) == expected


@pytest.mark.parametrize(
    ("operation", "body", "facts"),
    [
        (Operation.ENROLL, b'{"id": "e-1", "status": "pending"}', {"enrollment": "e-1"}),
        (Operation.REUSE_KEY, b'{"id": "e-1", "status": "pending"}', {"enrollment": "e-1"}),
        (
            Operation.READ_ENROLLMENT,
            b'{"status": "rejected", "reason": "course_full", "decision": {"taken": 2, "capacity": 2, "completed_courses": ["A"]}}',
            {"state": "rejected", "reason": "course_full", "decision": {"capacity": 2, "taken": 2}},
        ),
        (Operation.DROP, b'{"status": "dropped", "reason": null, "decision": null}', {"state": "dropped"}),
        (Operation.READ_COURSE, b'{"id": 1, "version": 3, "capacity": 9}', {"version": 3, "capacity": 9}),
        (Operation.UPDATE_CAPACITY, b'{"id": 1, "version": 4, "capacity": 7}', {"version": 4, "capacity": 7}),
        (Operation.READ_STUDENT, b'{"id": 1, "version": 2}', {"version": 2}),
        (Operation.READ_COURSE, b'{"id": 1}', {}),
        (Operation.LIST_COURSES, b'[{"id": 1, "version": 2}, {"id": 4, "version": 1}]', {"versions": [(1, 2), (4, 1)]}),
        (Operation.READ_SEATS, b'{"course_id": 1, "capacity": 5, "taken": 2, "free": 3}', {"capacity": 5, "taken": 2, "free": 3}),
    ],
)
def test_an_answer_tells_what_checkers_need(operation: Operation, body: bytes, facts: dict[str, object]) -> None:
    """And nothing that would make a history large."""
    assert told(operation, 200, body, is_known=True) == facts


def test_that_an_accepted_enrolment_is_not_found_is_an_answer() -> None:
    """It proves a loss; that one which nobody was told of is not found proves nothing."""
    facts = told(Operation.READ_ENROLLMENT, 404, b"{}", is_known=True)
    assert (facts, ending(Operation.READ_ENROLLMENT, 404, facts)) == ({"state": "missing"}, "ok")
    assert told(Operation.READ_ENROLLMENT, 404, b"{}", is_known=False) == {}


class Kept:
    """A recorder with the history that it writes."""

    def __init__(self, folder: Path, *operations: Operation) -> None:
        self.arrivals = _arrivals(*operations)
        self.file = folder / "load.jsonl"
        self.recorder = Recorder(self.arrivals, monotonic(), Journal(self.file))

    def ask(self, row: int, answer: Answer | BaseException, *, is_scheduled: bool = True, foreseen: frozenset[int] = frozenset()) -> None:
        """One request and what came of it."""
        operation = self.arrivals[row].operation
        request = self.recorder.made(row, operation, {"course": 1}, is_scheduled=is_scheduled, foreseen=foreseen)
        self.recorder.leaves(request)
        failed = isinstance(answer, BaseException)
        self.recorder.answered(
            context={"request": request},
            response=None if failed else answer,
            exception=answer if isinstance(answer, BaseException) else None,
        )

    @property
    def history(self) -> History:
        """What was appended."""
        return History(read_journal(self.file).events)


def test_an_answer_fills_the_row(tmp_path: Path) -> None:
    """Status, replica, cache and id of an answer stand in the request's own row, and times count from the epoch."""
    kept = Kept(tmp_path, Operation.READ_COURSE, Operation.ENROLL)
    kept.ask(0, Answer(200, headers={"x-replica": "courses-1", "x-cache": "hit"}))
    kept.ask(1, Answer(202, b'{"id": "e-1"}', {"x-replica": "enrollment-2"}))
    read, enrolled = kept.recorder.table().to_pylist()
    assert (read["status"], read["replica"], read["cache"], read["enrollment_id"]) == (200, "courses-1", "hit", None)
    assert (enrolled["status"], enrolled["replica"], enrolled["cache"], enrolled["enrollment_id"]) == (202, "enrollment-2", None, "e-1")
    assert (enrolled["intended_s"], enrolled["phase"], enrolled["operation"], enrolled["outcome"]) == (0.1, "measure", "enroll", "ok")
    assert 0 <= read["sent_s"] <= read["ended_s"] <= enrolled["sent_s"] <= enrolled["ended_s"]


def test_the_history_has_each_request_as_it_was_invoked_and_as_it_ended(tmp_path: Path) -> None:
    """With its process, what it was about, who answered from where, and what was told."""
    kept = Kept(tmp_path, Operation.READ_COURSE, Operation.ENROLL)
    kept.ask(0, Answer(200, b'{"version": 3}', {"x-replica": "courses-1", "x-cache": "hit"}))
    kept.ask(1, ConnectionResetError())
    read, enrolled = kept.history.ops
    assert (read.process, read.f, read.invoke.course) == (0, Operation.READ_COURSE, 1)
    assert read.end is not None
    assert (read.end.type, read.end.http, read.end.replica, read.end.cache, read.end.version) == ("ok", 200, "courses-1", "hit", 3)
    assert enrolled.end is not None
    assert (enrolled.end.type, enrolled.end.http, enrolled.end.error) == ("unknown", None, "connection_error")


def test_what_is_sent_again_is_in_the_history_and_not_among_the_scheduled_requests(tmp_path: Path) -> None:
    """The row stays what its client first met; the id that the second sending gave is known all the same."""
    kept = Kept(tmp_path, Operation.ENROLL)
    kept.ask(0, Answer(503))
    kept.ask(0, Answer(202, b'{"id": "e-1"}'), is_scheduled=False)
    (row,) = kept.recorder.table().to_pylist()
    assert (row["outcome"], row["status"], row["enrollment_id"]) == ("http_error", 503, None)
    assert kept.recorder.own_enrollment_id(0) == "e-1"
    assert [op.end.type for op in kept.history.ops if op.end is not None] == ["unknown", "ok"]
    assert list(kept.history.accepted) == ["e-1"]


def test_a_202_without_an_id_is_an_error(tmp_path: Path) -> None:
    """An acceptance that can't be followed up breaks the contract."""
    kept = Kept(tmp_path, Operation.ENROLL)
    kept.ask(0, Answer(202))
    assert kept.recorder.table()["outcome"].to_pylist() == ["http_error"]


def test_what_was_not_sent_is_left_out_and_what_was_not_answered_timed_out(tmp_path: Path) -> None:
    """A request in flight when the load ends may have taken effect; one that never left did not."""
    kept = Kept(tmp_path, Operation.ENROLL, Operation.ENROLL)
    kept.recorder.leaves(kept.recorder.made(1, Operation.ENROLL, {}))
    (row,) = kept.recorder.table().to_pylist()
    assert (row["intended_s"], row["outcome"], row["status"]) == (0.1, "timeout", None)
    assert row["ended_s"] >= row["sent_s"]
    (op,) = kept.history.ops
    assert op.end is None
    assert op.is_possible


def test_a_request_that_was_made_and_never_left_was_not_sent(tmp_path: Path) -> None:
    """The load ended between the two."""
    kept = Kept(tmp_path, Operation.READ_COURSE)
    kept.recorder.made(0, Operation.READ_COURSE, {"course": 1})
    assert kept.recorder.table().num_rows == 0


def test_nothing_sent_is_an_empty_table(tmp_path: Path) -> None:
    """The table has its columns without a row."""
    table = Kept(tmp_path).recorder.table()
    assert table.num_rows == 0
    assert table.schema.equals(REQUEST_SCHEMA)


def test_the_id_of_a_request_that_was_not_accepted_is_the_latest_one(tmp_path: Path) -> None:
    """Who asks for an outcome that there is none of looks at the latest request that was accepted; who drops, only at their own."""
    kept = Kept(tmp_path, Operation.ENROLL, Operation.ENROLL)
    assert kept.recorder.enrollment_id(0) is None
    kept.ask(1, Answer(202, b'{"id": "e-1"}'))
    assert kept.recorder.enrollment_id(0) == kept.recorder.enrollment_id(1) == kept.recorder.own_enrollment_id(1) == "e-1"
    assert kept.recorder.own_enrollment_id(0) is None
