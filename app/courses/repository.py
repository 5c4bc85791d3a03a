"""The SQL of the courses service."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any
from uuid import UUID

from pydantic_core import to_json
from sqlalchemy import bindparam, delete, text, update
from sqlalchemy import select as _select
from sqlalchemy.dialects.postgresql import insert
from sqlmodel import Session, col, select

from app.courses.models import UNIQUE_CODE, Course, Reservation
from app.courses.schemas import CourseRead, Seats
from app.courses.seats import LockedCourse, SeatAnswer, SeatOutcome
from app.kit.database import Database, Query


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


_COLUMNS: tuple[Any, ...] = (Course.id, Course.name, Course.code, Course.capacity, Course.prerequisites, Course.version)
_READ = Query(_select(*_COLUMNS).where(col(Course.id) == bindparam("course_id")))
_PAGE = Query(_select(*_COLUMNS).order_by(col(Course.id)).limit(bindparam("most")).offset(bindparam("skipped")))
_OF_CODE = Query(_select(*_COLUMNS).where(col(Course.code) == bindparam("code")).limit(bindparam("most")).offset(bindparam("skipped")))


def read(database: Database, course_id: int) -> CourseRead | None:
    """The course of that id as clients see it."""
    rows = database.fetch(_READ, course_id=course_id)
    return _course_read(rows[0]) if rows else None


def page(database: Database, limit: int, offset: int, code: str | None) -> list[CourseRead]:
    """Courses in the order of their ids, or the one of that code, as clients see them."""
    if code is None:
        rows = database.fetch(_PAGE, most=limit, skipped=offset)
    else:
        rows = database.fetch(_OF_CODE, code=code, most=limit, skipped=offset)
    return [_course_read(row) for row in rows]


def _course_read(row: tuple[Any, ...]) -> CourseRead:
    course_id, name, code, capacity, prerequisites, version = row
    return CourseRead(id=course_id, name=name, code=code, capacity=capacity, prerequisites=prerequisites, version=version)


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


_LOCK = text(
    "SELECT id, version, capacity, taken, prerequisites FROM courses WHERE id = ANY(CAST(:course_ids AS int[])) ORDER BY id FOR UPDATE"
)


def lock(session: Session, course_ids: Iterable[int]) -> dict[int, LockedCourse]:
    """Those of the courses that exist, locked in the order of their ids, so that two batches never wait for each other."""
    rows = session.execute(_LOCK, {"course_ids": list(set(course_ids))}).all()
    return {row[0]: LockedCourse(*row) for row in rows}


_RECORDED = text("SELECT id, course_id, outcome, evidence FROM reservations WHERE id = ANY(CAST(:ids AS uuid[]))")


def recorded(session: Session, reservation_ids: Iterable[UUID]) -> dict[UUID, SeatAnswer]:
    """The answers that were given before."""
    rows = session.execute(_RECORDED, {"ids": list(reservation_ids)}).all()
    return {row[0]: SeatAnswer(row[0], row[1], SeatOutcome(row[2]), row[3]) for row in rows}


_RECORD = text(
    """
    WITH kept AS (
        INSERT INTO reservations (id, course_id, outcome, evidence)
        SELECT id, course_id, outcome, evidence
        FROM jsonb_to_recordset(CAST(:answers AS jsonb)) AS (id uuid, course_id int, outcome text, evidence jsonb)
        ORDER BY id
    )
    UPDATE courses SET taken = courses.taken + wanted.seats
    FROM unnest(CAST(:course_ids AS int[]), CAST(:seats AS int[])) AS wanted (course_id, seats)
    WHERE courses.id = wanted.course_id AND courses.taken + wanted.seats <= courses.capacity
    RETURNING courses.id
    """
)


def record(session: Session, answers: Sequence[SeatAnswer], taken: Mapping[int, int]) -> set[int]:
    """Keep new answers and take the seats that they give, by course; gives the courses that had as many free.

    The condition on the seats holds even where the lock would not.

    Raises:
        sqlalchemy.exc.IntegrityError: another transaction has answered one of them meanwhile.
    """
    rows = [
        {"id": answer.reservation_id, "course_id": answer.course_id, "outcome": answer.outcome, "evidence": answer.evidence}
        for answer in answers
    ]
    parameters = {"answers": to_json(rows).decode(), "course_ids": list(taken), "seats": list(taken.values())}
    return set(session.execute(_RECORD, parameters).scalars())


def free_seats(session: Session, course_id: int, count: int) -> None:
    """Give back seats that were taken."""
    session.execute(update(Course).where(col(Course.id) == course_id).values(taken=Course.taken - count))


def give_up(session: Session, reservation_ids: Sequence[UUID]) -> None:
    """Mark accepted reservations as released."""
    session.execute(update(Reservation).where(col(Reservation.id).in_(reservation_ids)).values(outcome=SeatOutcome.RELEASED))
