"""The databases behind the services, which nobody but a test looks into."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import psycopg2
from psycopg2.extensions import connection as Connection  # noqa: N812 - a class with the name of a function

from infra import operations
from infra.deployment import Deployment
from tests.race.history import Account


def connect(deployment: Deployment, service: str) -> Connection:
    """A connection to the service's database; a deployment tells nobody its owner's address, so it comes from a replica's environment."""
    main, *_ = operations.processes(deployment, f"{service}-1")
    url = main.environ()["SPIRE_DATABASE_URL"].replace("postgresql+psycopg2://", "postgresql://")
    connection = psycopg2.connect(url)
    connection.autocommit = True
    return connection


def accounts(courses: Connection, course_ids: Sequence[int]) -> list[Account]:
    """Seats taken and reservations that hold them, of these courses at one moment."""
    statement = """
        SELECT id, capacity, taken, (SELECT count(*) FROM reservations WHERE course_id = courses.id AND outcome = 'accepted')
        FROM courses WHERE id = ANY(%s)
        """
    return [Account(*row) for row in _rows(courses, statement, list(course_ids))]


def reservations(courses: Connection, course_ids: Sequence[int]) -> frozenset[str]:
    """The requests for enrolment that hold a seat of these courses."""
    statement = "SELECT id::text FROM reservations WHERE outcome = 'accepted' AND course_id = ANY(%s)"
    return frozenset(row[0] for row in _rows(courses, statement, list(course_ids)))


def tasks_left(enrollment: Connection) -> int:
    """Tasks whose effect is not stored yet."""
    [[count]] = _rows(enrollment, "SELECT count(*) FROM outbox")
    return int(count)


def _rows(connection: Connection, statement: str, *parameters: object) -> list[tuple[Any, ...]]:
    with connection.cursor() as cursor:
        cursor.execute(statement, parameters)
        rows: list[tuple[Any, ...]] = cursor.fetchall()
        return rows
