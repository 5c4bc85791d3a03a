"""What the recorder makes of answers and failures."""

from __future__ import annotations

import errno
from dataclasses import dataclass, field
from time import monotonic

import gevent
import pytest

from experiments.definition import Operation
from experiments.records.schema import REQUEST_SCHEMA
from experiments.workloads.arrival import Arrival
from experiments.workloads.recorder import Recorder, accepted_id, answer_outcome, failure_outcome


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
def test_a_body_without_an_id_has_none(content: bytes) -> None:
    """A 202 that breaks its contract is noticed, not a crash."""
    assert accepted_id(content) is None


def test_an_answer_fills_the_row() -> None:
    """Status, replica, cache and id of an answer stand in the request's own row, and times count from the epoch."""
    recorder = Recorder(_arrivals(Operation.READ_COURSE, Operation.ENROLL), monotonic())
    for row, answer in enumerate(
        [Answer(200, headers={"x-replica": "courses-1", "x-cache": "hit"}), Answer(202, b'{"id": "e-1"}', {"x-replica": "enrollment-2"})]
    ):
        recorder.sent(row)
        recorder.answered(context={"row": row, "foreseen": frozenset()}, response=answer, exception=None)
    read, enrolled = recorder.table().to_pylist()
    assert (read["status"], read["replica"], read["cache"], read["enrollment_id"]) == (200, "courses-1", "hit", None)
    assert (enrolled["status"], enrolled["replica"], enrolled["cache"], enrolled["enrollment_id"]) == (202, "enrollment-2", None, "e-1")
    assert (enrolled["intended_s"], enrolled["phase"], enrolled["operation"], enrolled["outcome"]) == (0.1, "measure", "enroll", "ok")
    assert 0 <= read["sent_s"] <= read["ended_s"] <= enrolled["sent_s"] <= enrolled["ended_s"]


def test_a_202_without_an_id_is_an_error() -> None:
    """An acceptance that can't be followed up breaks the contract."""
    recorder = Recorder(_arrivals(Operation.ENROLL), monotonic())
    recorder.sent(0)
    recorder.answered(context={"row": 0, "foreseen": frozenset()}, response=Answer(202), exception=None)
    assert recorder.table()["outcome"].to_pylist() == ["http_error"]


def test_what_was_not_sent_is_left_out_and_what_was_not_answered_timed_out() -> None:
    """A request in flight when the load ends may have taken effect; one that never left did not."""
    recorder = Recorder(_arrivals(Operation.ENROLL, Operation.ENROLL), monotonic())
    recorder.sent(1)
    (row,) = recorder.table().to_pylist()
    assert (row["intended_s"], row["outcome"], row["status"]) == (0.1, "timeout", None)
    assert row["ended_s"] >= row["sent_s"]


def test_nothing_sent_is_an_empty_table() -> None:
    """The table has its columns without a row."""
    table = Recorder([], monotonic()).table()
    assert table.num_rows == 0
    assert table.schema.equals(REQUEST_SCHEMA)


def test_the_id_of_a_request_that_was_not_accepted_is_the_latest_one() -> None:
    """Who asks for an outcome that there is none of looks at the latest request that was accepted, if any."""
    recorder = Recorder(_arrivals(Operation.ENROLL, Operation.ENROLL), monotonic())
    assert recorder.enrollment_id(0) is None
    recorder.answered(context={"row": 1, "foreseen": frozenset()}, response=Answer(202, b'{"id": "e-1"}'), exception=None)
    assert recorder.enrollment_id(0) == recorder.enrollment_id(1) == "e-1"
