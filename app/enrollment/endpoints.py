"""The HTTP interface of the enrollment service."""

from __future__ import annotations

from http import HTTPStatus
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Header
from fastapi.responses import Response
from pydantic import TypeAdapter

from app.enrollment.acceptance import Acceptance
from app.enrollment.errors import AlreadyEnrolledError, EnrollmentNotFoundError, IdempotencyKeyReusedError, NotEnrolledError
from app.enrollment.schemas import IDEMPOTENCY_KEY_PATTERN, LONGEST_IDEMPOTENCY_KEY, Accepted, EnrollBody, EnrollmentRead
from app.enrollment.service import EnrollmentService
from app.kit.errors import responses
from app.kit.http import DEFAULT_LIMIT, WITH_LOCATION, DeliveredRequestId, Limit, Offset, PathId, json_response
from app.kit.work import Work

IdempotencyKey = Annotated[
    str | None, Header(alias="Idempotency-Key", min_length=1, max_length=LONGEST_IDEMPOTENCY_KEY, pattern=IDEMPOTENCY_KEY_PATTERN)
]
_PAGE = TypeAdapter(list[EnrollmentRead])


def public_router(acceptance: Acceptance, service: EnrollmentService, work: Work) -> APIRouter:
    """What clients may call."""
    router = APIRouter(prefix="/enroll", tags=["enrollment"])

    @router.post(
        "",
        status_code=HTTPStatus.ACCEPTED,
        response_model=Accepted,
        responses={**responses(AlreadyEnrolledError, IdempotencyKeyReusedError), 202: WITH_LOCATION},
    )
    async def enroll(body: EnrollBody, request_id: DeliveredRequestId, idempotency_key: IdempotencyKey = None) -> Response:
        accepted = await acceptance.accept(body, idempotency_key, request_id)
        return json_response(accepted, HTTPStatus.ACCEPTED, {"Location": f"/enroll/{accepted.id}"})

    @router.get("/student/{student_id}", response_model=list[EnrollmentRead], responses=responses())
    async def of_student(student_id: PathId, limit: Limit = DEFAULT_LIMIT, offset: Offset = 0) -> Response:
        return json_response(_PAGE.dump_json(await work.run(lambda: service.of_student(student_id, limit, offset))))

    @router.get("/course/{course_id}", response_model=list[EnrollmentRead], responses=responses())
    async def of_course(course_id: PathId, limit: Limit = DEFAULT_LIMIT, offset: Offset = 0) -> Response:
        return json_response(_PAGE.dump_json(await work.run(lambda: service.of_course(course_id, limit, offset))))

    @router.get("/{enrollment_id}", response_model=EnrollmentRead, responses=responses(EnrollmentNotFoundError))
    async def get(enrollment_id: UUID) -> Response:
        return json_response(await work.run(lambda: service.get(enrollment_id)))

    @router.delete("/{enrollment_id}", response_model=EnrollmentRead, responses=responses(EnrollmentNotFoundError, NotEnrolledError))
    async def drop(enrollment_id: UUID) -> Response:
        return json_response(await work.run(lambda: service.drop(enrollment_id)))

    return router
