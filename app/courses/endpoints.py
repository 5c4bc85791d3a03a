"""The HTTP interface of the courses service."""

from __future__ import annotations

from http import HTTPStatus
from typing import Annotated

from fastapi import APIRouter, Query
from fastapi.responses import Response

from app.courses.errors import CapacityBelowTakenError, CourseInUseError, CourseNotFoundError, DuplicateCodeError
from app.courses.reservations import ReservationsService
from app.courses.schemas import (
    Code,
    CourseBody,
    CoursePatch,
    CourseRead,
    ReleaseBatch,
    ReleaseResult,
    ReservationBatch,
    ReservationResult,
    Seats,
)
from app.courses.service import CoursesService
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

_CHANGE_ERRORS = responses(CourseNotFoundError, DuplicateCodeError, CapacityBelowTakenError)


def public_router(service: CoursesService, work: Work, metrics: Metrics) -> APIRouter:
    """What clients may call."""
    router = APIRouter(prefix="/courses", tags=["courses"])

    @router.post(
        "", status_code=HTTPStatus.CREATED, response_model=CourseRead, responses={**responses(DuplicateCodeError), 201: WITH_LOCATION}
    )
    async def create(body: CourseBody, request_id: DeliveredRequestId) -> Response:
        course = await work.run(lambda: service.create(body, request_id))
        return json_response(course, HTTPStatus.CREATED, {"Location": f"/courses/{course.id}"})

    @router.get("", response_model=list[CourseRead], responses={**responses(), 200: WITH_CACHE_STATE})
    async def page(limit: Limit = DEFAULT_LIMIT, offset: Offset = 0, code: Annotated[Code | None, Query()] = None) -> Response:
        return cached_response(await service.page(limit, offset, code), metrics)

    @router.get("/{course_id}", response_model=CourseRead, responses={**responses(CourseNotFoundError), 200: WITH_CACHE_STATE})
    async def get(course_id: PathId) -> Response:
        return cached_response(await service.get(course_id), metrics)

    @router.get("/{course_id}/seats", response_model=Seats, responses=responses(CourseNotFoundError))
    async def seats(course_id: PathId) -> Response:
        return json_response(await work.run(lambda: service.seats(course_id)), headers={"Cache-Control": "no-store"})

    @router.put("/{course_id}", response_model=CourseRead, responses=_CHANGE_ERRORS)
    async def replace(course_id: PathId, body: CourseBody) -> Response:
        return json_response(await work.run(lambda: service.replace(course_id, body)))

    @router.patch("/{course_id}", response_model=CourseRead, responses=_CHANGE_ERRORS)
    async def change(course_id: PathId, body: CoursePatch) -> Response:
        return json_response(await work.run(lambda: service.change(course_id, body)))

    @router.delete("/{course_id}", status_code=HTTPStatus.NO_CONTENT, responses=responses(CourseNotFoundError, CourseInUseError))
    async def remove(course_id: PathId) -> Response:
        await work.run(lambda: service.remove(course_id))
        return Response(status_code=HTTPStatus.NO_CONTENT)

    return router


def internal_router(service: ReservationsService, work: Work) -> APIRouter:
    """What other services may call; the gateway's public side does not lead here."""
    router = APIRouter(prefix="/internal/courses", tags=["internal"])

    @router.post("/reservations", response_model=ReservationResult, responses=responses())
    async def reserve(body: ReservationBatch) -> Response:
        return json_response(ReservationResult(reservations=await work.run(lambda: service.reserve(body.reservations))))

    @router.post("/releases", response_model=ReleaseResult, responses=responses())
    async def release(body: ReleaseBatch) -> Response:
        return json_response(ReleaseResult(freed=await work.run(lambda: service.release(body.releases))))

    return router
