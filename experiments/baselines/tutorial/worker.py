"""The enrolment worker: ``python -m experiments.baselines.tutorial.worker``."""

from __future__ import annotations

import logging
import threading
import time
from http import HTTPStatus
from typing import Any
from uuid import UUID

import httpx
import pika  # type: ignore[import-untyped]  # it ships annotations without the py.typed marker
import pika.exceptions  # type: ignore[import-untyped]
from sqlalchemy.exc import SQLAlchemyError
from sqlmodel import Session, func, select

from experiments.baselines.tutorial.application import create_app, serve
from experiments.baselines.tutorial.database import engine
from experiments.baselines.tutorial.enrollments import QUEUE, Enrollment, now
from experiments.baselines.tutorial.settings import settings

RECONNECT_S = 1.0

log = logging.getLogger(__name__)
peers = httpx.Client(base_url=settings.peers_url, trust_env=False)


def fetch(path: str) -> Any:
    """What a peer answers; None where it knows no such thing."""
    response = peers.get(path)
    if response.status_code == HTTPStatus.NOT_FOUND:
        return None
    return response.raise_for_status().json()


def decide(session: Session, student_id: int, course_id: int) -> dict[str, Any]:
    """The outcome of a request, as values of its row."""
    student = fetch(f"/internal/students/{student_id}")
    if student is None:
        return {"status": "rejected", "reason": "unknown_student"}
    course = fetch(f"/internal/courses/{course_id}")
    if course is None:
        return {"status": "rejected", "reason": "unknown_course"}
    missing = [code for code in course["prerequisites"] if code not in student["completed_courses"]]
    if missing:
        return {"status": "rejected", "reason": "missing_prerequisites", "missing_prerequisites": missing}
    enrolled = select(func.count()).where(Enrollment.course_id == course_id, Enrollment.status == "enrolled")
    if session.exec(enrolled).one() >= course["capacity"]:
        return {"status": "rejected", "reason": "course_full"}
    return {"status": "enrolled"}


def on_message(channel: Any, method: Any, _properties: Any, body: bytes) -> None:
    """Decide one request."""
    with Session(engine) as session:
        enrollment = session.get(Enrollment, UUID(body.decode()))
        if enrollment is not None and enrollment.status == "pending":
            outcome = decide(session, enrollment.student_id, enrollment.course_id)
            enrollment.sqlmodel_update(outcome | {"decided_at": now()})
            session.add(enrollment)
            session.commit()
    channel.basic_ack(method.delivery_tag)


def consume() -> None:
    """Consume for ever; after an error what was not acknowledged is delivered again on the next connection."""
    while True:
        try:
            connection = pika.BlockingConnection(pika.URLParameters(settings.broker_url.get_secret_value()))
            channel = connection.channel()
            channel.queue_declare(queue=QUEUE, durable=True)
            channel.basic_qos(prefetch_count=settings.prefetch)
            channel.basic_consume(QUEUE, on_message)
            channel.start_consuming()
        except (pika.exceptions.AMQPError, httpx.HTTPError, SQLAlchemyError):
            log.exception("the worker connects again")
            time.sleep(RECONNECT_S)


app = create_app("worker", on_start=threading.Thread(target=consume, daemon=True).start)


if __name__ == "__main__":
    serve(app, settings.health_port)
