"""What can go wrong with a request for enrolment."""

from http import HTTPStatus
from uuid import UUID

from app.kit.errors import ConflictError, InvalidError, InvalidField, NotFoundError


class EnrollmentNotFoundError(NotFoundError):
    """There is no enrolment of that id."""

    name = "enrollment-not-found"
    title = "There is no such enrolment"

    def __init__(self, enrollment_id: UUID) -> None:
        super().__init__(f"there is no enrolment {enrollment_id}")


class AlreadyEnrolledError(ConflictError):
    """The student is enrolled in the course, or asked to be and waits for the decision."""

    name = "already-enrolled"
    title = "The student is enrolled already"

    def __init__(self, student_id: int, course_id: int) -> None:
        super().__init__(f"student {student_id} is enrolled in course {course_id} already, or waits for the decision")


class NotEnrolledError(ConflictError):
    """A rejected request can't be dropped."""

    name = "not-enrolled"
    title = "The request was rejected"

    def __init__(self, enrollment_id: UUID) -> None:
        super().__init__(f"enrolment {enrollment_id} was rejected; there is nothing to drop")


class IdempotencyKeyReusedError(InvalidError):
    """The key belongs to a request with another body."""

    status = HTTPStatus.UNPROCESSABLE_ENTITY
    name = "idempotency-key-reused"
    title = "The Idempotency-Key belongs to another request"

    def __init__(self) -> None:
        detail = "this Idempotency-Key was sent before with another body"
        super().__init__(detail, [InvalidField(field="header.Idempotency-Key", detail=detail)])
