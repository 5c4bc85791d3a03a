"""What becomes of the requests of one batch."""

from __future__ import annotations

from uuid import UUID, uuid4

import pytest

from app.enrollment.acceptance import outcomes
from app.enrollment.errors import AlreadyEnrolledError, IdempotencyKeyReusedError
from app.enrollment.repository import NewRequest, StoredRequest
from app.enrollment.schemas import Accepted
from app.kit.errors import ProblemError


def _new(student_id: int = 1, course_id: int = 1, key: str | None = None) -> NewRequest:
    return NewRequest(uuid4(), student_id, course_id, key, None)


def _stored(request: NewRequest, *, accepted: bool = True) -> StoredRequest:
    return StoredRequest(request.id, request.student_id, request.course_id, request.idempotency_key, accepted)


def _ids(results: list[Accepted | ProblemError]) -> list[UUID | type[ProblemError]]:
    return [result.id if isinstance(result, Accepted) else type(result) for result in results]


def test_what_was_stored_is_accepted_under_its_own_id() -> None:
    """The results come in the order of the requests."""
    batch = [_new(student_id=1), _new(student_id=2)]
    assert _ids(outcomes(batch, {request.id for request in batch}, [])) == [batch[0].id, batch[1].id]


def test_the_same_student_and_course_twice_in_one_batch_is_one_request() -> None:
    """The first is accepted, the second is a conflict."""
    first, second = _new(), _new()
    assert _ids(outcomes([first, second], {first.id}, [])) == [first.id, AlreadyEnrolledError]


def test_the_same_key_twice_in_one_batch_is_one_request() -> None:
    """With the same body the second gets the first one's id, with another body it is refused."""
    first, again, other = _new(key="k"), _new(key="k"), _new(course_id=2, key="k")
    assert _ids(outcomes([first, again, other], {first.id}, [_stored(first)])) == [first.id, first.id, IdempotencyKeyReusedError]


@pytest.mark.parametrize("key", [None, "mine"])
def test_a_conflict_that_is_not_about_the_key_is_one_about_the_enrolment(key: str | None) -> None:
    """Nothing is known under the request's key, so it was the student and the course."""
    request = _new(key=key)
    assert _ids(outcomes([request], set(), [_stored(_new(key="of another one"))])) == [AlreadyEnrolledError]


def test_a_request_that_a_lost_attempt_has_stored_is_accepted() -> None:
    """The transaction that was repeated after its answer got lost finds its own rows."""
    request = _new(key="k")
    assert _ids(outcomes([request], set(), [_stored(request)])) == [request.id]


def test_a_key_that_was_refused_is_refused_again() -> None:
    """Also a first attempt at the transaction may have left it; another body is still another body."""
    first, again, other = _new(key="k"), _new(key="k"), _new(course_id=2, key="k")
    left = [_stored(first, accepted=False)]
    assert _ids(outcomes([first, again, other], set(), left)) == [AlreadyEnrolledError, AlreadyEnrolledError, IdempotencyKeyReusedError]
