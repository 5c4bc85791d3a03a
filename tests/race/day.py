"""Registration day: everybody at once, until nothing is under way any more."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from contextlib import closing
from typing import Any, TypeVar

from psycopg2.extensions import connection as Connection  # noqa: N812 - a class with the name of a function

from infra.deployment import Deployment
from tests.contract.client import Broker, unique_code
from tests.race import databases, people, registrar
from tests.race.api import Api
from tests.race.history import TERMINAL, Enrollment, Final, History, Log
from tests.race.plan import Plan
from tests.race.registrar import OUTAGES, Progress

T = TypeVar("T")
R = TypeVar("R")

AT_WORK = 64
"""Students who are at it at the same time."""
READERS = 3
QUIET_TIMEOUT_S = 120.0
LOOK_EVERY_S = 0.2


async def registration_day(deployment: Deployment, broker: Broker, plan: Plan, seed: int) -> History:
    """The history of the plan on that deployment."""
    log = Log()
    api = Api(deployment.endpoints.gateway_url, log)
    try:
        with (
            closing(databases.connect(deployment, "courses")) as courses,
            closing(databases.connect(deployment, "enrollment")) as enrollment,
        ):
            course_bodies = [{"name": "Race", "code": unique_code(), **course} for course in plan.courses]
            codes = dict(zip(await _make(api, "/courses", course_bodies), (body["code"] for body in course_bodies), strict=True))
            course_ids = list(codes)
            student_bodies = [{"name": "Racer", "completed_courses": student.completed_courses} for student in plan.students]
            student_ids = await _make(api, "/students", student_bodies)
            await _race(api, log, deployment, broker, plan, random.Random(seed), courses, codes, student_ids)  # noqa: S311 - no secret
            await _quiet(api, broker, enrollment, course_ids)
            return log.closed(await _final(api, log, courses, course_ids, student_ids))
    finally:
        api.close()


async def _make(api: Api, path: str, bodies: Iterable[Mapping[str, Any]]) -> list[int]:
    made = await _each(bodies, lambda body: api.write("POST", path, dict(body)))
    return [written.body["id"] for written in made if written.body is not None]


async def _race(
    api: Api,
    log: Log,
    deployment: Deployment,
    broker: Broker,
    plan: Plan,
    rng: random.Random,
    courses: Connection,
    codes: Mapping[int, str],
    student_ids: Sequence[int],
) -> None:
    course_ids = list(codes)
    progress = Progress(total=len(student_ids))

    async def study(position: int) -> None:
        await people.go(api, student_ids[position], plan.students[position], course_ids)
        await progress.advance()

    async def everybody() -> None:
        try:
            await _each(range(len(student_ids)), study)
        finally:
            await progress.end()

    async with asyncio.TaskGroup() as group:
        group.create_task(everybody())
        group.create_task(registrar.resize(api, progress, course_ids, rng))
        group.create_task(registrar.rewrite(api, progress, course_ids))
        group.create_task(registrar.delete_used(api, progress, course_ids))
        group.create_task(registrar.delete_unused(api, progress, course_ids))
        group.create_task(registrar.count(log, progress, courses, course_ids))
        group.create_task(registrar.copy_messages(log, progress, broker, rng))
        for _ in range(READERS):
            group.create_task(registrar.read(api, progress, codes, student_ids, rng))
        for outage in OUTAGES:
            group.create_task(registrar.kill_and_start(progress, deployment, *outage))


async def _quiet(api: Api, broker: Broker, enrollment: Connection, course_ids: Sequence[int]) -> None:
    """Return when every request is decided, every task has had its effect, and no message waits."""
    async with asyncio.timeout(QUIET_TIMEOUT_S):
        while await asyncio.to_thread(databases.tasks_left, enrollment) or not await _all_decided(api, course_ids):  # noqa: ASYNC110 - in a database
            await asyncio.sleep(LOOK_EVERY_S)
        await asyncio.to_thread(broker.drained, registrar.QUEUE, registrar.DEAD_LETTERS)


async def _all_decided(api: Api, course_ids: Sequence[int]) -> bool:
    histories = await _each(course_ids, lambda course_id: api.see_history(f"course/{course_id}"))
    return all(entry.status in TERMINAL for history in histories for entry in history)


async def _final(api: Api, log: Log, courses: Connection, course_ids: Sequence[int], student_ids: Sequence[int]) -> Final:
    accepted = sorted({ask.enrollment_id for ask in log.asked if ask.enrollment_id is not None})
    by_id = await _each(accepted, api.see)
    by_course = await _each(course_ids, lambda course_id: api.see_history(f"course/{course_id}"))
    by_student = await _each(student_ids, lambda student_id: api.see_history(f"student/{student_id}"))
    return Final(
        by_id={entry.id: entry for entry in by_id if entry is not None},
        by_course=_named(course_ids, by_course),
        by_student=_named(student_ids, by_student),
        seats=dict(zip(course_ids, await _each(course_ids, api.seats), strict=True)),
        reservations=databases.reservations(courses, course_ids),
    )


def _named(ids: Sequence[int], histories: Sequence[Sequence[Enrollment]]) -> dict[int, Sequence[Enrollment]]:
    return dict(zip(ids, histories, strict=True))


async def _each(items: Iterable[T], work: Callable[[T], Awaitable[R]]) -> list[R]:
    """The results of all of it in order, a bounded number at a time."""
    turn = asyncio.Semaphore(AT_WORK)

    async def one(item: T) -> R:
        async with turn:
            return await work(item)

    return await asyncio.gather(*(one(item) for item in items))
