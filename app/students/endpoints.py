"""The HTTP interface of the students service."""

from __future__ import annotations

from http import HTTPStatus

from fastapi import APIRouter
from fastapi.responses import Response

from app.kit.errors import responses
from app.kit.http import (
    DEFAULT_LIMIT,
    WITH_CACHE_STATE,
    WITH_LOCATION,
    DeliveredRequestId,
    Limit,
    Offset,
    PathId,
    cached_response,
    json_response,
)
from app.kit.metrics import Metrics
from app.kit.work import Work
from app.students.errors import StudentNotFoundError
from app.students.schemas import Lookup, LookupResult, StudentBody, StudentPatch, StudentRead
from app.students.service import StudentsService


def public_router(service: StudentsService, work: Work, metrics: Metrics) -> APIRouter:
    """What clients may call."""
    router = APIRouter(prefix="/students", tags=["students"])

    @router.post("", status_code=HTTPStatus.CREATED, response_model=StudentRead, responses={**responses(), 201: WITH_LOCATION})
    async def create(body: StudentBody, request_id: DeliveredRequestId) -> Response:
        student = await work.run(lambda: service.create(body, request_id))
        return json_response(student, HTTPStatus.CREATED, {"Location": f"/students/{student.id}"})

    @router.get("", response_model=list[StudentRead], responses={**responses(), 200: WITH_CACHE_STATE})
    async def page(limit: Limit = DEFAULT_LIMIT, offset: Offset = 0) -> Response:
        return cached_response(await service.page(limit, offset), metrics)

    @router.get("/{student_id}", response_model=StudentRead, responses={**responses(StudentNotFoundError), 200: WITH_CACHE_STATE})
    async def get(student_id: PathId) -> Response:
        return cached_response(await service.get(student_id), metrics)

    @router.put("/{student_id}", response_model=StudentRead, responses=responses(StudentNotFoundError))
    async def replace(student_id: PathId, body: StudentBody) -> Response:
        return json_response(await work.run(lambda: service.replace(student_id, body)))

    @router.patch("/{student_id}", response_model=StudentRead, responses=responses(StudentNotFoundError))
    async def change(student_id: PathId, body: StudentPatch) -> Response:
        return json_response(await work.run(lambda: service.change(student_id, body)))

    @router.delete("/{student_id}", status_code=HTTPStatus.NO_CONTENT, responses=responses(StudentNotFoundError))
    async def remove(student_id: PathId) -> Response:
        await work.run(lambda: service.remove(student_id))
        return Response(status_code=HTTPStatus.NO_CONTENT)

    return router


def internal_router(service: StudentsService, work: Work) -> APIRouter:
    """What other services may call; the gateway's public side does not lead here."""
    router = APIRouter(prefix="/internal/students", tags=["internal"])

    @router.post("/lookup", response_model=LookupResult, responses=responses())
    async def lookup(body: Lookup) -> Response:
        return json_response(await work.run(lambda: service.lookup(body.student_ids)))

    return router
