"""What can be done with students: each use case with its transaction and what it means for the cache."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from pydantic import TypeAdapter
from sqlmodel import Session

from app.kit.cache import Answer, Cache, Entry
from app.kit.database import Database
from app.kit.delivery import delivery_key
from app.students import repository
from app.students.errors import StudentNotFoundError
from app.students.models import Student
from app.students.schemas import LookupResult, StudentBody, StudentPatch, StudentRead

_PAGE = TypeAdapter(list[StudentRead])


class StudentsService:
    """The use cases of the students service."""

    def __init__(self, database: Database, cache: Cache) -> None:
        self._database = database
        self._cache = cache

    def create(self, body: StudentBody, request_id: str | None) -> StudentRead:
        """A new student; the same one where the gateway delivers the request a second time."""
        key = delivery_key(request_id, body)
        student = _read(self._database.write(lambda session: repository.create(session, body.model_dump(), key)))
        self._cache.changed(str(student.id), student.version)  # a read that found nothing may still be under way
        return student

    async def get(self, student_id: int) -> Answer:
        """A student, serialized."""

        def load() -> Entry:
            student = repository.read(self._database, student_id)
            if student is None:
                raise StudentNotFoundError(student_id)
            return Entry(student.version, student.model_dump_json().encode())

        return await self._cache.item(str(student_id), load)

    async def page(self, limit: int, offset: int) -> Answer:
        """Students in the order of their ids, serialized."""

        def load() -> bytes:
            return _PAGE.dump_json(repository.page(self._database, limit, offset))

        return await self._cache.page(f"{limit}:{offset}", load)

    def replace(self, student_id: int, body: StudentBody) -> StudentRead:
        """The student with every field as given."""
        return self._change(student_id, body.model_dump())

    def change(self, student_id: int, patch: StudentPatch) -> StudentRead:
        """The student with the given fields changed."""
        return self._change(student_id, patch.model_dump(exclude_unset=True))

    def remove(self, student_id: int) -> None:
        """Forget the student; their enrolments stay as history."""
        version = self._database.write(lambda session: repository.remove(session, student_id))
        if version is None:
            raise StudentNotFoundError(student_id)
        self._cache.changed(str(student_id), version + 1)

    def lookup(self, student_ids: Sequence[int]) -> LookupResult:
        """Those of the students that exist, past the cache: a decision is made from them."""
        return LookupResult(students=repository.lookup(self._database, student_ids))

    def _change(self, student_id: int, values: dict[str, Any]) -> StudentRead:
        def work(session: Session) -> Student:
            student = repository.change(session, student_id, values)
            if student is None:
                raise StudentNotFoundError(student_id)
            return student

        student = self._database.write(work)
        self._cache.changed(str(student_id), student.version)
        return _read(student)


def _read(student: Student) -> StudentRead:
    return StudentRead.model_validate(student, from_attributes=True)
