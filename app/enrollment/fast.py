"""The plain case of POST /enroll; see :mod:`app.kit.fast`."""

from __future__ import annotations

import re
from http import HTTPStatus

from pydantic import ValidationError

from app.enrollment.acceptance import Acceptance
from app.enrollment.schemas import IDEMPOTENCY_KEY_PATTERN, LONGEST_IDEMPOTENCY_KEY, EnrollBody
from app.kit.fast import FastPath, FastRequest, Reply

_KEY = re.compile(IDEMPOTENCY_KEY_PATTERN)


def fast_paths(acceptance: Acceptance) -> tuple[FastPath, ...]:
    """A request for enrolment with a valid body, with or without a valid Idempotency-Key."""

    async def enroll(request: FastRequest) -> Reply | None:
        key: str | None = None
        given = request.header(b"idempotency-key")
        if given is not None:
            key = given.decode("latin-1")
            if len(key) > LONGEST_IDEMPOTENCY_KEY or not _KEY.fullmatch(key):
                return None
        content = await request.body()
        if content is None:
            return None
        try:
            body = EnrollBody.model_validate_json(content)
        except ValidationError:
            return None
        accepted = await acceptance.accept(body, key, request.request_id)
        location = f"/enroll/{accepted.id}".encode()
        return Reply(HTTPStatus.ACCEPTED.value, accepted.model_dump_json().encode(), ((b"location", location),))

    return (FastPath("POST", "/enroll", "/enroll", enroll),)
