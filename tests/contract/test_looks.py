"""What the lab sees when it looks into the databases, and that it can't change what it sees."""

from __future__ import annotations

import time
import uuid
from collections.abc import Mapping

import psycopg2
import pytest
from pydantic import SecretStr

from experiments.errors import TrialError
from experiments.records.history import CountsRow, CourseRow, EnrollmentRow, ReservationRow, Row, StudentRow
from experiments.runner.database_read import DatabaseReader
from infra.deployment import Deployment
from tests.contract.client import Client, eventually


@pytest.fixture
def dsns(lab: Deployment) -> Mapping[str, SecretStr]:
    """Of the role that reads tables."""
    return lab.credentials.reader_dsns


def _of(rows: list[Row], kind: type[Row], **fields: object) -> list[Row]:
    return [row for row in rows if isinstance(row, kind) and all(getattr(row, name) == value for name, value in fields.items())]


def test_the_databases_tell_what_a_trial_made_and_what_was_there_before(client: Client, dsns: Mapping[str, SecretStr]) -> None:
    """Rows of what is new or changed, with the client's own keys; counts of the rest."""
    course, other = client.course(capacity=2), client.course(capacity=9)
    student, earlier = client.student("CS100"), client.student()
    kept, dropped = (client.enrolled(earlier["id"], found["id"])["id"] for found in (course, other))
    databases = DatabaseReader(dsns, time.monotonic)
    before = databases.before()
    assert (before.known[kept], before.known[dropped]) == ("enrolled", "enrolled")
    (counted,) = _of(list(before.rows), CourseRow, course=course["id"], source="enrollment-db")
    assert isinstance(counted, CourseRow)
    assert (counted.enrolled, counted.pending, counted.moment) == (1, 0, "initial")

    key = uuid.uuid4().hex
    accepted = client.enroll(student["id"], course["id"], {"Idempotency-Key": key}).json()["id"]
    assert client.outcome(accepted)["status"] == "enrolled"
    client.http.delete(f"/enroll/{dropped}")
    eventually(databases.under_way, lambda count: count == 0)
    after = databases.after([student["id"]], before.known)

    assert _of(after, EnrollmentRow, enrollment=kept) == []
    (changed,) = _of(after, EnrollmentRow, enrollment=dropped)
    (made,) = _of(after, EnrollmentRow, enrollment=accepted)
    assert isinstance(changed, EnrollmentRow)
    assert isinstance(made, EnrollmentRow)
    assert changed.state == "dropped"
    assert (made.state, made.key, made.student, made.course) == ("enrolled", key, student["id"], course["id"])
    assert made.decision is not None
    assert (made.decision.taken, made.decision.capacity) == (1, 2)
    (seats,) = _of(after, CourseRow, course=course["id"], source="courses-db")
    assert isinstance(seats, CourseRow)
    assert (seats.capacity, seats.taken, seats.reserved, seats.version, seats.prerequisites) == (2, 2, 2, 1, ())
    assert _of(after, ReservationRow, enrollment=accepted, outcome="accepted")
    (person,) = _of(after, StudentRow)
    assert isinstance(person, StudentRow)
    assert (person.student, person.completed_courses) == (student["id"], ("CS100",))
    (counts,) = _of(after, CountsRow)
    assert isinstance(counts, CountsRow)
    assert (counts.pending, counts.outbox) == (0, 0)
    assert counts.inbox > 0


@pytest.mark.parametrize(("service", "table"), [("courses", "courses"), ("students", "students"), ("enrollment", "enrollments")])
def test_who_looks_can_not_touch(lab: Deployment, client: Client, service: str, table: str) -> None:
    """The role reads every table of its service and may change none."""
    client.student()
    connection = psycopg2.connect(lab.credentials.reader_dsns[service].get_secret_value())
    try:
        with connection.cursor() as cursor:
            cursor.execute(f"SELECT count(*) FROM {table}")  # noqa: S608 - the names above
            for statement in (f"DELETE FROM {table}", "CREATE TABLE mine (id int)"):  # noqa: S608 - the names above
                connection.rollback()
                with pytest.raises(psycopg2.errors.InsufficientPrivilege):
                    cursor.execute(statement)
    finally:
        connection.close()


def test_a_database_that_can_not_be_read_is_named(dsns: Mapping[str, SecretStr]) -> None:
    """In one line, without its password."""
    wrong = SecretStr(dsns["courses"].get_secret_value().replace("lab_reader", "nobody"))
    with pytest.raises(TrialError, match=r"the tables of courses-db can't be read") as caught:
        DatabaseReader({**dsns, "courses": wrong}, time.monotonic).before()
    password = wrong.get_secret_value().split(":")[2].split("@")[0]
    assert password not in str(caught.value)
    assert "\n" not in str(caught.value)
