"""Telling the second delivery of a request from a second request."""

from __future__ import annotations

import hashlib

from pydantic import BaseModel


def delivery_key(request_id: str | None, body: BaseModel) -> str | None:
    """A key that both deliveries of one request share, made of the gateway's request id and the body; None where there is no id.

    The body is part of it, so that a client which sends the same X-Request-Id with different requests still makes each of them.
    """
    if request_id is None:
        return None
    digest = hashlib.sha256(body.model_dump_json().encode()).hexdigest()
    return f"{request_id}:{digest[:32]}"
