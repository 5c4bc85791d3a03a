"""The one place where an exception becomes an answer."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from http import HTTPStatus

from fastapi import APIRouter, FastAPI
from fastapi.exceptions import RequestValidationError
from fastapi.requests import Request
from fastapi.responses import Response
from starlette.exceptions import HTTPException
from starlette.routing import Match, Route

from app.kit.errors import (
    MEDIA_TYPE,
    InternalError,
    InvalidError,
    InvalidField,
    MethodNotAllowedError,
    NotFoundError,
    ProblemError,
)

log = logging.getLogger(__name__)


def problem_response(error: ProblemError) -> Response:
    """The answer that tells a client of an error."""
    body = error.problem().model_dump_json(exclude_none=True)
    return Response(body, error.status, error.headers(), MEDIA_TYPE)


def invalid(error: RequestValidationError) -> InvalidError:
    """The framework's validation error in our words: every field named, no value repeated."""
    fields = [
        InvalidField(field="body" if item["type"] == "json_invalid" else ".".join(map(str, item["loc"])), detail=item["msg"])
        for item in error.errors()
    ]
    named = ", ".join(sorted({field.field for field in fields}))
    return InvalidError(f"these values are not acceptable: {named}", fields)


def internal(method: str, path: str, error: Exception) -> InternalError:
    """What a client is told of a mistake of ours: nothing but that it was logged."""
    log.error("unexpected error", exc_info=error, extra={"path": path, "method": method})
    return InternalError("the service failed to answer; the log tells more under this request id")


def install(app: FastAPI, routers: Sequence[APIRouter]) -> None:
    """Make the application answer its errors as problem details; what nobody expected is left to :func:`internal`."""

    async def on_problem(request: Request, error: Exception) -> Response:
        return problem_response(_problem_of(request, error, routers))

    for kind in (ProblemError, RequestValidationError, HTTPException):
        app.add_exception_handler(kind, on_problem)


def _problem_of(request: Request, error: Exception, routers: Sequence[APIRouter]) -> ProblemError:
    if isinstance(error, ProblemError):
        return error
    if isinstance(error, RequestValidationError):
        return invalid(error)
    if isinstance(error, HTTPException):
        return _of_framework(request, error, routers)
    return internal(request.method, request.url.path, error)


def _of_framework(request: Request, error: HTTPException, routers: Sequence[APIRouter]) -> ProblemError:
    if isinstance(error.__cause__, ProblemError):  # the framework wraps whatever happens while it reads a body
        return error.__cause__
    if error.status_code == HTTPStatus.NOT_FOUND:
        return NotFoundError("this path does not exist")
    if error.status_code == HTTPStatus.METHOD_NOT_ALLOWED:
        allowed = ", ".join(_allowed_methods(request, routers)) or (error.headers or {}).get("Allow", "")
        return MethodNotAllowedError(f"{request.method} is not possible here", allowed)
    return InvalidError("the body could not be read", [InvalidField(field="body", detail="not readable as JSON")])


def _allowed_methods(request: Request, routers: Sequence[APIRouter]) -> list[str]:
    """Those of every route of this path; the framework's own answer has those of the first one only."""
    routes = [route for router in routers for route in router.routes if isinstance(route, Route)]
    return sorted({method for route in routes if route.matches(request.scope)[0] is not Match.NONE for method in route.methods or ()})
