"""Reads the business state from each database, each in one snapshot, as a role that can change nothing."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any, Final, Literal

import psycopg2
from pydantic import SecretStr

from experiments.errors import TrialError
from experiments.records.history import CountsRow, CourseRow, Decision, EnrollmentRow, ReservationRow, Row, StudentRow
from experiments.runner.looks import Before, Clock

CONNECT_TIMEOUT_S: Final = 2
STATEMENT_TIMEOUT_S: Final = 30
"""Tens of thousands of rows take a second."""
KEY_PREFIX: Final = "key:"
"""What the enrollment service puts before a key that a client chose."""
EVIDENCE: Final = ("course_version", "student_version", "capacity", "taken")
"""What is kept of a decision here: its lists are long, and the read through the API has them."""

_COURSES: Final = """
    SELECT id, version, prerequisites, capacity, taken, coalesce(reserved, 0)
    FROM courses LEFT JOIN
        (SELECT course_id, count(*) AS reserved FROM reservations WHERE outcome = 'accepted' GROUP BY course_id) AS held ON course_id = id
    ORDER BY id
"""
_ENROLLED: Final = """
    SELECT course_id, count(*) FILTER (WHERE status = 'enrolled'), count(*) FILTER (WHERE status = 'pending')
    FROM enrollments GROUP BY course_id ORDER BY course_id
"""
_STATES: Final = "SELECT CAST(id AS text), status FROM enrollments"
_COUNTS: Final = (
    "SELECT count(*) FILTER (WHERE status = 'pending'), (SELECT count(*) FROM outbox), (SELECT count(*) FROM inbox) FROM enrollments"
)
_ENROLLMENTS: Final = """
    SELECT CAST(id AS text), enrollments.student_id, enrollments.course_id, status, reason, decision, key
    FROM enrollments
    LEFT JOIN unnest(CAST(%s AS uuid[])) AS known (known_id) ON known_id = id
    LEFT JOIN idempotency_keys ON enrollment_id = id
    WHERE known_id IS NULL ORDER BY requested_at, id
"""
"""An anti-join: older PostgreSQL compares every row with every element of a long list."""
_RESERVATIONS: Final = """
    SELECT CAST(id AS text), course_id, outcome
    FROM reservations LEFT JOIN unnest(CAST(%s AS uuid[])) AS known (known_id) ON known_id = id
    WHERE known_id IS NULL ORDER BY decided_at, id
