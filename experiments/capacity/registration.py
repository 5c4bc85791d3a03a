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
QUEUE_TIMEOUT_S: Final = 10.0
"""RabbitMQ counts once a second; the rest is for what still has to be published."""


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
        path, side = self._path, self._side
        self._tools.note("making courses")
        courses = self._tools.wait_for(self._make_courses)
        wanted = list(pairs(courses, side.population.student_ids, applicants=path.applicants, at_once=path.courses_at_once))
        node = side.nodes(Role.SERVICE, ENROLLMENT)[0]
        with side.paused(Role.WORKER):
            self._tools.note("POST /enroll")
            with side.meter.measured() as accepting:
                sent = self._send(wanted)
            values = load_values(sent, accepting, node.name, side.meter.memory_mib(node.name))
            # What was sent last may have been accepted without wrk having seen it.
            touched = dict.fromkeys(course for _, course in islice(wanted, sent.ok + sent.failed + sent.refused + path.connections))
            entries = self._histories(list(touched))
            reason = problem(sent) or self._queue_problem(len(entries))
        self._tools.note(f"{len(entries)} decisions")
        with side.meter.measured() as deciding:
            self._wait_decided(list(touched))
        entries = self._histories(list(touched))
        workers = [worker.name for worker in side.nodes(Role.WORKER)]
        overbooked = overbooked_seats(entries, path.seats)
        values |= {
            Quantity.DECISIONS: len(entries),
            Quantity.WORKER_CPU_US_PER_DECISION: deciding.us_each(len(entries), workers),
            Quantity.SYSTEM_CPU_US_PER_DECISION: deciding.us_each(len(entries)),
            Quantity.OVERBOOKED_COURSES: len(overbooked),
            Quantity.OVERBOOKED_SEATS: sum(overbooked.values()),
        }
        rate = decisions_per_s(entries)
        if rate is not None:
            values[Quantity.DECISIONS_PER_S] = rate
        if len(entries) < sent.ok:
            reason = reason or f"{sent.ok} requests were accepted and {len(entries)} are known"
        return Result(values, reason or (None if rate is not None else "all was decided in one instant; measure for longer"))

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

    def _queue_problem(self, accepted: int) -> str | None:
        """Wait until the workers' backlog is in the queue: what has to be published first would be measured as their slowness."""
        deadline_s = time.monotonic() + QUEUE_TIMEOUT_S
        while (queued := self._side.queued()) < accepted:
            if time.monotonic() > deadline_s:
                return f"{queued:g} of {accepted} accepted requests were in the queue after {QUEUE_TIMEOUT_S:g} s"
            self._tools.sleep(POLL_S)
        return None

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
