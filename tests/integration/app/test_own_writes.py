"""Who writes reads it at once, also while a read from before the write is still under way; against PostgreSQL and Redis."""

from __future__ import annotations

import asyncio
import json
import threading
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import psycopg2.extensions
import pytest
from pydantic import SecretStr

from app.courses.schemas import CourseBody, CourseRead
from app.courses.service import CoursesService
from app.kit.cache import Cache, CacheState, Entry
from app.kit.database import Database, Query
from app.kit.errors import NotFoundError
from app.kit.metrics import Metrics
from app.kit.redis_cache import open_cache
from app.kit.settings import CachedServiceSettings
from app.kit.work import open_work
from app.students.schemas import StudentBody, StudentRead
from app.students.service import StudentsService
from infra import operations
from infra.deployment import Deployment

PATIENCE_S = 10.0
POLL_S = 0.02


class PausingDatabase(Database):
    """Keeps the rows of its first read back until it is told to go on."""

    def __init__(self, url: SecretStr) -> None:
        super().__init__(url, pool_size=2, application_name="test", background=True)
        self.has_read = threading.Event()
        self.may_go_on = threading.Event()

    def fetch(self, query: Query, **parameters: object) -> list[tuple[Any, ...]]:
        """The rows, the first time late."""
        rows = super().fetch(query, **parameters)
        if not self.has_read.is_set():
            self.has_read.set()
            self.may_go_on.wait(PATIENCE_S)
        return rows


async def _read_across_creation(
    service: CoursesService | StudentsService, cache: Cache, database: PausingDatabase, create: Callable[[], CourseRead | StudentRead]
) -> None:
    """A read finds nothing and is still under way when somebody makes what it looked for, and reads it."""
    cache.start()
    try:
        async with asyncio.timeout(PATIENCE_S):
            while (await cache.item("any", lambda: Entry(1, b"{}"))).state is CacheState.OFF:  # noqa: ASYNC110 - it connects
                await asyncio.sleep(POLL_S)
        upcoming = (await asyncio.to_thread(create)).id + 1
        early = asyncio.create_task(service.get(upcoming))
        assert await asyncio.to_thread(database.has_read.wait, PATIENCE_S)
        made = await asyncio.to_thread(create)
        assert made.id == upcoming
        own = asyncio.create_task(service.get(upcoming))
        await asyncio.wait({own}, timeout=1.0)  # enough to get going; if it waits for the early one, that may end now
        database.may_go_on.set()
        assert json.loads((await own).body) == made.model_dump()
        with pytest.raises(NotFoundError):
            await early
    finally:
        database.may_go_on.set()
        cache.stop()


@contextmanager
def _parts(lab: Deployment, service: str) -> Iterator[tuple[PausingDatabase, Cache]]:
    """A service's database, and a cache of the test's own in the Redis of the deployment."""
    main, *_ = operations.processes(lab, f"{service}-1")
    url = main.environ()["SPIRE_DATABASE_URL"]
    assert lab.credentials.cache_url is not None
    settings = CachedServiceSettings(
        replica="test", port=1, database_url=url, cache_url=lab.credentials.cache_url.get_secret_value(), _env_prefix="TEST_"
    )
    metrics = Metrics()
    work = open_work(settings, metrics)
    database = PausingDatabase(settings.database_url)
    cache = open_cache(settings, namespace=f"test-{uuid.uuid4().hex}", database=database, work=work, metrics=metrics)
    work.start()
    try:
        yield database, cache
    finally:
        work.stop()
        database.close()
        psycopg2.extensions.set_wait_callback(None)  # the probes' connections in this process don't know it


def test_who_makes_a_course_reads_it_although_a_read_found_none(lab: Deployment) -> None:
    """The read from before the creation is no answer for the one after it."""
    with _parts(lab, "courses") as (database, cache):
        service = CoursesService(database, cache)

        def create() -> CourseRead:
            return service.create(CourseBody(name="New", code=f"T{uuid.uuid4().hex[:12]}", capacity=1), None)

        asyncio.run(_read_across_creation(service, cache, database, create))


def test_who_makes_a_student_reads_it_although_a_read_found_none(lab: Deployment) -> None:
    """The read from before the creation is no answer for the one after it."""
    with _parts(lab, "students") as (database, cache):
        service = StudentsService(database, cache)
        asyncio.run(_read_across_creation(service, cache, database, lambda: service.create(StudentBody(name="New"), None)))
