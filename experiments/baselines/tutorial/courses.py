"""The courses service: ``python -m experiments.baselines.tutorial.courses``."""

from __future__ import annotations

from typing import Any

from fastapi import HTTPException, Response
from sqlalchemy.exc import IntegrityError
from sqlmodel import JSON, Field, SQLModel, col, select

from experiments.baselines.tutorial import cache
from experiments.baselines.tutorial.application import create_app, serve
from experiments.baselines.tutorial.database import SessionDep
from experiments.baselines.tutorial.settings import settings


class CourseBase(SQLModel):
    """What clients send."""

    name: str
    code: str = Field(unique=True)
    capacity: int
    prerequisites: list[str] = Field(default_factory=list, sa_type=JSON)


class Course(CourseBase, table=True):
    """The table."""

    __tablename__ = "tutorial_courses"

    id: int | None = Field(default=None, primary_key=True)
    version: int = 1


class CourseRead(CourseBase):
    """What clients get."""

    id: int
    version: int


app = create_app("courses")


@app.post("/courses", status_code=201, response_model=CourseRead)
def create_course(body: CourseBase, session: SessionDep, response: Response) -> Course:
    """Create a course."""
    course = Course.model_validate(body)
    session.add(course)
    try:
        session.commit()
    except IntegrityError:
        raise HTTPException(409, "another course has this code") from None
    session.refresh(course)
    cache.delete("courses:*")
    response.headers["Location"] = f"/courses/{course.id}"
    return course


@app.get("/courses", response_model=list[CourseRead])
def list_courses(session: SessionDep, response: Response, limit: int = 100, offset: int = 0, code: str | None = None) -> Any:
    """List courses in the order of their ids."""
    key = f"courses:{limit}:{offset}:{code}"
    cached = cache.get(key, response)
    if cached is not None:
        return cached
    statement = select(Course).order_by(col(Course.id)).offset(offset).limit(limit)
    if code is not None:
        statement = statement.where(Course.code == code)
    courses = [course.model_dump() for course in session.exec(statement).all()]
    cache.put(key, courses)
    return courses


@app.get("/internal/courses/{course_id}", response_model=CourseRead)
@app.get("/courses/{course_id}", response_model=CourseRead)
def read_course(course_id: int, session: SessionDep, response: Response) -> Any:
    """Read one course."""
    cached = cache.get(f"course:{course_id}", response)
    if cached is not None:
        return cached
    course = session.get(Course, course_id)
    if course is None:
        raise HTTPException(404, "there is no such course")
    cache.put(f"course:{course_id}", course.model_dump())
    return course


@app.delete("/courses/{course_id}", status_code=204)
def delete_course(course_id: int, session: SessionDep) -> None:
    """Delete a course."""
    course = session.get(Course, course_id)
    if course is None:
        raise HTTPException(404, "there is no such course")
    session.delete(course)
    session.commit()
    cache.delete(f"course:{course_id}")
    cache.delete("courses:*")


if __name__ == "__main__":
    serve(app, settings.port)
