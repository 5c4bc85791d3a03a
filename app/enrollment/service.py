"""What can be done with requests for enrolment once they are accepted: each use case with its transaction."""

from __future__ import annotations

import logging
from uuid import UUID

from sqlmodel import Session

from app.enrollment import repository
from app.enrollment.clients import PeerRefusedError, Peers
from app.enrollment.decisions import Status
from app.enrollment.errors import EnrollmentNotFoundError, NotEnrolledError
from app.enrollment.models import Enrollment
from app.enrollment.schemas import EnrollmentRead
from app.kit.database import Database
from app.kit.errors import UnavailableError
from app.kit.logging import request_id

log = logging.getLogger(__name__)


class EnrollmentService:
    """The use cases beside acceptance; each runs in a thread for work on the database."""

    def __init__(self, database: Database, peers: Peers) -> None:
        self._database = database
        self._peers = peers

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
            enrollment = repository.drop(session, enrollment_id, request_id.get()) or repository.get(session, enrollment_id)
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


def _read(row: Enrollment) -> EnrollmentRead:
    evidence = row.decision or {}
    fields = row.model_dump(exclude={"seat_release"})
    return EnrollmentRead(**fields, missing_prerequisites=evidence.get("missing"))
