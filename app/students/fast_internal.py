"""The plain cases of what the enrolment worker asks; see :mod:`app.kit.fast`."""

from __future__ import annotations

from http import HTTPStatus

from pydantic import ValidationError

from app.kit.fast import FastPath, FastRequest, Reply
from app.kit.middleware import MAX_INTERNAL_BODY_BYTES
from app.kit.work import Work
from app.students.schemas import Lookup
from app.students.service import StudentsService


def fast_paths(service: StudentsService, work: Work) -> tuple[FastPath, ...]:
    """A valid look-up."""

    async def lookup(request: FastRequest) -> Reply | None:
        content = await request.body(MAX_INTERNAL_BODY_BYTES)
        return None if content is None else await work.run(lambda: answer(content))

    def answer(content: bytes) -> Reply | None:
        """Reading and writing a batch takes milliseconds, in which other requests have their turn on the event loop."""
        try:
            wanted = Lookup.model_validate_json(content)
        except ValidationError:
            return None
        return Reply(HTTPStatus.OK.value, service.lookup(wanted.student_ids).model_dump_json().encode())

    return (FastPath("POST", "/internal/students/lookup", "/internal/students/lookup", lookup),)