"""
_STUDENTS: Final = "SELECT id, version, completed_courses FROM students WHERE id = ANY(%s) ORDER BY id"

Source = Literal["courses-db", "students-db", "enrollment-db"]
Moment = Literal["initial", "final"]
_Fetch = Callable[..., Sequence[tuple[Any, ...]]]


class DatabaseReader:
    """The three databases, by the DSN of each service's."""

    def __init__(self, dsns: Mapping[str, SecretStr], clock: Clock) -> None:
        self._dsns = dsns
        self._clock = clock

    def before(self) -> Before:
        """The courses and how many are enrolled in each, and the state of each enrolment.

        Raises:
            TrialError: a database can't be read.
        """
        rows: list[Row] = [*self._courses("initial")]
        began_s = self._clock()
        with self._snapshot("enrollment") as fetch:
            counted, states = fetch(_ENROLLED), fetch(_STATES)
        rows += self._enrolled("initial", counted, began_s)
        return Before(tuple(rows), {str(enrollment): str(state) for enrollment, state in states})

    def under_way(self) -> int:
        """Requests that are not decided and tasks whose effect is not stored.

        Raises:
            TrialError: the database can't be read.
        """
        with self._snapshot("enrollment") as fetch:
            ((pending, outbox, _),) = fetch(_COUNTS)
        return int(pending) + int(outbox)

    def after(self, students: Collection[int], known: Mapping[str, str]) -> list[Row]:
        """Everything that this trial made or changed, and the courses and students that it was about.

        Raises:
            TrialError: a database can't be read.
        """
        rows: list[Row] = [*self._courses("final")]
        rows += self._reservations(known)
        rows += self._students(students)
        began_s = self._clock()
        with self._snapshot("enrollment") as fetch:
            counts, counted, states = fetch(_COUNTS), fetch(_ENROLLED), fetch(_STATES)
            unchanged = [enrollment for enrollment, state in states if known.get(enrollment) == state]
            enrollments = fetch(_ENROLLMENTS, unchanged)
        at: dict[str, Any] = self._at("enrollment-db", "final", began_s)
        ((pending, outbox, inbox),) = counts
        rows += self._enrolled("final", counted, began_s)
        rows += [_enrollment(at, row) for row in enrollments]
        rows.append(CountsRow(**at, pending=pending, outbox=outbox, inbox=inbox))
        return rows

    def _courses(self, moment: Moment) -> list[CourseRow]:
        began_s = self._clock()
        with self._snapshot("courses") as fetch:
            found = fetch(_COURSES)
        at: dict[str, Any] = self._at("courses-db", moment, began_s)
        return [
            CourseRow(**at, course=course, version=version, prerequisites=tuple(needed), capacity=capacity, taken=taken, reserved=reserved)
            for course, version, needed, capacity, taken, reserved in found
        ]

    def _enrolled(self, moment: Moment, counted: Sequence[tuple[Any, ...]], began_s: float) -> list[CourseRow]:
        at: dict[str, Any] = self._at("enrollment-db", moment, began_s)
        return [CourseRow(**at, course=course, enrolled=enrolled, pending=pending) for course, enrolled, pending in counted]

    def _reservations(self, known: Collection[str]) -> list[ReservationRow]:
        began_s = self._clock()
        with self._snapshot("courses") as fetch:
            found = fetch(_RESERVATIONS, list(known))
        at: dict[str, Any] = self._at("courses-db", "final", began_s)
        return [ReservationRow(**at, enrollment=enrollment, course=course, outcome=outcome) for enrollment, course, outcome in found]

    def _students(self, students: Collection[int]) -> list[StudentRow]:
        began_s = self._clock()
        with self._snapshot("students") as fetch:
            found = fetch(_STUDENTS, sorted(students))
        at: dict[str, Any] = self._at("students-db", "final", began_s)
        return [StudentRow(**at, student=student, version=version, completed_courses=tuple(codes)) for student, version, codes in found]

    def _at(self, source: Source, moment: Moment, began_s: float) -> dict[str, Any]:
        return {"source": source, "moment": moment, "began_s": began_s, "at_s": self._clock()}

    @contextmanager
    def _snapshot(self, service: str) -> Iterator[_Fetch]:
        try:
            connection = psycopg2.connect(
                self._dsns[service].get_secret_value(),
                connect_timeout=CONNECT_TIMEOUT_S,
                options=f"-c statement_timeout={STATEMENT_TIMEOUT_S * 1000}",
                application_name="spirelab-look",
            )
            try:
                connection.set_session(isolation_level="REPEATABLE READ", readonly=True)
                with connection.cursor() as cursor:

                    def fetch(statement: str, *parameters: Any) -> Sequence[tuple[Any, ...]]:
                        cursor.execute(statement, parameters)
                        return cursor.fetchall()

                    yield fetch
            finally:
                connection.close()
        except psycopg2.Error as error:
            lines = str(error).strip().splitlines()
            raise TrialError(f"the tables of {service}-db can't be read ({lines[0] if lines else type(error).__name__})") from None


def _enrollment(at: dict[str, Any], row: tuple[Any, ...]) -> EnrollmentRow:
    enrollment, student, course, state, reason, decision, key = row
    return EnrollmentRow(
        **at,
        enrollment=enrollment,
        student=student,
        course=course,
        state=state,
        reason=reason,
        decision=Decision.of({name: decision[name] for name in EVIDENCE if name in decision}) if decision is not None else None,
        key=key.removeprefix(KEY_PREFIX) if key is not None else None,
    )
