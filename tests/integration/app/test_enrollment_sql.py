"""The statements of the enrollment service that no HTTP request reaches at will, against PostgreSQL."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from uuid import UUID, uuid4

import psycopg2.extensions
import pytest
from pydantic import SecretStr

from app.enrollment import repository
from app.enrollment.decisions import Decision, Reason, Status, failed
from app.enrollment.messages import Kind, Task
from app.enrollment.repository import NewRequest
from app.enrollment.worker import repository as worker_repository
from app.kit.database import Database

MANY = 100_000
NOW = timedelta()
LONG_AGO = timedelta(days=1000)
COURSE = 2**31 - 1
"""Nobody else's; its requests are decided by these tests before the worker could, for their tasks are leased."""


@pytest.fixture
def database(environment: dict[str, SecretStr]) -> Iterator[Database]:
    """The enrollment database of a deployment."""
    database = Database(environment["SPIRE_DATABASE_URL"], pool_size=1, application_name="test", background=True)
    yield database
    database.close()
    psycopg2.extensions.set_wait_callback(None)  # the probes' connections in this process don't know it


def _request(key: str | None = None, student_id: int | None = None) -> NewRequest:
    return NewRequest(uuid4(), student_id or uuid4().int % 2**31, COURSE, key, "of-a-test")


def _accept(database: Database, *requests: NewRequest) -> list[Task]:
    return repository.accept(database, requests, leased=True)


def _reject(database: Database, enrollment_id: UUID) -> dict[UUID, float]:
    decision = Decision(enrollment_id, Status.REJECTED, Reason.UNKNOWN_COURSE)
    return worker_repository.store(database, [decision], [enrollment_id])


def test_a_batch_stores_what_is_in_conflict_with_nothing(database: Database) -> None:
    """Conflicts within a batch are found like those with what is stored, and the tasks come in the order of arrival."""
    first, other = _request("k1", student_id=1), _request(student_id=2)
    same_student = NewRequest(uuid4(), first.student_id, COURSE, None, None)
    same_key = NewRequest(uuid4(), other.student_id + 1, COURSE, "k1", None)  # stored by student, so after the first
    tasks = _accept(database, other, first, same_student, same_key)
    assert [(task.enrollment_id, task.kind, task.request_id) for task in tasks] == [
        (other.id, Kind.DECIDE, "of-a-test"),
        (first.id, Kind.DECIDE, "of-a-test"),
    ]
    known = repository.known(database, [same_key.id], ["k1"])
    assert [(request.id, request.idempotency_key, request.accepted) for request in known] == [(first.id, "k1", True)]
    assert _accept(database, other, first) == []
    for request in (first, other):
        _reject(database, request.id)


def test_a_key_stays_with_the_refusal_that_it_came_with(database: Database) -> None:
    """A late delivery is not accepted either, although nothing is in its way any more; a lost first attempt finds both outcomes."""
    active, refused = _request("active"), _request("refused")
    refused = NewRequest(refused.id, active.student_id, COURSE, refused.idempotency_key, None)
    assert len(_accept(database, active, refused)) == 1
    _reject(database, active.id)
    late = NewRequest(uuid4(), active.student_id, COURSE, refused.idempotency_key, None)
    assert _accept(database, late) == []
    assert _accept(database, active, refused) == []
    known = repository.known(database, [active.id, refused.id], ["active", "refused"])
    assert {(request.id, request.idempotency_key, request.accepted) for request in known} == {
        (active.id, None, True),
        (active.id, "active", True),
        (refused.id, "refused", False),
    }


def test_a_task_that_is_leased_is_nobody_elses(database: Database) -> None:
    """A relay claims neither what is leased to another one nor what is sent."""
    request = _request()
    (task,) = _accept(database, request)

    def claimed() -> bool:
        return any(found.enrollment_id == request.id for found in repository.claim(database, MANY))

    assert not claimed()
    repository.mark_sent(database, [task.outbox_id])
    assert not claimed()
    _reject(database, request.id)


def test_an_outcome_is_stored_once(database: Database) -> None:
    """The second decision about a request has no effect, whatever it says."""
    request = _request()
    _accept(database, request)
    assert list(_reject(database, request.id)) == [request.id]
    again = worker_repository.store(database, [Decision(request.id, Status.ENROLLED)], [request.id])
    assert again == {}
    found = database.read(lambda session: repository.get(session, request.id))
    assert found is not None
    assert (found.status, found.reason) == ("rejected", "unknown_course")


def test_a_request_that_failed_gives_up_the_seat_that_it_may_hold(database: Database) -> None:
    """Its seat is due from then on, until the worker has seen to it."""
    request = _request()
    _accept(database, request)
    worker_repository.store(database, [failed(request.id)], [request.id])
    found = database.read(lambda session: repository.get(session, request.id))
    assert found is not None
    assert found.reason == "processing_failed"
    assert found.seat_release in {"due", "done"}


def test_what_has_had_its_use_is_forgotten(database: Database) -> None:
    """Only what is old enough goes; then a key is free for another request, and a decided request still takes no second outcome."""
    request = _request(f"key-{uuid4()}")
    _accept(database, request)
    _reject(database, request.id)
    assert repository.forget_keys(database, LONG_AGO, MANY) == 0
    assert repository.forget_handled(database, LONG_AGO, MANY) == 0
    assert request.idempotency_key is not None
    assert len(repository.known(database, [], [request.idempotency_key])) == 1

    assert repository.forget_keys(database, NOW, 1) == 1
    repository.forget_keys(database, NOW, MANY)
    assert repository.forget_handled(database, NOW, 1) == 1
    repository.forget_handled(database, NOW, MANY)
    assert repository.known(database, [], [request.idempotency_key]) == []
    assert worker_repository.store(database, [Decision(request.id, Status.ENROLLED)], [request.id]) == {}
