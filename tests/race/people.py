"""Students on registration day: each goes through their wishes one after the other."""

from __future__ import annotations

import asyncio
import uuid
from collections.abc import Sequence

from tests.race.api import Api
from tests.race.history import TERMINAL, Asked
from tests.race.plan import NEEDED, Manner, Student, Then, Wish

LOOK_EVERY_S = 0.1
DECIDED_TIMEOUT_S = 120.0
READS_OF_RECORD = 2


async def go(api: Api, student_id: int, student: Student, course_ids: Sequence[int]) -> None:
    """Do all that the student wants."""
    for wish in student.wishes:
        await _pursue(api, student_id, student, wish, course_ids)


async def _pursue(api: Api, student_id: int, student: Student, wish: Wish, course_ids: Sequence[int]) -> None:
    course_id, other_id = course_ids[wish.course], course_ids[wish.other_course]
    key = uuid.uuid4().hex
    match wish.manner:
        case Manner.ONCE:
            asked = await api.ask(student_id, course_id)
        case Manner.WITH_KEY | Manner.AGAIN_LATER:
            asked = await api.ask(student_id, course_id, key)
        case Manner.TWICE_AT_ONCE:
            asked, _ = await asyncio.gather(api.ask(student_id, course_id, key), api.ask(student_id, course_id, key))
        case Manner.OTHER_BODY:
            asked = await api.ask(student_id, course_id, key)
            await api.ask(student_id, other_id, key)
        case Manner.TWO_BODIES_AT_ONCE:
            both = await asyncio.gather(api.ask(student_id, course_id, key), api.ask(student_id, other_id, key))
            asked = next((item for item in both if item.enrollment_id is not None), both[0])
        case Manner.REPEATED:
            asked = await api.ask(student_id, course_id)
            await api.ask(student_id, course_id)
    await _go_on(api, student, wish, asked)
    if wish.manner is Manner.AGAIN_LATER:
        await api.ask(student_id, course_id, key)


async def _go_on(api: Api, student: Student, wish: Wish, asked: Asked) -> None:
    if asked.enrollment_id is None or wish.then is Then.KEEP:
        return
    if wish.then is not Then.DROP_AT_ONCE:
        await _decided(api, asked.enrollment_id)
    if wish.then is Then.LEARN_AND_ASK_AGAIN:
        path = f"/students/{asked.student_id}"
        await api.write("PATCH", path, {"completed_courses": sorted({*student.completed_courses, NEEDED})})
        for _ in range(READS_OF_RECORD):
            await api.read(path)
    else:
        await api.drop(asked.enrollment_id)
    if wish.then in {Then.DROP_AND_ASK_AGAIN, Then.LEARN_AND_ASK_AGAIN}:
        again = await api.ask(asked.student_id, asked.course_id, uuid.uuid4().hex)
        if again.enrollment_id is not None:
            await _decided(api, again.enrollment_id)


async def _decided(api: Api, enrollment_id: str) -> None:
    async with asyncio.timeout(DECIDED_TIMEOUT_S):
        while (seen := await api.see(enrollment_id)) is None or seen.status not in TERMINAL:  # noqa: ASYNC110 - it is decided elsewhere
            await asyncio.sleep(LOOK_EVERY_S)
