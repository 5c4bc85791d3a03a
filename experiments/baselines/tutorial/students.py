"""The students service: ``python -m experiments.baselines.tutorial.students``."""

from __future__ import annotations

from typing import Any

from fastapi import HTTPException, Response
from sqlmodel import JSON, Field, SQLModel, col, select

from experiments.baselines.tutorial import cache
from experiments.baselines.tutorial.application import create_app, serve
from experiments.baselines.tutorial.database import SessionDep
from experiments.baselines.tutorial.settings import settings


class StudentBase(SQLModel):
    """What clients send."""

    name: str
    completed_courses: list[str] = Field(default_factory=list, sa_type=JSON)


class Student(StudentBase, table=True):
    """The table."""

    __tablename__ = "tutorial_students"

    id: int | None = Field(default=None, primary_key=True)
    version: int = 1


class StudentRead(StudentBase):
    """What clients get."""

    id: int
    version: int


app = create_app("students")


@app.post("/students", status_code=201, response_model=StudentRead)
def create_student(body: StudentBase, session: SessionDep, response: Response) -> Student:
    """Create a student."""
    student = Student.model_validate(body)
    session.add(student)
    session.commit()
    session.refresh(student)
    cache.delete("students:*")
    response.headers["Location"] = f"/students/{student.id}"
    return student


@app.get("/students", response_model=list[StudentRead])
def list_students(session: SessionDep, response: Response, limit: int = 100, offset: int = 0) -> Any:
    """List students in the order of their ids."""
    key = f"students:{limit}:{offset}"
    cached = cache.get(key, response)
    if cached is not None:
        return cached
    statement = select(Student).order_by(col(Student.id)).offset(offset).limit(limit)
    students = [student.model_dump() for student in session.exec(statement).all()]
    cache.put(key, students)
    return students


@app.get("/internal/students/{student_id}", response_model=StudentRead)
@app.get("/students/{student_id}", response_model=StudentRead)
def read_student(student_id: int, session: SessionDep, response: Response) -> Any:
    """Read one student."""
    cached = cache.get(f"student:{student_id}", response)
    if cached is not None:
        return cached
    student = session.get(Student, student_id)
    if student is None:
        raise HTTPException(404, "there is no such student")
    cache.put(f"student:{student_id}", student.model_dump())
    return student


@app.delete("/students/{student_id}", status_code=204)
def delete_student(student_id: int, session: SessionDep) -> None:
    """Delete a student."""
    student = session.get(Student, student_id)
    if student is None:
        raise HTTPException(404, "there is no such student")
    session.delete(student)
    session.commit()
    cache.delete(f"student:{student_id}")
    cache.delete("students:*")


if __name__ == "__main__":
    serve(app, settings.port)
