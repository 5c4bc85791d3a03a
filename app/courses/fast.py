"""The plain cases of reading courses; see :mod:`app.kit.fast`."""

from __future__ import annotations

from app.courses.service import CoursesService
from app.kit.fast import FastPath, FastRequest, Reply
from app.kit.http import cached_reply, plain_id, plain_page
from app.kit.metrics import Metrics


def fast_paths(service: CoursesService, metrics: Metrics) -> tuple[FastPath, ...]:
    """A course by its id, and a page of courses without a filter."""

    async def get(request: FastRequest) -> Reply | None:
        course_id = plain_id(request, "/courses/")
        return None if course_id is None else cached_reply(await service.get(course_id), metrics)

    async def page(request: FastRequest) -> Reply | None:
        window = plain_page(request)
        return None if window is None else cached_reply(await service.page(*window, None), metrics)

    return FastPath("GET", "/courses/", "/courses/{course_id}", get), FastPath("GET", "/courses", "/courses", page)
