"""Answers and inputs in the form that all services share."""

from __future__ import annotations

from typing import Annotated

from fastapi import Depends, Path, Query
from fastapi.responses import Response
from pydantic import BaseModel, ConfigDict, Field

from app.kit.cache import Answer
from app.kit.metrics import Metrics
from app.kit.middleware import delivered_request_id

LARGEST_ID = 2**31 - 1
"""PostgreSQL's integer."""
LARGEST_PAGE = 500
LARGEST_OFFSET = 10_000_000

Id = Annotated[int, Field(strict=True, ge=1, le=LARGEST_ID)]
"""An id inside a body."""
PathId = Annotated[int, Path(ge=1, le=LARGEST_ID)]
Limit = Annotated[int, Query(ge=1, le=LARGEST_PAGE, description="entries at most; a page with fewer is the last")]
Offset = Annotated[int, Query(ge=0, le=LARGEST_OFFSET, description="entries to skip")]
DeliveredRequestId = Annotated[str | None, Depends(delivered_request_id)]
DEFAULT_LIMIT = 100


class Body(BaseModel):
    """Base of what a client sends: a name that does not exist is an error, not a silent typo."""

    model_config = ConfigDict(extra="forbid")


def json_response(body: BaseModel | bytes, status: int = 200, headers: dict[str, str] | None = None) -> Response:
    """A serialized body as it is, past the framework's own serialization."""
    content = body if isinstance(body, bytes) else body.model_dump_json().encode()
    return Response(content, status, headers, "application/json")


def cached_response(answer: Answer, metrics: Metrics) -> Response:
    """An answer that may come from the cache, and says so."""
    metrics.cache_answered(answer.state)
    return json_response(answer.body, headers={"X-Cache": answer.state})
