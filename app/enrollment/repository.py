"""The SQL of the enrollment service: of requests, and of the outbox that the relay empties.

What is done for many requests at once is one statement that may be repeated without a second effect.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any
from uuid import UUID

from pydantic_core import to_json
from sqlalchemy import delete, func, insert, text, update
from sqlmodel import Session, col, select

from app.enrollment.decisions import Status
from app.enrollment.messages import Kind, Task
from app.enrollment.models import Enrollment, Outbox
from app.kit.database import Database, Query

LEASE = timedelta(seconds=10)
"""How long a relay has to publish what it claimed, before another one does."""
RESEND_AFTER = timedelta(minutes=2)
"""When a task that was sent is sent again if its effect is not stored by then; doubled each time."""
MOST_DOUBLINGS = 10
RELEASE_GRACE = timedelta(seconds=2)
"""A drop gives up the seat itself; only where that fails the relay's turn comes."""


@dataclass(frozen=True, slots=True)
class NewRequest:
    """A request to store, with its id chosen before, so that storing it again finds it."""

    id: UUID
    student_id: int
    course_id: int
    idempotency_key: str | None
    request_id: str | None


@dataclass(frozen=True, slots=True)
class StoredRequest:
    """A request as it is known by its id, or by its key, which also a refused one has left."""

    id: UUID
    student_id: int
    course_id: int
    idempotency_key: str | None
    """None where it was found by its id."""
    accepted: bool


_ACCEPT = Query(
    text(
        """
        WITH wanted AS (
            SELECT * FROM json_to_recordset(CAST(:rows AS json))
            AS (position int, id uuid, student_id int, course_id int, idempotency_key text, request_id text)
        ), keyed AS (  -- stays where the enrolment is refused: whoever comes later with the key is told the same
            INSERT INTO idempotency_keys (key, enrollment_id, student_id, course_id)
            SELECT idempotency_key, id, student_id, course_id FROM wanted WHERE idempotency_key IS NOT NULL
            ORDER BY student_id, course_id, position  -- every replica in the same order, so that none waits for another in a circle
            ON CONFLICT DO NOTHING
            RETURNING enrollment_id
        ), accepted AS (
            INSERT INTO enrollments (id, student_id, course_id, status)
            SELECT id, student_id, course_id, 'pending' FROM wanted LEFT JOIN keyed ON enrollment_id = id
            WHERE idempotency_key IS NULL OR enrollment_id IS NOT NULL
            ORDER BY student_id, course_id, position
            ON CONFLICT DO NOTHING
            RETURNING id
        )
        INSERT INTO outbox (enrollment_id, kind, request_id, times_sent, due_at)
        SELECT id, 'decide', request_id, 0, now() + CAST(:lease AS interval) FROM accepted JOIN wanted USING (id) ORDER BY position
        RETURNING id, enrollment_id, kind, request_id
        """
    )
)


def accept(database: Database, requests: Sequence[NewRequest], *, leased: bool) -> list[Task]:
    """Store those requests that are in conflict with none, also of this batch, with their tasks, which it gives.

    ``leased``: the tasks are the caller's to publish, as if claimed.
    """
    rows = [
        {
            "position": position,
            "id": request.id,
            "student_id": request.student_id,
            "course_id": request.course_id,
            "idempotency_key": request.idempotency_key,
            "request_id": request.request_id,
        }
        for position, request in enumerate(requests)
    ]
    return _tasks(database.fetch(_ACCEPT, rows=to_json(rows).decode(), lease=LEASE if leased else timedelta()))


_KNOWN = Query(
    text(
        """
        SELECT id, student_id, course_id, NULL, true FROM enrollments WHERE id = ANY(CAST(:ids AS uuid[]))
        UNION ALL
        SELECT enrollment_id, student_id, course_id, key, EXISTS (SELECT FROM enrollments WHERE id = enrollment_id)
        FROM idempotency_keys WHERE key = ANY(CAST(:keys AS text[]))
        """
    )
)


def known(database: Database, ids: Sequence[UUID], idempotency_keys: Sequence[str]) -> list[StoredRequest]:
    """The requests of those ids and those that were sent with those keys."""
    return [StoredRequest(*row) for row in database.fetch(_KNOWN, ids=list(ids), keys=list(idempotency_keys))]


def get(session: Session, enrollment_id: UUID) -> Enrollment | None:
    """The request of that id."""
    return session.exec(select(Enrollment).where(Enrollment.id == enrollment_id)).one_or_none()


def of_student(session: Session, student_id: int, limit: int, offset: int) -> Sequence[Enrollment]:
    """The student's requests, the oldest first."""
    statement = select(Enrollment).where(Enrollment.student_id == student_id)
    return session.exec(statement.order_by(col(Enrollment.requested_at), col(Enrollment.id)).limit(limit).offset(offset)).all()


def of_course(session: Session, course_id: int, limit: int, offset: int) -> Sequence[Enrollment]:
    """The requests for the course, the oldest first."""
    statement = select(Enrollment).where(Enrollment.course_id == course_id)
    return session.exec(statement.order_by(col(Enrollment.requested_at), col(Enrollment.id)).limit(limit).offset(offset)).all()


