"""Accepting requests for enrolment: many at once in one transaction, which is on disk before anybody is told 202."""

from __future__ import annotations

import logging
from collections.abc import Collection, Sequence
from typing import Protocol
from uuid import UUID, uuid4

from prometheus_client import Histogram

from app.enrollment import repository
from app.enrollment.errors import AlreadyEnrolledError, IdempotencyKeyReusedError
from app.enrollment.messages import Task
from app.enrollment.repository import NewRequest, StoredRequest
from app.enrollment.schemas import Accepted, EnrollBody
from app.kit.batching import Batcher
from app.kit.database import Database
from app.kit.delivery import delivery_key
from app.kit.errors import OverloadedError, ProblemError, UnavailableError
from app.kit.logging import request_id
from app.kit.metrics import Metrics
from app.kit.work import Work

log = logging.getLogger(__name__)

BATCH_SIZES = (1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 1024)


class Tasks(Protocol):
    """Who publishes the tasks of accepted requests."""

    @property
    def ready(self) -> bool:
        """Whether tasks that are given to it would be published now."""
        ...

    def take(self, tasks: Sequence[Task]) -> None:
        """Publish these, which nobody else will before their lease ends."""
        ...

    def wake(self) -> None:
        """There are new tasks for anybody in the outbox."""
        ...


class Acceptance:
    """The use case of POST /enroll, the same for its fast and its slow way; used from the event loop."""

    def __init__(
        self,
        database: Database,
        work: Work,
        tasks: Tasks,
        metrics: Metrics,
        *,
        largest_batch: int,
        queue_limit: int,
        wait_limit_s: float,
    ) -> None:
        self._database = database
        self._work = work
        self._tasks = tasks
        self._batcher: Batcher[NewRequest, Accepted] = Batcher(
            self._store, largest=largest_batch, queue_limit=queue_limit, wait_limit_s=wait_limit_s
        )
        self._sizes: Histogram = metrics.histogram("accept_batch_size", "requests for enrolment stored by one transaction", BATCH_SIZES)

    async def accept(self, body: EnrollBody, idempotency_key: str | None, delivered_request_id: str | None) -> Accepted:
        """Take the request to be decided later.

        The same Idempotency-Key with the same body gives the same answer: the same request, or the same refusal. Without one, the
        request id of the gateway tells a second delivery from a second request.

        Raises:
            AlreadyEnrolledError: the student has an active request for the course, or had one when the key came first.
            IdempotencyKeyReusedError: the key belongs to a request with another body.
            OverloadedError: too many requests wait to be stored; this one is not.
            UnavailableError: the database is away. The request may be stored all the same: sent again with its key it is the same one.
        """
        if idempotency_key is not None:
            key: str | None = f"key:{idempotency_key}"
        else:
            delivery = delivery_key(delivered_request_id, body)
            key = None if delivery is None else f"delivery:{delivery}"  # apart from the keys that clients choose
        try:
            return await self._batcher.submit(NewRequest(uuid4(), body.student_id, body.course_id, key, request_id.get()))
        except UnavailableError as error:  # what was logged of its batch belongs to no single request
            log.warning("a request for enrolment could not be stored", extra={"error": error.detail})
            raise

    async def _store(self, batch: Sequence[NewRequest]) -> list[Accepted | ProblemError]:
        leased = self._tasks.ready
        tasks, results = await self._work.run(lambda: self._store_now(batch, leased=leased))
        if leased:
            self._tasks.take(tasks)
        else:
            self._tasks.wake()
        self._sizes.observe(len(batch))
        if tasks:
            accepted = [{"enrollment_id": str(task.enrollment_id), "request_id": task.request_id} for task in tasks]
            log.info("requests for enrolment accepted", extra={"accepted": accepted})
        return results

    def _store_now(self, batch: Sequence[NewRequest], *, leased: bool) -> tuple[list[Task], list[Accepted | ProblemError]]:
        tasks = repository.accept(self._database, batch, leased=leased)
        accepted = {task.enrollment_id for task in tasks}
        refused = [request for request in batch if request.id not in accepted]
        if not refused:
            return tasks, [Accepted(id=request.id) for request in batch]
        keys = [request.idempotency_key for request in refused if request.idempotency_key is not None]
        try:
            earlier = repository.known(self._database, [request.id for request in refused], keys)
        except (UnavailableError, OverloadedError) as error:  # the others are stored, and must hear it
            return tasks, [Accepted(id=request.id) if request.id in accepted else error for request in batch]
        return tasks, outcomes(batch, accepted, earlier)


def outcomes(batch: Sequence[NewRequest], accepted: Collection[UUID], earlier: Sequence[StoredRequest]) -> list[Accepted | ProblemError]:
    """What became of each request, given which of them were stored and what was there under the ids and keys of the others; pure.

    A request that was not stored but is there under its own id was stored by a first attempt at the transaction, whose answer got lost.
    """
    stored = {*accepted, *(request.id for request in earlier if request.accepted)}
    by_key = {request.idempotency_key: request for request in earlier if request.idempotency_key is not None}
    return [_outcome(request, stored, by_key) for request in batch]


def _outcome(request: NewRequest, stored: Collection[UUID], by_key: dict[str, StoredRequest]) -> Accepted | ProblemError:
    if request.id in stored:
        return Accepted(id=request.id)
    same_key = by_key.get(request.idempotency_key) if request.idempotency_key is not None else None
    if same_key is None:
        return AlreadyEnrolledError(request.student_id, request.course_id)
    if (same_key.student_id, same_key.course_id) != (request.student_id, request.course_id):
        return IdempotencyKeyReusedError()
    return Accepted(id=same_key.id) if same_key.accepted else AlreadyEnrolledError(request.student_id, request.course_id)
