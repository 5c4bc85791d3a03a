"""What goes on beside the students: courses change, readers read, the seats are counted, messages come twice, nodes are killed."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Mapping, Sequence

from psycopg2.extensions import connection as Connection  # noqa: N812 - a class with the name of a function

from infra import operations
from infra.deployment import Deployment
from tests.contract.client import Broker
from tests.race import databases
from tests.race.api import Api
from tests.race.history import TERMINAL, Log
from tests.race.plan import DELETED, IN_USE, NEEDED, RESIZED, REWRITTEN

READ_EVERY_S = 0.03
COUNT_EVERY_S = 0.1
RESIZES = 24
SMALLEST, LARGEST = 20, 70
REWRITES = 10
DELETIONS = 6
COPIES = 12
COPIED_AT_ONCE = 20
DELETED_AFTER = 0.4
"""The share of the students' work after which the course that nobody is in is deleted."""
QUEUE = "enrollment.requests"
DEAD_LETTERS = f"{QUEUE}.dead-letters"
OUTAGES = (("enrollment-2", 0.25, 0.4), ("worker-1", 0.35, 0.5), ("enrollment-3", 0.6, 0.75))
"""Nodes, and the shares of the students' work after which they are killed and started again."""


class Progress:
    """How much of the students' work is done."""

    def __init__(self, total: int) -> None:
        self._total = total
        self._done = 0
        self._changed = asyncio.Condition()
        self.over = False

    async def advance(self) -> None:
        """One student more has done everything."""
        self._done += 1
        await self._tell()

    async def end(self) -> None:
        """Nobody is at work any more."""
        self.over = True
        await self._tell()

    async def reached(self, share: float) -> None:
        """Return when that share is done, or nobody is at work any more."""
        async with self._changed:
            await self._changed.wait_for(lambda: self.over or self._done >= share * self._total)

    async def _tell(self) -> None:
        async with self._changed:
            self._changed.notify_all()


async def resize(api: Api, progress: Progress, course_ids: Sequence[int], rng: random.Random) -> None:
    """Raise and lower capacities all day long; what is lower than the seats taken is refused."""
    for number in range(RESIZES):
        await progress.reached(number / RESIZES)
        path = f"/courses/{course_ids[RESIZED[number % len(RESIZED)]]}"
        await api.write("PATCH", path, {"capacity": rng.randint(SMALLEST, LARGEST)})
        await api.read(path)


async def rewrite(api: Api, progress: Progress, course_ids: Sequence[int]) -> None:
    """Take a prerequisite away and put it back."""
    path = f"/courses/{course_ids[REWRITTEN]}"
    for number in range(REWRITES):
        await progress.reached(number / REWRITES)
        await api.write("PATCH", path, {"prerequisites": [] if number % 2 else [NEEDED]})
        await api.read(path)


async def delete_used(api: Api, progress: Progress, course_ids: Sequence[int]) -> None:
    """Try to delete a course that students are in."""
    for number in range(DELETIONS):
        await progress.reached((number + 1) / (DELETIONS + 1))
        await api.write("DELETE", f"/courses/{course_ids[IN_USE]}")


async def delete_unused(api: Api, progress: Progress, course_ids: Sequence[int]) -> None:
    """Delete the course that nobody can be in."""
    await progress.reached(DELETED_AFTER)
    path = f"/courses/{course_ids[DELETED]}"
    await api.write("DELETE", path)
    await api.read(path)


async def read(api: Api, progress: Progress, codes: Mapping[int, str], student_ids: Sequence[int], rng: random.Random) -> None:
    """Read whatever there is, in any order."""
    while not progress.over:
        course_id = rng.choice(list(codes))
        await api.read(f"/courses/{course_id}")
        await api.seats(course_id)
        await api.read_courses_of_code(codes[course_id])
        await api.read(f"/students/{rng.choice(student_ids)}")
        await api.see_history(rng.choice((f"course/{course_id}", f"student/{rng.choice(student_ids)}")))
        await asyncio.sleep(READ_EVERY_S)


async def count(log: Log, progress: Progress, courses: Connection, course_ids: Sequence[int]) -> None:
    """Compare the seats taken with the reservations that hold them, again and again."""
    while not progress.over:
        log.accounts += await asyncio.to_thread(databases.accounts, courses, course_ids)
        await asyncio.sleep(COUNT_EVERY_S)


async def copy_messages(log: Log, progress: Progress, broker: Broker, rng: random.Random) -> None:
    """Deliver messages again: any as they were, those of decided requests as dead letters too."""
    for number in range(COPIES):
        await progress.reached((number + 1) / COPIES)
        accepted = [ask.enrollment_id for ask in log.asked if ask.enrollment_id is not None]
        decided = [item.enrollment.id for item in log.sightings if item.enrollment.status in TERMINAL]
        for queue, ids in ((QUEUE, accepted), (DEAD_LETTERS, decided)):
            chosen = rng.sample(ids, min(COPIED_AT_ONCE, len(ids)))
            bodies = [f'{{"kind":"{kind}","enrollment_id":"{key}"}}' for key in chosen for kind in ("decide", "release")]
            await asyncio.to_thread(broker.publish, queue, *bodies)


async def kill_and_start(progress: Progress, deployment: Deployment, node: str, killed_after: float, started_after: float) -> None:
    """Take a node away with SIGKILL, and bring it back."""
    await progress.reached(killed_after)
    await asyncio.to_thread(operations.kill_node, deployment.name, node)
    await progress.reached(started_after)
    await asyncio.to_thread(operations.start_node, deployment.name, node)
