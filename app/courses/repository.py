"""The SQL of the courses service."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any
from uuid import UUID

from sqlalchemy import delete, update
from sqlalchemy.dialects.postgresql import insert
from sqlmodel import Session, col, select

from app.courses.models import UNIQUE_CODE, Course, Reservation
from app.courses.schemas import Seats
from app.courses.seats import LockedCourse, SeatAnswer, SeatOutcome


def create(session: Session, values: Mapping[str, Any], delivery_key: str | None) -> Course | None:
    """A new course, or the one that the first delivery of the same request has made; None where the code is another course's."""
    statement = insert(Course).values(**values, version=1, taken=0, delivery_key=delivery_key)
    statement = statement.on_conflict_do_nothing(constraint=UNIQUE_CODE)
    created = session.scalars(statement.returning(Course)).one_or_none()
    if created is not None or delivery_key is None:
        return created
    return session.exec(select(Course).where(Course.code == values["code"], Course.delivery_key == delivery_key)).one_or_none()


def get(session: Session, course_id: int) -> Course | None:
    """The course of that id."""
    return session.exec(select(Course).where(Course.id == course_id)).one_or_none()


def page(session: Session, limit: int, offset: int, code: str | None) -> Sequence[Course]:
    """Courses in the order of their ids, or the one of that code."""
    statement = select(Course).order_by(col(Course.id)).limit(limit).offset(offset)
    if code is not None:
        statement = statement.where(Course.code == code)
    return session.exec(statement).all()


def seats(session: Session, course_id: int) -> Seats | None:
    """The seats of the course now."""
    row = session.exec(select(Course.capacity, Course.taken).where(Course.id == course_id)).one_or_none()
    if row is None:
        return None
    capacity, taken = row
    return Seats(course_id=course_id, capacity=capacity, taken=taken, free=capacity - taken)


def change(session: Session, course_id: int, values: Mapping[str, Any]) -> Course | None:
    """The course with those values changed; None where there is none.

    Raises:
        sqlalchemy.exc.IntegrityError: the code is another course's, or more seats are taken than the new capacity.
    """
    statement = update(Course).where(col(Course.id) == course_id).values(**values, version=Course.version + 1)
    return session.scalars(statement.returning(Course)).one_or_none()


def remove_unused(session: Session, course_id: int) -> int | None:
    """Delete the course if no seat of it is taken; gives its last version, None where it was not deleted."""
    statement = delete(Course).where(col(Course.id) == course_id, col(Course.taken) == 0).returning(col(Course.version))
    return session.scalars(statement).one_or_none()


def lock(session: Session, course_ids: Iterable[int]) -> dict[int, LockedCourse]:
    """Those of the courses that exist, locked in the order of their ids, so that two batches never wait for each other."""
    statement = select(Course).where(col(Course.id).in_(set(course_ids))).order_by(col(Course.id)).with_for_update()
    return {
        row.id: LockedCourse(row.id, row.version, row.capacity, row.taken, row.prerequisites)
        for row in session.exec(statement)
        if row.id is not None
    }


def recorded(session: Session, reservation_ids: Iterable[UUID]) -> dict[UUID, SeatAnswer]:
    """The answers that were given before."""
    found = session.exec(select(Reservation).where(col(Reservation.id).in_(set(reservation_ids)))).all()
    return {row.id: SeatAnswer(row.id, row.course_id, SeatOutcome(row.outcome), row.evidence) for row in found}


def record(session: Session, answers: Sequence[SeatAnswer]) -> None:
    """Keep new answers.

    Raises:
        sqlalchemy.exc.IntegrityError: another transaction has answered one of them meanwhile.
    """
    rows = [
        {"id": answer.reservation_id, "course_id": answer.course_id, "outcome": answer.outcome, "evidence": answer.evidence}
        for answer in sorted(answers, key=lambda answer: answer.reservation_id)
    ]
    session.execute(insert(Reservation).values(rows))


def take_seats(session: Session, course: LockedCourse) -> bool:
    """Take the seats that were newly given, if that many are free; the condition holds even where the lock would not."""
    statement = (
        update(Course)
        .where(col(Course.id) == course.course_id, col(Course.taken) + course.newly_taken <= col(Course.capacity))
        .values(taken=Course.taken + course.newly_taken)
        .returning(col(Course.id))
    )
    return session.scalars(statement).one_or_none() is not None


def free_seats(session: Session, course_id: int, count: int) -> None:
    """Give back seats that were taken."""
    session.execute(update(Course).where(col(Course.id) == course_id).values(taken=Course.taken - count))


def give_up(session: Session, reservation_ids: Sequence[UUID]) -> None:
    """Mark accepted reservations as released."""
    session.execute(update(Reservation).where(col(Reservation.id).in_(reservation_ids)).values(outcome=SeatOutcome.RELEASED))
