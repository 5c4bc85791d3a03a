"""What can be done with requests for enrolment: each use case with its transaction."""

from __future__ import annotations

import logging
from collections.abc import Callable
from uuid import UUID, uuid4

from sqlmodel import Session

from app.enrollment import repository
from app.enrollment.clients import PeerRefusedError, Peers
from app.enrollment.decisions import Status
from app.enrollment.errors import AlreadyEnrolledError, EnrollmentNotFoundError, IdempotencyKeyReusedError, NotEnrolledError
from app.enrollment.models import Enrollment
from app.enrollment.schemas import Accepted, EnrollBody, EnrollmentRead
from app.kit.database import Database
from app.kit.delivery import delivery_key
from app.kit.errors import UnavailableError

log = logging.getLogger(__name__)


class EnrollmentService:
    """The use cases of the enrollment service."""

    def __init__(self, database: Database, peers: Peers, on_accepted: Callable[[], None]) -> None:
        """``on_accepted`` is called after each commit that leaves a task in the outbox."""
        self._database = database
        self._peers = peers
        self._on_accepted = on_accepted

    def accept(self, body: EnrollBody, idempotency_key: str | None, request_id: str | None) -> Accepted:
        """Take the request to be decided later.

        The same Idempotency-Key with the same body gives the same request. Without one, the request id of the gateway tells a second
        delivery from a second request.
        """
        key = f"key:{idempotency_key}" if idempotency_key is not None else _prefixed("delivery:", delivery_key(request_id, body))

        def work(session: Session) -> UUID:
            enrollment_id = uuid4()
            if repository.accept(session, enrollment_id, body.student_id, body.course_id, key):
                return enrollment_id
            earlier = repository.of_key(session, key) if key is not None else None
            if earlier is None:
                raise AlreadyEnrolledError(body.student_id, body.course_id)
            if (earlier.student_id, earlier.course_id) != (body.student_id, body.course_id):
                raise IdempotencyKeyReusedError
            return earlier.id

        accepted = Accepted(id=self._database.write(work))
        self._on_accepted()
        return accepted

    def get(self, enrollment_id: UUID) -> EnrollmentRead:
        """A request and its outcome."""
        found = self._database.read(lambda session: repository.get(session, enrollment_id))
        if found is None:
            raise EnrollmentNotFoundError(enrollment_id)
        return _read(found)

    def of_student(self, student_id: int, limit: int, offset: int) -> list[EnrollmentRead]:
        """A student's history, the oldest request first."""
        return [_read(row) for row in self._database.read(lambda session: repository.of_student(session, student_id, limit, offset))]

    def of_course(self, course_id: int, limit: int, offset: int) -> list[EnrollmentRead]:
        """A course's history, the oldest request first."""
        return [_read(row) for row in self._database.read(lambda session: repository.of_course(session, course_id, limit, offset))]

    def drop(self, enrollment_id: UUID) -> EnrollmentRead:
        """Drop the enrolment; its seat is free when this returns, or soon after where the courses service is away."""

        def work(session: Session) -> Enrollment:
            enrollment = repository.drop(session, enrollment_id) or repository.get(session, enrollment_id)
            if enrollment is None:
                raise EnrollmentNotFoundError(enrollment_id)
            if enrollment.status == Status.REJECTED:
                raise NotEnrolledError(enrollment_id)
            return enrollment

        dropped = self._database.write(work)
        if dropped.seat_release == "due":
            self._give_up_seat(dropped)
        return _read(dropped)

    def _give_up_seat(self, dropped: Enrollment) -> None:
        try:
            self._peers.release([(dropped.id, dropped.course_id)])
            self._database.write(lambda session: repository.seats_released(session, [dropped.id]))
        except (UnavailableError, PeerRefusedError) as error:
            log.warning("a seat could not be given up yet; its task is in the outbox", extra={"error": str(error)})


def _prefixed(prefix: str, key: str | None) -> str | None:
    """Apart from the keys that clients choose."""
    return None if key is None else prefix + key


def _read(row: Enrollment) -> EnrollmentRead:
    evidence = row.decision or {}
    fields = row.model_dump(exclude={"idempotency_key", "seat_release"})
    return EnrollmentRead(**fields, missing_prerequisites=evidence.get("missing"))
