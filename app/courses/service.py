"""What can be done with courses: each use case with its transaction and what it means for the cache."""

from __future__ import annotations

from typing import Any

from pydantic import TypeAdapter
from sqlalchemy.exc import IntegrityError
from sqlmodel import Session

from app.courses import repository
from app.courses.errors import CapacityBelowTakenError, CourseInUseError, CourseNotFoundError, DuplicateCodeError
from app.courses.models import SEATS_WITHIN_CAPACITY, UNIQUE_CODE, Course
from app.courses.schemas import CourseBody, CoursePatch, CourseRead, Seats
from app.kit.cache import Answer, Cache, Entry
from app.kit.database import Database, violated_constraint
from app.kit.delivery import delivery_key

_PAGE = TypeAdapter(list[CourseRead])


class CoursesService:
    """The use cases of the catalogue."""

    def __init__(self, database: Database, cache: Cache) -> None:
        self._database = database
        self._cache = cache

    def create(self, body: CourseBody, request_id: str | None) -> CourseRead:
        """A new course; the same one where the gateway delivers the request a second time."""
        key = delivery_key(request_id, body)
        course = self._database.write(lambda session: repository.create(session, body.model_dump(), key))
        if course is None:
            raise DuplicateCodeError(body.code)
        self._cache.changed(str(course.id), course.version)  # a read that found nothing may still be under way
        return _read(course)

    async def get(self, course_id: int) -> Answer:
        """A course, serialized."""

        def load() -> Entry:
            course = repository.read(self._database, course_id)
            if course is None:
                raise CourseNotFoundError(course_id)
            return Entry(course.version, course.model_dump_json().encode())

        return await self._cache.item(str(course_id), load)

    async def page(self, limit: int, offset: int, code: str | None) -> Answer:
        """Courses in the order of their ids, serialized."""

        def load() -> bytes:
            return _PAGE.dump_json(repository.page(self._database, limit, offset, code))

        return await self._cache.page(f"{limit}:{offset}:{code or ''}", load)

    def seats(self, course_id: int) -> Seats:
        """The seats of a course now, past the cache."""
        seats = self._database.read(lambda session: repository.seats(session, course_id))
        if seats is None:
            raise CourseNotFoundError(course_id)
        return seats

    def replace(self, course_id: int, body: CourseBody) -> CourseRead:
        """The course with every field as given."""
        return self._change(course_id, body.model_dump())

    def change(self, course_id: int, patch: CoursePatch) -> CourseRead:
        """The course with the given fields changed."""
        return self._change(course_id, patch.model_dump(exclude_unset=True))

    def remove(self, course_id: int) -> None:
        """Forget a course in which nobody is enrolled; requests that are still to be decided end as unknown_course."""

        def work(session: Session) -> int:
            version = repository.remove_unused(session, course_id)
            if version is not None:
                return version
            if repository.get(session, course_id) is None:
                raise CourseNotFoundError(course_id)
            raise CourseInUseError(course_id)

        version = self._database.write(work)
        self._cache.changed(str(course_id), version + 1)

    def _change(self, course_id: int, values: dict[str, Any]) -> CourseRead:
        try:
            course = self._database.write(lambda session: repository.change(session, course_id, values))
        except IntegrityError as error:
            constraint = violated_constraint(error)
            if constraint == UNIQUE_CODE:
                raise DuplicateCodeError(values["code"]) from None
            if constraint == SEATS_WITHIN_CAPACITY:
                raise CapacityBelowTakenError(values["capacity"]) from None
            raise
        if course is None:
            raise CourseNotFoundError(course_id)
        self._cache.changed(str(course_id), course.version)
        return _read(course)


def _read(course: Course) -> CourseRead:
    return CourseRead.model_validate(course, from_attributes=True)
