"""The SQL of the enrollment service: of requests, of the outbox that the relay empties, and of the outcomes that the worker stores."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import timedelta
from uuid import UUID

from sqlalchemy import ScalarSelect, delete, func, or_, text, update
from sqlalchemy.dialects.postgresql import insert
from sqlmodel import Session, col, select

from app.enrollment.decisions import Decision, Reason, Status
from app.enrollment.messages import Kind
from app.enrollment.models import Enrollment, Inbox, Outbox

LEASE = timedelta(seconds=10)
"""How long a relay has to publish what it claimed, before another one does."""
RESEND_AFTER = timedelta(minutes=2)
"""When a task that was sent is sent again if its effect is not stored by then; doubled each time."""
MOST_DOUBLINGS = 10
RELEASE_GRACE = timedelta(seconds=2)
"""A drop gives up the seat itself; only where that fails the relay's turn comes."""


def accept(session: Session, enrollment_id: UUID, student_id: int, course_id: int, idempotency_key: str | None) -> bool:
    """Store the request and the task to decide it; False where it is in conflict with another one."""
    statement = insert(Enrollment).values(
        id=enrollment_id, student_id=student_id, course_id=course_id, status=Status.PENDING, idempotency_key=idempotency_key
    )
    accepted = session.scalars(statement.on_conflict_do_nothing().returning(col(Enrollment.id))).one_or_none()
    if accepted is not None:
        session.execute(insert(Outbox).values(enrollment_id=enrollment_id, kind=Kind.DECIDE, times_sent=0))
    return accepted is not None


def of_key(session: Session, idempotency_key: str) -> Enrollment | None:
    """The request that was sent with that key."""
    return session.exec(select(Enrollment).where(Enrollment.idempotency_key == idempotency_key)).one_or_none()


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


def drop(session: Session, enrollment_id: UUID) -> Enrollment | None:
    """Drop the enrolment, pending or enrolled, with the task to give up its seat; None where it is neither."""
    statement = (
        update(Enrollment)
        .where(col(Enrollment.id) == enrollment_id, col(Enrollment.status).in_((Status.PENDING, Status.ENROLLED)))
        .values(status=Status.DROPPED, dropped_at=func.now(), seat_release="due")
        .returning(Enrollment)
    )
    dropped = session.scalars(statement).one_or_none()
    if dropped is not None:
        task = insert(Outbox).values(enrollment_id=enrollment_id, kind=Kind.RELEASE, times_sent=0, due_at=func.now() + RELEASE_GRACE)
        session.execute(task)
    return dropped


@dataclass(frozen=True)
class Task:
    """A task that a relay has claimed."""

    outbox_id: int
    enrollment_id: UUID
    kind: Kind


def claim(session: Session, limit: int) -> list[Task]:
    """The oldest tasks that are due, for this relay alone until the lease ends; relays never wait for each other."""
    due = select(Outbox.id).where(col(Outbox.due_at) <= func.now()).order_by(col(Outbox.id)).limit(limit).with_for_update(skip_locked=True)
    statement = update(Outbox).where(col(Outbox.id).in_(due)).values(due_at=func.now() + LEASE)
    rows = session.execute(statement.returning(col(Outbox.id), col(Outbox.enrollment_id), col(Outbox.kind))).all()
    return sorted((Task(row[0], row[1], Kind(row[2])) for row in rows), key=lambda task: task.outbox_id)


def mark_sent(session: Session, outbox_ids: Sequence[int]) -> None:
    """The broker has confirmed these; they are due again only if their effect stays away."""
    doubled = func.power(2, func.least(Outbox.times_sent, MOST_DOUBLINGS))
    values = {"sent_at": func.now(), "times_sent": Outbox.times_sent + 1, "due_at": func.now() + RESEND_AFTER * doubled}
    session.execute(update(Outbox).where(col(Outbox.id).in_(_locked(outbox_ids))).values(**values))


def give_back(session: Session, outbox_ids: Sequence[int]) -> None:
    """These were claimed and not published: any relay may take them now."""
    session.execute(update(Outbox).where(col(Outbox.id).in_(_locked(outbox_ids))).values(due_at=func.now()))


def send_all_again(session: Session) -> None:
    """The queue was lost: whatever has had no effect is due now."""
    session.execute(update(Outbox).values(due_at=func.now()))


