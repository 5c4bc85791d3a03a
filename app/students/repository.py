"""The SQL of the students service."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import Integer, bindparam, delete, func, update
from sqlalchemy import select as _select
from sqlalchemy.dialects.postgresql import ARRAY, insert
from sqlmodel import Session, col, select

from app.kit.database import Database, Query
from app.students.models import Student
from app.students.schemas import StudentRead


def create(session: Session, values: Mapping[str, Any], delivery_key: str | None) -> Student:
    """A new student, or the one that the first delivery of the same request has made."""
    statement = insert(Student).values(**values, version=1, delivery_key=delivery_key)
    statement = statement.on_conflict_do_nothing(index_elements=["delivery_key"])
    created = session.scalars(statement.returning(Student)).one_or_none()
    if created is not None:
        return created
    return session.exec(select(Student).where(Student.delivery_key == delivery_key)).one()


_COLUMNS: tuple[Any, ...] = (Student.id, Student.name, Student.completed_courses, Student.version)
_READ = Query(_select(*_COLUMNS).where(col(Student.id) == bindparam("student_id")))
_PAGE = Query(_select(*_COLUMNS).order_by(col(Student.id)).limit(bindparam("most")).offset(bindparam("skipped")))
_LOOKUP = Query(_select(*_COLUMNS).where(col(Student.id) == func.any(bindparam("student_ids", type_=ARRAY(Integer)))))


def read(database: Database, student_id: int) -> StudentRead | None:
    """The student of that id as clients see them."""
    rows = database.fetch(_READ, student_id=student_id)
    return _student_read(rows[0]) if rows else None


def page(database: Database, limit: int, offset: int) -> list[StudentRead]:
    """Students in the order of their ids as clients see them."""
    return [_student_read(row) for row in database.fetch(_PAGE, most=limit, skipped=offset)]


def lookup(database: Database, student_ids: Sequence[int]) -> list[StudentRead]:
    """Those of the students that exist."""
    return [_student_read(row) for row in database.fetch(_LOOKUP, student_ids=list(student_ids))]


def _student_read(row: tuple[Any, ...]) -> StudentRead:
    student_id, name, completed_courses, version = row
    return StudentRead(id=student_id, name=name, completed_courses=completed_courses, version=version)


def change(session: Session, student_id: int, values: Mapping[str, Any]) -> Student | None:
    """The student with those values changed; None where there is none."""
    statement = update(Student).where(col(Student.id) == student_id).values(**values, version=Student.version + 1)
    return session.scalars(statement.returning(Student)).one_or_none()


def remove(session: Session, student_id: int) -> int | None:
    """Delete the student; gives the last version, None where there is none."""
    statement = delete(Student).where(col(Student.id) == student_id).returning(col(Student.version))
    return session.scalars(statement).one_or_none()
