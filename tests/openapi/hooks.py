"""What Schemathesis can't read from the OpenAPI documents; it loads this file by its path."""

from __future__ import annotations

import json
from typing import Any

import schemathesis
from schemathesis.core.failures import Failure
from schemathesis.openapi.checks import RejectedPositiveData

REUSED_KEY = "urn:spire:problem:idempotency-key-reused"


@schemathesis.hook
def filter_failure(
    _context: schemathesis.HookContext, failure: Failure, _case: schemathesis.Case[Any], response: schemathesis.Response
) -> bool:
    """Drop one kind of failure: a valid request whose Idempotency-Key belongs to an earlier one is refused, and no schema can say so."""
    return not (isinstance(failure, RejectedPositiveData) and json.loads(response.content)["type"] == REUSED_KEY)
