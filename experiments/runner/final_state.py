"""The final read of the business state, through the API that clients use."""

from __future__ import annotations

import time
from collections.abc import Callable, Collection, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from http import HTTPStatus
from typing import Any, Final, TypeVar

import httpx

from experiments.errors import TrialError
from experiments.invariants.history import MISSING, PENDING, FinalState, RequestState
from experiments.records.schema import CourseState

CONCURRENCY: Final = 8
"""As many requests at a time as one replica works on."""
REQUEST_TIMEOUT_S: Final = 5.0
"""Above the gateway's own timeouts, so that its answer is seen."""
ATTEMPTS: Final = 3
"""A read may meet the last moments of a replica that is being healed."""
POLL_S: Final = 0.2
PAGE: Final = 500
"""Entries of a history that one request may ask for."""

_Item = TypeVar("_Item")
_Answer = TypeVar("_Answer")


def read_final_state(
    gateway_url: str,
    accepted: Collection[str],
    known: Collection[str],
    *,
    timeout_s: float,
    sleep: Callable[[float], None],
    transport: httpx.BaseTransport | None = None,
) -> FinalState:
    """Wait until none of ``accepted`` is pending, at most ``timeout_s``, then read the courses that they are about.

    Raises:
        TrialError: the API doesn't answer, or not as its contract says.
    """
    with (
        httpx.Client(base_url=gateway_url, timeout=REQUEST_TIMEOUT_S, trust_env=False, transport=transport) as client,
        ThreadPoolExecutor(CONCURRENCY) as pool,
    ):
        reader = _Reader(client, pool)
        found = reader.settle(accepted, deadline_s=time.monotonic() + timeout_s, sleep=sleep)
        courses = sorted({entry["course_id"] for entry in found.values() if entry is not None})
        histories = reader.each(courses, reader.history)
        seats = reader.each(courses, reader.seats)
    ours = {*accepted, *known}
    return FinalState(
        settled=all(entry is None or entry["status"] != PENDING for entry in found.values()),
        requests={item: _state(entry) for item, entry in found.items()},
        courses=tuple(map(_course, seats, histories)),
        unacknowledged=tuple(sorted(entry["id"] for history in histories for entry in history if entry["id"] not in ours)),
    )


def _state(entry: dict[str, Any] | None) -> RequestState:
    return RequestState(MISSING) if entry is None else RequestState(entry["status"], entry.get("reason"))


def _course(seats: dict[str, Any], history: Sequence[dict[str, Any]]) -> CourseState:
    return CourseState(
        course_id=seats["course_id"],
        capacity=seats["capacity"],
        taken=seats["taken"],
        enrolled=sum(entry["status"] == "enrolled" for entry in history),
    )


class _Reader:
    def __init__(self, client: httpx.Client, pool: ThreadPoolExecutor) -> None:
        self._client = client
        self._pool = pool

    def each(self, items: Iterable[_Item], read: Callable[[_Item], _Answer]) -> list[_Answer]:
        return list(self._pool.map(read, items))

    def settle(self, accepted: Collection[str], *, deadline_s: float, sleep: Callable[[float], None]) -> dict[str, dict[str, Any] | None]:
        found: dict[str, dict[str, Any] | None] = {}
        waiting = list(accepted)
        while True:
            found.update(zip(waiting, self.each(waiting, self.request), strict=True))
            waiting = [item for item in waiting if (entry := found[item]) is not None and entry["status"] == PENDING]
            if not waiting or time.monotonic() > deadline_s:
                return found
            sleep(POLL_S)

    def request(self, item: str) -> dict[str, Any] | None:
        entry: dict[str, Any] | None = self._get(f"/enroll/{item}")
        return entry

    def seats(self, course_id: int) -> dict[str, Any]:
        seats = self._get(f"/courses/{course_id}/seats")
        if seats is None:
            raise TrialError(f"course {course_id} is gone, and students are enrolled in it")
        return dict(seats)

    def history(self, course_id: int) -> list[dict[str, Any]]:
        entries: list[dict[str, Any]] = []
        while True:
            page = self._get(f"/enroll/course/{course_id}?limit={PAGE}&offset={len(entries)}") or []
            entries += page
            if len(page) < PAGE:
                return entries

    def _get(self, path: str) -> Any:
        """The JSON answer; None for 404."""
        problem = ""
        for _ in range(ATTEMPTS):
            try:
                answer = self._client.get(path)
            except httpx.HTTPError as error:
                problem = type(error).__name__
                continue
            if answer.status_code == HTTPStatus.NOT_FOUND:
                return None
            if answer.status_code == HTTPStatus.OK:
                return answer.json()
            problem = f"status {answer.status_code}"
        raise TrialError(f"GET {path.partition('?')[0]} failed {ATTEMPTS} times ({problem})")
