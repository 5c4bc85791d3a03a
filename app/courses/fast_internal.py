"""The plain cases of what the enrolment worker asks; see :mod:`app.kit.fast`."""

from __future__ import annotations

from http import HTTPStatus

from pydantic import ValidationError

from app.courses.reservations import ReservationsService
from app.courses.schemas import ReservationBatch, ReservationResult
from app.kit.fast import FastPath, FastRequest, Reply
from app.kit.middleware import MAX_INTERNAL_BODY_BYTES
from app.kit.work import Work


def fast_paths(service: ReservationsService, work: Work) -> tuple[FastPath, ...]:
    """A valid batch of reservations."""

    async def reserve(request: FastRequest) -> Reply | None:
        content = await request.body(MAX_INTERNAL_BODY_BYTES)
        return None if content is None else await work.run(lambda: answer(content))

    def answer(content: bytes) -> Reply | None:
        """Reading and writing a batch takes milliseconds, in which other requests have their turn on the event loop."""
        try:
            batch = ReservationBatch.model_validate_json(content)
        except ValidationError:
            return None
        result = ReservationResult(reservations=service.reserve(batch.reservations))
        return Reply(HTTPStatus.OK.value, result.model_dump_json().encode())

    return (FastPath("POST", "/internal/courses/reservations", "/internal/courses/reservations", reserve),)
