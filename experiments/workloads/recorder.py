"""What happened to each request, in columns by the schedule's rows; classified here and written once, after the load."""

from __future__ import annotations

import json
import math
from collections.abc import Sequence
from http import HTTPStatus
from pathlib import Path
from time import monotonic
from typing import Any, Final

import gevent
import pyarrow as pa
import pyarrow.parquet as pq

from experiments.definition import Operation
from experiments.records.schema import REQUEST_SCHEMA, Outcome
from experiments.workloads.arrival import Arrival

FORESEEN: Final = {Operation.ENROLL: frozenset({HTTPStatus.CONFLICT})}
"""Answers beyond 2xx that the contract foresees for a correct request: 409, already enrolled."""


class Recorder:
    """Listens to Locust's request event; Locust's own statistics round to two digits and know no intended time."""

    def __init__(self, arrivals: Sequence[Arrival], epoch_s: float) -> None:
        self._arrivals = arrivals
        self._epoch_s = epoch_s
        count = len(arrivals)
        self._sent_s = [math.nan] * count
        self._ended_s = [math.nan] * count
        self._outcome: list[str | None] = [None] * count
        self._status: list[int | None] = [None] * count
        self._replica: list[str | None] = [None] * count
        self._cache: list[str | None] = [None] * count
        self._enrollment_id: list[str | None] = [None] * count
        self._latest_enrollment_id: str | None = None

    def enrollment_id(self, row: int) -> str | None:
        """The id that the request of that row was given, else the latest of any request, else None."""
        return self._enrollment_id[row] or self._latest_enrollment_id

    def sent(self, row: int) -> None:
        """The request of that row is about to be sent."""
        self._sent_s[row] = monotonic() - self._epoch_s

    def answered(self, *, context: dict[str, Any], response: Any, exception: BaseException | None, **_: object) -> None:
        """Listener of Locust's ``request`` event; ``context`` has the row and statuses that this very request may get."""
        row: int = context["row"]
        self._ended_s[row] = monotonic() - self._epoch_s
        if exception is not None:
            self._outcome[row] = failure_outcome(exception)
            return
        status: int = response.status_code
        operation = self._arrivals[row].operation
        self._status[row] = status
        self._outcome[row] = answer_outcome(operation, status, context["foreseen"])
        self._replica[row] = response.headers.get("x-replica")
        self._cache[row] = response.headers.get("x-cache")
        if operation is Operation.ENROLL and status == HTTPStatus.ACCEPTED:
            given = accepted_id(response.content)
            if given is None:
                self._outcome[row] = Outcome.HTTP_ERROR.value
            else:
                self._latest_enrollment_id = self._enrollment_id[row] = given

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


def answer_outcome(operation: Operation, status: int, foreseen: frozenset[int] = frozenset()) -> str:
    """OK for what the contract foresees: 2xx, FORESEEN for the operation, and what is foreseen for this very request."""
    is_ok = status // 100 == HTTPStatus.OK // 100 or status in FORESEEN.get(operation, ()) or status in foreseen
    return (Outcome.OK if is_ok else Outcome.HTTP_ERROR).value


def accepted_id(content: bytes) -> str | None:
    """The id in the body of a 202; None where it breaks the contract and has none."""
    try:
        return str(json.loads(content)["id"])
    except (ValueError, KeyError, TypeError):
        return None


def failure_outcome(error: BaseException) -> str:
    """TIMEOUT where there was no answer in time, else CONNECTION_ERROR."""
    # The HTTP library wraps the timeout that ended its waiting.
    cause = getattr(error, "original", error)
    return (Outcome.TIMEOUT if isinstance(cause, (gevent.Timeout, TimeoutError)) else Outcome.CONNECTION_ERROR).value
