"""The SQL of the students service."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import delete, update
from sqlalchemy.dialects.postgresql import insert
from sqlmodel import Session, col, select

from app.students.models import Student


def create(session: Session, values: Mapping[str, Any], delivery_key: str | None) -> Student:
    """A new student, or the one that the first delivery of the same request has made."""
    statement = insert(Student).values(**values, version=1, delivery_key=delivery_key)
    statement = statement.on_conflict_do_nothing(index_elements=["delivery_key"])
    created = session.scalars(statement.returning(Student)).one_or_none()
    if created is not None:
        return created
    return session.exec(select(Student).where(Student.delivery_key == delivery_key)).one()


def get(session: Session, student_id: int) -> Student | None:
    """The student of that id."""
    return session.exec(select(Student).where(Student.id == student_id)).one_or_none()


def page(session: Session, limit: int, offset: int) -> Sequence[Student]:
    """Students in the order of their ids."""
    return session.exec(select(Student).order_by(col(Student.id)).limit(limit).offset(offset)).all()


def change(session: Session, student_id: int, values: Mapping[str, Any]) -> Student | None:
    """The student with those values changed; None where there is none."""
    statement = update(Student).where(col(Student.id) == student_id).values(**values, version=Student.version + 1)
    return session.scalars(statement.returning(Student)).one_or_none()


def remove(session: Session, student_id: int) -> int | None:
    """Delete the student; gives the last version, None where there is none."""
    statement = delete(Student).where(col(Student.id) == student_id).returning(col(Student.version))
    return session.scalars(statement).one_or_none()


def lookup(session: Session, student_ids: Sequence[int]) -> Sequence[Student]:
    """Those of the students that exist."""
    return session.exec(select(Student).where(col(Student.id).in_(student_ids))).all()
