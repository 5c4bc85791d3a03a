"""The plain cases of reading students; see :mod:`app.kit.fast`."""

from __future__ import annotations

from app.kit.fast import FastPath, FastRequest, Reply
from app.kit.http import cached_reply, plain_id, plain_page
from app.kit.metrics import Metrics
from app.students.service import StudentsService


def fast_paths(service: StudentsService, metrics: Metrics) -> tuple[FastPath, ...]:
    """A student by its id, and a page of students."""

    async def get(request: FastRequest) -> Reply | None:
        student_id = plain_id(request, "/students/")
        return None if student_id is None else cached_reply(await service.get(student_id), metrics)

    async def page(request: FastRequest) -> Reply | None:
        window = plain_page(request)
        return None if window is None else cached_reply(await service.page(*window), metrics)

    return FastPath("GET", "/students/", "/students/{student_id}", get), FastPath("GET", "/students", "/students", page)
