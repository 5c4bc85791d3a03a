"""The errors that a service may answer with: problem details (RFC 9457) with a stable type."""

from __future__ import annotations

from collections.abc import Mapping
from http import HTTPStatus
from typing import Any, ClassVar

from pydantic import BaseModel, Field

MEDIA_TYPE = "application/problem+json"
TYPE_PREFIX = "urn:spire:problem:"
RETRY_AFTER_S = 1
"""What a client is asked to wait where a dependency is away: the order of a replica's or a connection's recovery."""
RETRY_AFTER = {"Retry-After": "seconds after which to come again"}


class InvalidField(BaseModel):
    """One value that was refused."""

    field: str = Field(description="where it stands, as in body.capacity or path.course_id")
    detail: str


class Problem(BaseModel):
    """The body of every error."""

    type: str = Field(description=f"stable name of the kind of error, {TYPE_PREFIX}...")
    title: str
    status: int
    detail: str
    errors: list[InvalidField] | None = Field(None, description="every invalid field, where the status is 422")


class ProblemError(Exception):
    """The one base of what a client is told; a subclass is a kind of problem, an instance one occurrence."""

    status: ClassVar[HTTPStatus]
    name: ClassVar[str]
    title: ClassVar[str]
    described_headers: ClassVar[Mapping[str, str]] = {}
    """Those of :meth:`headers` that OpenAPI tells of, by their meaning."""

    def __init__(self, detail: str) -> None:
        super().__init__(detail)
        self.detail = detail

    def headers(self) -> dict[str, str]:
        """Headers that belong to this kind of problem."""
        return {}

    def problem(self) -> Problem:
        """The body that tells it."""
        return Problem(type=TYPE_PREFIX + self.name, title=self.title, status=self.status, detail=self.detail)


class NotFoundError(ProblemError):
    """What was asked for does not exist."""

    status = HTTPStatus.NOT_FOUND
    name = "not-found"
    title = "There is no such thing"


class MethodNotAllowedError(ProblemError):
    """The path exists, not for this method."""

    status = HTTPStatus.METHOD_NOT_ALLOWED
    name = "method-not-allowed"
    title = "The method is not allowed here"

    def __init__(self, detail: str, allow: str) -> None:
        super().__init__(detail)
        self.allow = allow

    def headers(self) -> dict[str, str]:
        """The methods that are (RFC 9110, 15.5.6)."""
        return {"Allow": self.allow}


class ConflictError(ProblemError):
    """The request contradicts the state that is stored."""

    status = HTTPStatus.CONFLICT
    name = "conflict"
    title = "The request conflicts with the current state"


class TooLargeError(ProblemError):
    """The body is longer than the service reads."""

    status = HTTPStatus.REQUEST_ENTITY_TOO_LARGE
    name = "too-large"
    title = "The body is too large"


class InvalidError(ProblemError):
    """The request has values that can't be accepted; every one is named."""

    status = HTTPStatus.UNPROCESSABLE_ENTITY
    name = "invalid"
    title = "The request is invalid"

    def __init__(self, detail: str, fields: list[InvalidField]) -> None:
        super().__init__(detail)
        self.fields = fields

    def problem(self) -> Problem:
        """The body with the list of fields."""
        return super().problem().model_copy(update={"errors": self.fields})


class UnavailableError(ProblemError):
    """A dependency that is needed is away; nothing is wrong with the request."""

    status = HTTPStatus.SERVICE_UNAVAILABLE
    name = "unavailable"
    title = "A part of the system is away"
    described_headers = RETRY_AFTER

    def headers(self) -> dict[str, str]:
        """When to come again."""
        return {"Retry-After": str(RETRY_AFTER_S)}


class OverloadedError(ProblemError):
    """The replica has more to do than it can do in time; the request has had no effect."""

    status = HTTPStatus.SERVICE_UNAVAILABLE
    name = "overloaded"
    title = "Too many requests at once"
    described_headers = RETRY_AFTER

    def __init__(self) -> None:
        super().__init__("this replica has more to do than it can do in time")

    def headers(self) -> dict[str, str]:
        """When to come again."""
        return {"Retry-After": str(RETRY_AFTER_S)}


class InternalError(ProblemError):
    """A mistake of ours; its details are in the log, under the request id."""

    status = HTTPStatus.INTERNAL_SERVER_ERROR
    name = "internal"
    title = "The service failed"


def responses(*kinds: type[ProblemError]) -> dict[int | str, dict[str, Any]]:
    """What OpenAPI says of an endpoint's errors: those kinds, and those that any endpoint with inputs has."""
    return described(*kinds, InvalidError, TooLargeError, UnavailableError, OverloadedError)


def described(*kinds: type[ProblemError]) -> dict[int | str, dict[str, Any]]:
    """What OpenAPI says of these kinds of errors."""
    by_status: dict[int, list[type[ProblemError]]] = {}
    for kind in kinds:
        by_status.setdefault(kind.status.value, []).append(kind)
    schema: Mapping[str, Any] = {MEDIA_TYPE: {"schema": {"$ref": "#/components/schemas/Problem"}}}
    return {
        status: {
            "description": "; ".join(f"{kind.title} ({TYPE_PREFIX}{kind.name})" for kind in found),
            "headers": header_descriptions({name: text for kind in found for name, text in kind.described_headers.items()}),
            "content": dict(schema),
        }
        for status, found in by_status.items()
    }


def header_descriptions(described: Mapping[str, str]) -> dict[str, Any]:
    """What OpenAPI says of headers that an answer always has."""
    return {name: {"description": text, "required": True, "schema": {"type": "string"}} for name, text in described.items()}
