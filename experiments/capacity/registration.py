"""POST /enroll while the workers are paused, then the decisions of the workers about what was accepted."""

from __future__ import annotations

import json
import tempfile
import time
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any, Final

from experiments.capacity.applications import pairs
from experiments.capacity.client import Connection, each
from experiments.capacity.closed_loop import load_values, problem
from experiments.capacity.decided import PENDING, Entry, decisions_per_s, overbooked_seats, pending
from experiments.capacity.result import Result
from experiments.capacity.side import COURSES, Side
from experiments.capacity.wrk import Loop, LoopResult, Wrk
from experiments.definition import Quantity, RegistrationPath
from experiments.errors import MeasurementError
from infra.deployment import Role

ENROLLMENT: Final = "enrollment"
CLIENTS: Final = 8
"""Connections for making courses and reading histories: as many as one replica works on."""
PAGE: Final = 500
"""Entries of a history that one request may ask for."""
POLL_S: Final = 0.25
"""Between two looks at whether all is decided: each takes the system a millisecond."""
QUIET_SHARE: Final = 0.1
"""Of one processor: replicas that use less have nothing left to publish; an idle one uses a hundredth."""
QUIET_S: Final = 0.5
"""Over so long; /proc counts in hundredths of a second."""
QUIET_TIMEOUT_S: Final = 15.0


@dataclass(frozen=True)
class Tools:
    """What a registration is carried out with."""

    wrk: Wrk
    wait_for: Callable[[Callable[[], Awaitable[Any]]], Any]
    """Runs a coroutine to its end; its errors come out as MeasurementError."""
    sleep: Callable[[float], None]
    note: Callable[[str], None]


class Registration:
    """One measurement of it; ``batch`` is a word that no other measurement of this deployment has."""

    def __init__(self, side: Side, path: RegistrationPath, tools: Tools, *, batch: str, measure_s: float) -> None:
        self._side = side
        self._path = path
        self._tools = tools
        self._batch = batch
        self._measure_s = measure_s

    def run(self) -> Result:
        """Accept, decide, count.

        Raises:
            MeasurementError: a part of it could not be done.
        """
        self._tools.note("making courses")
        courses = self._tools.wait_for(self._make_courses)
        students = self._side.population.student_ids
        wanted = list(pairs(courses, students, applicants=self._path.applicants, at_once=self._path.courses_at_once))
        with self._side.paused(Role.WORKER):
            sent, accepting = self._accept(wanted)
            reason = problem(sent) or self._wait_published()
        # What was sent last may have been accepted without wrk having seen it.
        touched = dict.fromkeys(course for _, course in islice(wanted, sent.ok + sent.failed + sent.refused + self._path.connections))
        decided, deciding = self._decide(list(touched))
        if deciding[Quantity.DECISIONS] < sent.ok:
            reason = reason or f"{sent.ok} requests were accepted and {deciding[Quantity.DECISIONS]:g} are known"
        rate = decisions_per_s(decided)
        if rate is None:
            return Result(accepting | deciding, reason or "all was decided in one instant; measure for longer")
        return Result(accepting | deciding | {Quantity.DECISIONS_PER_S: rate}, reason)

    def _accept(self, wanted: Sequence[tuple[int, int]]) -> tuple[LoopResult, dict[Quantity, float]]:
        self._tools.note("POST /enroll")
        node = self._side.nodes(Role.SERVICE, ENROLLMENT)[0].name
        with self._side.meter.measured() as cost:
            sent = self._send(wanted)
        return sent, load_values(sent, cost, node, self._side.meter.memory_mib(node))

    def _decide(self, courses: Sequence[int]) -> tuple[list[Entry], dict[Quantity, float]]:
        self._tools.note("the workers decide")
        with self._side.meter.measured() as cost:
            self._wait_decided(courses)
        entries = self._histories(courses)
        overbooked = overbooked_seats(entries, self._path.seats)
        return entries, {
            Quantity.DECISIONS: len(entries),
            Quantity.WORKER_CPU_US_PER_DECISION: cost.us_each(len(entries), [node.name for node in self._side.nodes(Role.WORKER)]),
            Quantity.SYSTEM_CPU_US_PER_DECISION: cost.us_each(len(entries)),
            Quantity.OVERBOOKED_COURSES: len(overbooked),
            Quantity.OVERBOOKED_SEATS: sum(overbooked.values()),
        }

    async def _make_courses(self) -> list[int]:
        bodies = [
            {"name": "Registration day", "code": f"{self._batch}-{number}", "capacity": self._path.seats, "prerequisites": []}
            for number in range(self._path.courses)
        ]
        return await each(self._side.urls(COURSES), CLIENTS, bodies, _created)

    def _send(self, wanted: Sequence[tuple[int, int]]) -> LoopResult:
        with tempfile.TemporaryDirectory() as folder:
            bodies = Path(folder) / "bodies"
            lines = (json.dumps({"student_id": student, "course_id": course}) for student, course in wanted)
            bodies.write_text("\n".join(lines), encoding="utf-8")
            url = self._side.urls(ENROLLMENT)[0] + "/enroll"
            return self._tools.wrk.run(Loop(url, self._path.connections, self._measure_s, bodies=bodies, count_refusals=True))

    def _wait_published(self) -> str | None:
        """Wait until the replicas are quiet: what they still have to publish would be measured as the workers' slowness.

        RabbitMQ's own count of a queue can't be waited for, since it is up to 5 s old.
        """
        replicas = [node.name for node in self._side.nodes(Role.SERVICE, ENROLLMENT)]
        deadline_s = time.monotonic() + QUIET_TIMEOUT_S
        while time.monotonic() < deadline_s:
            with self._side.meter.measured() as cost:
                self._tools.sleep(QUIET_S)
            if sum(cost.cpu_s.get(name, 0.0) for name in replicas) < QUIET_SHARE * QUIET_S:
                return None
        return f"the replicas were still busy {QUIET_TIMEOUT_S:g} s after the last request, so not all of it was in the queue"

    def _histories(self, courses: Sequence[int]) -> list[Entry]:
        urls = self._side.urls(ENROLLMENT)
        found: list[list[Entry]] = self._tools.wait_for(lambda: each(urls, CLIENTS, courses, _history))
        return [entry for entries in found for entry in entries]

    def _wait_decided(self, courses: Sequence[int]) -> None:
        """Wait until nothing is pending. As long as the last course's requests are, no other is looked at: looking costs the system too."""
        deadline_s = time.monotonic() + self._path.decide_timeout_s
        waiting = list(courses)
        while waiting:
            if not pending(self._histories(waiting[-1:])):
                waiting = list(dict.fromkeys(entry.course_id for entry in self._histories(waiting) if entry.status == PENDING))
            elif time.monotonic() > deadline_s:
                raise MeasurementError(f"requests for course {waiting[-1]} are undecided after {self._path.decide_timeout_s:g} s")
            else:
                self._tools.sleep(POLL_S)


async def _created(connection: Connection, body: dict[str, Any]) -> int:
    answer = await connection.post("/courses", body)
    if not answer.ok:
        raise MeasurementError(f"the course {body['code']} was refused with {answer.status}")
    return int(answer.json()["id"])


async def _history(connection: Connection, course_id: int) -> list[Entry]:
    entries: list[Entry] = []
    while True:
        answer = await connection.get(f"/enroll/course/{course_id}?limit={PAGE}&offset={len(entries)}")
        if not answer.ok:
            raise MeasurementError(f"the history of course {course_id} was refused with {answer.status}")
        page = answer.json()
        entries += map(Entry.of, page)
        if len(page) < PAGE:
            return entries
