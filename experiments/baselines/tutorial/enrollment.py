"""The enrollment service: ``python -m experiments.baselines.tutorial.enrollment``."""

from __future__ import annotations

from collections.abc import Sequence
from uuid import UUID

import pika  # type: ignore[import-untyped]  # it ships annotations without the py.typed marker
from fastapi import HTTPException, Response
from pydantic import BaseModel
from sqlmodel import col, select

from experiments.baselines.tutorial.application import create_app, serve
from experiments.baselines.tutorial.database import SessionDep
from experiments.baselines.tutorial.enrollments import QUEUE, Enrollment, now
from experiments.baselines.tutorial.settings import settings


class EnrollBody(BaseModel):
    """What clients send."""

    student_id: int
    course_id: int


class Accepted(BaseModel):
    """What they get at once."""

    id: UUID
    status: str


app = create_app("enrollment")


def publish(enrollment_id: UUID) -> None:
    """Put the request into the queue."""
    connection = pika.BlockingConnection(pika.URLParameters(settings.broker_url.get_secret_value()))
    channel = connection.channel()
    channel.queue_declare(queue=QUEUE, durable=True)
    channel.basic_publish(
        exchange="",
        routing_key=QUEUE,
        body=str(enrollment_id).encode(),
        properties=pika.BasicProperties(delivery_mode=pika.DeliveryMode.Persistent),
    )
    connection.close()


@app.post("/enroll", status_code=202, response_model=Accepted)
def enroll(body: EnrollBody, session: SessionDep, response: Response) -> Enrollment:
    """Accept a request; the worker decides it."""
    earlier = select(Enrollment).where(
        Enrollment.student_id == body.student_id,
        Enrollment.course_id == body.course_id,
        col(Enrollment.status).in_(["pending", "enrolled"]),
    )
    if session.exec(earlier).first() is not None:
        raise HTTPException(409, "the student is enrolled already")
    enrollment = Enrollment(student_id=body.student_id, course_id=body.course_id)
    session.add(enrollment)
    session.commit()
    session.refresh(enrollment)
    publish(enrollment.id)
    response.headers["Location"] = f"/enroll/{enrollment.id}"
    return enrollment


@app.get("/enroll/student/{student_id}", response_model=list[Enrollment])
def history_of_student(student_id: int, session: SessionDep, limit: int = 100, offset: int = 0) -> Sequence[Enrollment]:
    """List the requests of a student, the oldest first."""
    statement = select(Enrollment).where(Enrollment.student_id == student_id)
    return session.exec(statement.order_by(col(Enrollment.requested_at)).offset(offset).limit(limit)).all()


@app.get("/enroll/course/{course_id}", response_model=list[Enrollment])
def history_of_course(course_id: int, session: SessionDep, limit: int = 100, offset: int = 0) -> Sequence[Enrollment]:
    """List the requests for a course, the oldest first."""
    statement = select(Enrollment).where(Enrollment.course_id == course_id)
    return session.exec(statement.order_by(col(Enrollment.requested_at)).offset(offset).limit(limit)).all()


@app.get("/enroll/{enrollment_id}", response_model=Enrollment)
def read_enrollment(enrollment_id: UUID, session: SessionDep) -> Enrollment:
    """Read one request and its outcome."""
    enrollment = session.get(Enrollment, enrollment_id)
    if enrollment is None:
        raise HTTPException(404, "there is no such enrolment")
    return enrollment


@app.delete("/enroll/{enrollment_id}", response_model=Enrollment)
def drop(enrollment_id: UUID, session: SessionDep) -> Enrollment:
    """Drop an enrolment; who is dropped is not counted any more, so the seat is free."""
    enrollment = read_enrollment(enrollment_id, session)
    if enrollment.status == "rejected":
        raise HTTPException(409, "the request was rejected")
    enrollment.status = "dropped"
    enrollment.dropped_at = now()
    session.add(enrollment)
    session.commit()
    session.refresh(enrollment)
    return enrollment


if __name__ == "__main__":
    serve(app, settings.port)
