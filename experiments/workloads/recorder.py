"""What happened to each request: in columns by the schedule's rows, written once after the load, and in the history as it happens."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from time import monotonic
from typing import Any, Final

import pyarrow as pa
import pyarrow.parquet as pq

from experiments.definition import Operation
from experiments.records.journal import Journal
from experiments.records.schema import REQUEST_SCHEMA, Outcome
from experiments.workloads.answers import Ending, answer_outcome, ending, failure_outcome, told
from experiments.workloads.arrival import Arrival

DIGITS: Final = 6
"""Microseconds, of times in the history."""


@dataclass(slots=True)
class Request:
    """One request that was sent: the scheduled one of its row, or one that follows from how that went."""

    row: int
    operation: Operation
    is_scheduled: bool
    foreseen: frozenset[int]
    """Statuses beyond the contract's that this very request may get."""
    ending: Ending | None = None


class Recorder:
    """Listens to Locust's request event; Locust's own statistics round to two digits and know no intended time."""

    def __init__(self, arrivals: Sequence[Arrival], epoch_s: float, history: Journal) -> None:
        self._arrivals = arrivals
        self._epoch_s = epoch_s
        self._history = history
        count = len(arrivals)
        self._sent_s = [math.nan] * count
        self._ended_s = [math.nan] * count
        self._outcome: list[str | None] = [None] * count
        self._status: list[int | None] = [None] * count
        self._replica: list[str | None] = [None] * count
        self._cache: list[str | None] = [None] * count
        self._enrollment_id: list[str | None] = [None] * count
        self._later_id: dict[int, str] = {}
        """Ids of rows whose request was sent again, since the first sending gave none."""
        self._latest_enrollment_id: str | None = None

    def own_enrollment_id(self, row: int) -> str | None:
        """The id that the request of that row was given, if it was."""
        return self._enrollment_id[row] or self._later_id.get(row)

    def enrollment_id(self, row: int) -> str | None:
        """The same, else the latest of any request, else None."""
        return self.own_enrollment_id(row) or self._latest_enrollment_id

    def made(
        self,
        row: int,
        operation: Operation,
        asked: Mapping[str, Any],
        *,
        is_scheduled: bool = True,
        foreseen: frozenset[int] = frozenset(),
    ) -> Request:
        """A request is being made; ``asked`` are the fields of its invocation in the history, which comes before it leaves."""
        now_s = monotonic() - self._epoch_s
        self._history.append_values({"type": "invoke", "at_s": round(now_s, DIGITS), "process": row, "f": operation.value, **asked})
        return Request(row, operation, is_scheduled, foreseen)

    def leaves(self, request: Request) -> None:
        """A request leaves now: what follows is service time, and what the generator took for it until now is slip if it is late."""
        if request.is_scheduled:
            self._sent_s[request.row] = monotonic() - self._epoch_s

    def answered(self, *, context: dict[str, Any], response: Any, exception: BaseException | None, **_: object) -> None:
        """Listener of Locust's ``request`` event; ``context`` has the request."""
        request: Request = context["request"]
        now_s = monotonic() - self._epoch_s
        status: int | None = None if exception is not None else response.status_code
        facts: dict[str, Any] = {}
        if exception is not None:
            outcome = failure_outcome(exception)
        else:
            assert status is not None  # noqa: S101 - for mypy: there is a response where there is no exception
            facts = told(request.operation, status, response.content, is_known=not request.foreseen)
            outcome = answer_outcome(request.operation, status, request.foreseen)
        request.ending = ending(request.operation, status, facts)
        if request.ending == "unknown" and outcome == Outcome.OK:  # a 202 that can't be followed up
            outcome = Outcome.HTTP_ERROR.value
        replica = None if status is None else response.headers.get("x-replica")
        cache = None if status is None else response.headers.get("x-cache")
        enrollment_id = facts.get("enrollment")
        if enrollment_id is not None:
            self._latest_enrollment_id = enrollment_id
        row = request.row
        if request.is_scheduled:
            self._ended_s[row], self._outcome[row], self._status[row] = now_s, outcome, status
            self._replica[row], self._cache[row], self._enrollment_id[row] = replica, cache, enrollment_id
        elif enrollment_id is not None:
            self._later_id[row] = enrollment_id
        seen = {"http": status, "error": outcome if status is None else None, "replica": replica, "cache": cache}
        self._history.append_values(
            {"type": request.ending, "at_s": round(now_s, DIGITS), "process": row, "f": request.operation.value}
            | {name: value for name, value in seen.items() if value is not None}
            | facts
        )

    def table(self) -> pa.Table:
        """One row for each request that was sent (REQUEST_SCHEMA); one that got no answer until now has timed out."""
        now_s = monotonic() - self._epoch_s
        rows = [row for row, sent_s in enumerate(self._sent_s) if not math.isnan(sent_s)]
        columns = {
            "intended_s": [self._arrivals[row].intended_s for row in rows],
            "sent_s": [self._sent_s[row] for row in rows],
            "ended_s": [now_s if self._outcome[row] is None else self._ended_s[row] for row in rows],
            "phase": [self._arrivals[row].phase for row in rows],
            "operation": [self._arrivals[row].operation.value for row in rows],
            "outcome": [self._outcome[row] or Outcome.TIMEOUT.value for row in rows],
            "status": [self._status[row] for row in rows],
            "replica": [self._replica[row] for row in rows],
            "cache": [self._cache[row] for row in rows],
            "enrollment_id": [self._enrollment_id[row] for row in rows],
        }
        return pa.table(columns, schema=REQUEST_SCHEMA)

    def write(self, path: Path) -> None:
        """Write :meth:`table` to a Parquet file, whole or not at all."""
        partial = path.with_name(f".{path.name}.partial")
        pq.write_table(self.table(), partial)
        partial.replace(path)