def drop(session: Session, enrollment_id: UUID, request_id: str | None) -> Enrollment | None:
    """Drop the enrolment, pending or enrolled, with the task to give up its seat; None where it is neither."""
    statement = (
        update(Enrollment)
        .where(col(Enrollment.id) == enrollment_id, col(Enrollment.status).in_((Status.PENDING, Status.ENROLLED)))
        .values(status=Status.DROPPED, dropped_at=func.now(), seat_release="due")
        .returning(Enrollment)
    )
    dropped = session.scalars(statement).one_or_none()
    if dropped is not None:
        due_at = func.now() + RELEASE_GRACE
        task = insert(Outbox).values(enrollment_id=enrollment_id, kind=Kind.RELEASE, request_id=request_id, times_sent=0, due_at=due_at)
        session.execute(task)
    return dropped


_CLAIM = Query(
    text(
        """
        UPDATE outbox SET due_at = now() + CAST(:lease AS interval)
        WHERE id IN (SELECT id FROM outbox WHERE due_at <= now() ORDER BY id LIMIT :most FOR UPDATE SKIP LOCKED)
        RETURNING id, enrollment_id, kind, request_id
        """
    )
)


def claim(database: Database, most: int) -> list[Task]:
    """The oldest tasks that are due, for this relay alone until the lease ends; relays never wait for each other."""
    return _tasks(database.fetch(_CLAIM, most=most, lease=LEASE))


_MARK_SENT = Query(
    text(
        """
        UPDATE outbox
        SET sent_at = now(), times_sent = times_sent + 1,
            due_at = now() + CAST(:resend_after AS interval) * power(2, least(times_sent, :most_doublings))
        WHERE id IN (SELECT id FROM outbox WHERE id = ANY(CAST(:ids AS bigint[])) FOR UPDATE SKIP LOCKED)
        RETURNING id
        """
    )
)


def mark_sent(database: Database, outbox_ids: Sequence[int]) -> None:
    """The broker has confirmed these; they are due again only if their effect stays away.

    One that is locked is just being deleted by the worker that has stored its effect.
    """
    database.fetch(_MARK_SENT, ids=list(outbox_ids), resend_after=RESEND_AFTER, most_doublings=MOST_DOUBLINGS)


def give_back(session: Session, outbox_ids: Sequence[int]) -> None:
    """These were claimed and not published: any relay may take them now."""
    theirs = select(Outbox.id).where(col(Outbox.id).in_(outbox_ids)).with_for_update(skip_locked=True)
    session.execute(update(Outbox).where(col(Outbox.id).in_(theirs)).values(due_at=func.now()))


def send_all_again(session: Session) -> None:
    """The queue was lost: whatever has had no effect is due now."""
    session.execute(update(Outbox).values(due_at=func.now()))


@dataclass(frozen=True)
class Backlog:
    """What is in the outbox."""

    unsent: int = 0
    oldest_unsent_s: float = 0.0
    undone: int = 0
    """Sent, with an effect that is not stored yet: these wait in the queue or are in a worker's hands."""


def backlog(session: Session) -> Backlog:
    """How much is in the outbox now."""
    unsent = col(Outbox.sent_at).is_(None)
    age = func.coalesce(func.extract("epoch", func.now() - func.min(Outbox.created_at).filter(unsent)), 0)
    count, age_s, undone = session.exec(select(func.count().filter(unsent), age, func.count(col(Outbox.sent_at)))).one()
    return Backlog(count, float(age_s), undone)


def seats_released(session: Session, enrollment_ids: Sequence[UUID]) -> None:
    """The courses service has confirmed that these hold no seat any more."""
    statement = update(Enrollment).where(col(Enrollment.id).in_(enrollment_ids), col(Enrollment.seat_release) == "due")
    session.execute(statement.values(seat_release="done"))
    tasks = select(Outbox.id).where(col(Outbox.enrollment_id).in_(enrollment_ids), Outbox.kind == Kind.RELEASE)
    session.execute(delete(Outbox).where(col(Outbox.id).in_(tasks.order_by(col(Outbox.id)).with_for_update())))


_FORGET_HANDLED = Query(
    text(
        """
        DELETE FROM inbox WHERE enrollment_id IN (
            SELECT enrollment_id FROM inbox WHERE handled_at < now() - CAST(:age AS interval) LIMIT :most FOR UPDATE SKIP LOCKED
        )
        RETURNING 1
        """
    )
)
_FORGET_KEYS = Query(
    text(
        """
        DELETE FROM idempotency_keys WHERE key IN (
            SELECT key FROM idempotency_keys WHERE came_at < now() - CAST(:age AS interval) LIMIT :most FOR UPDATE SKIP LOCKED
        )
        RETURNING 1
        """
    )
)


def forget_handled(database: Database, age: timedelta, most: int) -> int:
    """Delete inbox rows that are older; gives their number."""
    return len(database.fetch(_FORGET_HANDLED, age=age, most=most))


def forget_keys(database: Database, age: timedelta, most: int) -> int:
    """Delete keys that are older; gives their number."""
    return len(database.fetch(_FORGET_KEYS, age=age, most=most))


def _tasks(rows: Iterable[tuple[Any, ...]]) -> list[Task]:
    return sorted((Task(row[0], row[1], Kind(row[2]), row[3]) for row in rows), key=lambda task: task.outbox_id)