def backlog(session: Session) -> tuple[int, float]:
    """How many tasks were never sent, and the age of the oldest, s."""
    age = func.coalesce(func.extract("epoch", func.now() - func.min(Outbox.created_at)), 0)
    count, age_s = session.exec(select(func.count(), age).where(col(Outbox.sent_at).is_(None))).one()
    return count, float(age_s)


@dataclass(frozen=True)
class Request:
    """What the worker needs to know of a request."""

    enrollment_id: UUID
    student_id: int
    course_id: int
    pending: bool


def requests(session: Session, enrollment_ids: Iterable[UUID]) -> dict[UUID, Request]:
    """Those of the requests that exist."""
    statement = select(Enrollment.id, Enrollment.student_id, Enrollment.course_id, Enrollment.status)
    rows = session.exec(statement.where(col(Enrollment.id).in_(set(enrollment_ids)))).all()
    return {row[0]: Request(row[0], row[1], row[2], row[3] == Status.PENDING) for row in rows}


def seats_due(session: Session, enrollment_ids: Iterable[UUID], course_ids: Iterable[int]) -> list[tuple[UUID, int]]:
    """Enrolment and course of the seats that are to be given up: those asked for, and all of these courses."""
    statement = select(Enrollment.id, Enrollment.course_id).where(
        Enrollment.seat_release == "due", or_(col(Enrollment.id).in_(set(enrollment_ids)), col(Enrollment.course_id).in_(set(course_ids)))
    )
    return [(row[0], row[1]) for row in session.exec(statement).all()]


def seats_released(session: Session, enrollment_ids: Sequence[UUID]) -> None:
    """The courses service has confirmed that these hold no seat any more."""
    statement = update(Enrollment).where(col(Enrollment.id).in_(enrollment_ids), col(Enrollment.seat_release) == "due")
    session.execute(statement.values(seat_release="done"))
    _forget_tasks(session, enrollment_ids, Kind.RELEASE)


def store(session: Session, decisions: Sequence[Decision], handled: Iterable[UUID]) -> list[Decision]:
    """Store the outcomes with their inbox rows; gives those that had an effect.

    ``handled`` are all requests whose messages are settled by this, decided now or before. No effect has a decision about a request
    that was handled before or is not pending any more.
    """
    ids = sorted(handled)
    insertion = insert(Inbox).values([{"enrollment_id": enrollment_id} for enrollment_id in ids]).on_conflict_do_nothing()
    fresh = set(session.scalars(insertion.returning(col(Inbox.enrollment_id))).all())
    rows = [
        {"id": str(item.enrollment_id), "status": item.status, "reason": item.reason, "decision": item.evidence}
        for item in decisions
        if item.enrollment_id in fresh
    ]
    stored: set[UUID] = set()
    if rows:
        stored = set(session.execute(_STORE, {"rows": json.dumps(rows)}).scalars().all())
    effective = [item for item in decisions if item.enrollment_id in stored]
    failed = [item.enrollment_id for item in effective if item.reason is Reason.PROCESSING_FAILED]
    if failed:  # such a request may hold a seat: it was given up before the answer about it was stored
        session.execute(update(Enrollment).where(col(Enrollment.id).in_(failed)).values(seat_release="due"))
        session.execute(insert(Outbox).values([{"enrollment_id": key, "kind": Kind.RELEASE, "times_sent": 0} for key in failed]))
    _forget_tasks(session, ids, Kind.DECIDE)
    return effective


_STORE = text(
    """
    UPDATE enrollments
    SET status = decided.status, reason = decided.reason, decision = decided.decision, decided_at = now()
    FROM jsonb_to_recordset(CAST(:rows AS jsonb)) AS decided(id uuid, status text, reason text, decision jsonb)
    WHERE enrollments.id = decided.id AND enrollments.status = 'pending'
    RETURNING enrollments.id
    """
)


def _locked(outbox_ids: Sequence[int]) -> ScalarSelect[int | None]:
    """The tasks, locked in the order of their ids, so that a relay and a worker never wait for each other in a circle."""
    statement = select(Outbox.id).where(col(Outbox.id).in_(outbox_ids)).order_by(col(Outbox.id)).with_for_update()
    return statement.scalar_subquery()


def _forget_tasks(session: Session, enrollment_ids: Sequence[UUID], kind: Kind) -> None:
    """Their effect is stored."""
    done = select(Outbox.id).where(col(Outbox.enrollment_id).in_(enrollment_ids), Outbox.kind == kind)
    session.execute(delete(Outbox).where(col(Outbox.id).in_(done.order_by(col(Outbox.id)).with_for_update())))
