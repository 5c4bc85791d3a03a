"""Answers and inputs in the form that all services share."""

from __future__ import annotations

import re
from typing import Annotated, Any, Self

from fastapi import Depends, Path, Query
from fastapi.responses import Response
from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, field_validator, model_validator

from app.kit.cache import Answer, CacheState
from app.kit.errors import header_descriptions
from app.kit.fast import FastRequest, Reply
from app.kit.metrics import Metrics
from app.kit.middleware import delivered_request_id

LARGEST_ID = 2**31 - 1
"""PostgreSQL's integer."""
LARGEST_PAGE = 500
LARGEST_OFFSET = 10_000_000


def _integral(value: Any) -> Any:
    return int(value) if isinstance(value, float) and value.is_integer() else value


INTEGRAL = BeforeValidator(_integral)
"""For strict integers inside a body: as in JSON Schema 10.0 is one, and neither true nor "10" is."""
Id = Annotated[int, Field(strict=True, ge=1, le=LARGEST_ID), INTEGRAL]
"""An id inside a body."""
PathId = Annotated[int, Path(ge=1, le=LARGEST_ID)]
Limit = Annotated[int, Query(ge=1, le=LARGEST_PAGE, description="entries at most; a page with fewer is the last")]
Offset = Annotated[int, Query(ge=0, le=LARGEST_OFFSET, description="entries to skip")]
DeliveredRequestId = Annotated[str | None, Depends(delivered_request_id)]
DEFAULT_LIMIT = 100
WITH_LOCATION = {"headers": header_descriptions({"Location": "where to find what was made"})}
"""What OpenAPI says beside the body of an answer that leads to something new."""
WITH_CACHE_STATE = {"headers": header_descriptions({"X-Cache": "hit, miss or off"})}
"""The same, of an answer that may come from the cache."""


class Body(BaseModel):
    """Base of what a client sends: a name that does not exist is an error, not a silent typo."""

    model_config = ConfigDict(extra="forbid")


def _describe_patch(schema: dict[str, Any]) -> None:
    schema["minProperties"] = 1
    for name, found in schema["properties"].items():
        alternatives = found.pop("anyOf", [])
        schema["properties"][name] = {**found, **next((item for item in alternatives if item != {"type": "null"}), {})}


class Patch(Body):
    """Base of a change: the fields to change, at least one; ``None`` stands for one that is not given and can't be sent."""

    model_config = ConfigDict(json_schema_extra=_describe_patch)

    @field_validator("*", mode="before")
    @classmethod
    def _given_is_not_null(cls, value: Any) -> Any:
        if value is None:
            raise ValueError("must not be null; leave the field out to keep it")
        return value

    @model_validator(mode="after")
    def _changes_something(self) -> Self:
        if not self.model_fields_set:
            raise ValueError("at least one field is needed")
        return self


def json_response(body: BaseModel | bytes, status: int = 200, headers: dict[str, str] | None = None) -> Response:
    """A serialized body as it is, past the framework's own serialization."""
    content = body if isinstance(body, bytes) else body.model_dump_json().encode()
    return Response(content, status, headers, "application/json")


def cached_response(answer: Answer, metrics: Metrics) -> Response:
    """An answer that may come from the cache, and says so."""
    metrics.cache_answered(answer.state)
    return json_response(answer.body, headers={"X-Cache": answer.state})


_CACHE_HEADERS = {state: ((b"x-cache", state.encode()),) for state in CacheState}
_DIGITS = re.compile(r"[1-9][0-9]{0,9}|0")
_PLAIN_PAGE = re.compile(rb"limit=([0-9]{1,3})(?:&offset=([0-9]{1,8}))?")


def cached_reply(answer: Answer, metrics: Metrics) -> Reply:
    """As :func:`cached_response`, for a fast path."""
    metrics.cache_answered(answer.state)
    return Reply(200, answer.body, _CACHE_HEADERS[answer.state])


def plain_id(request: FastRequest, prefix: str) -> int | None:
    """The id after the prefix where the path ends with one within its bounds and no query follows."""
    rest = request.path[len(prefix) :]
    if request.query or not _DIGITS.fullmatch(rest):
        return None
    return found if 1 <= (found := int(rest)) <= LARGEST_ID else None


def plain_page(request: FastRequest) -> tuple[int, int] | None:
    """Limit and offset where the query is empty or names nothing else, in this order and within their bounds."""
    if not request.query:
        return DEFAULT_LIMIT, 0
    match = _PLAIN_PAGE.fullmatch(request.query)
    if match is None:
        return None
    limit, offset = int(match[1]), int(match[2] or 0)
    return (limit, offset) if 1 <= limit <= LARGEST_PAGE and offset <= LARGEST_OFFSET else None
