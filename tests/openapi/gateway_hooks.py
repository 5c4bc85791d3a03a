"""What Schemathesis checks of the gateway's answers beside the OpenAPI documents; it loads this file by its path."""

from __future__ import annotations

from typing import Any

import schemathesis

from tests.openapi.hooks import filter_failure

__all__ = ["filter_failure"]

SECURITY_HEADERS = {
    "x-content-type-options": ["nosniff"],
    "x-frame-options": ["DENY"],
    "referrer-policy": ["no-referrer"],
    "content-security-policy": ["default-src 'none'; frame-ancestors 'none'"],
    "server": ["nginx"],
}
"""Each once, and no version of the server."""


@schemathesis.check
def security_headers(_context: schemathesis.CheckContext, response: schemathesis.Response, _case: schemathesis.Case[Any]) -> None:
    """Success and error alike carry them."""
    assert {name: response.headers.get(name) for name in SECURITY_HEADERS} == SECURITY_HEADERS
