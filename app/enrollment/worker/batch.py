"""Deciding a batch of requests: one look-up of students, one reservation of seats, one transaction for the outcomes."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import dataclass, field
from uuid import UUID

from app.enrollment import repository
from app.enrollment.clients import Peers, SeatWanted
from app.enrollment.decisions import Decision, decide, failed
from app.enrollment.messages import Kind, Message
from app.enrollment.repository import Request
from app.kit.database import Database
from app.kit.metrics import Metrics

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Batch:
    """What messages ask for, each thing once."""

    decide: frozenset[UUID] = field(default_factory=frozenset)
    release: frozenset[UUID] = field(default_factory=frozenset)
    fail: frozenset[UUID] = field(default_factory=frozenset)
    """Requests whose messages are dead letters."""

    @classmethod
    def of(cls, messages: Sequence[tuple[Message, bool]]) -> Batch:
        """The batch that these messages make; True marks a dead letter."""
        ids = {
            "decide": {message.enrollment_id for message, dead in messages if message.kind is Kind.DECIDE and not dead},
            # A dead letter about a release is simply tried again: seats must not be lost.
            "release": {message.enrollment_id for message, _ in messages if message.kind is Kind.RELEASE},
            "fail": {message.enrollment_id for message, dead in messages if message.kind is Kind.DECIDE and dead},
        }
        return cls(**{name: frozenset(found) for name, found in ids.items()})


class BatchHandler:
    """Carries out batches; may be called any number of times with the same messages."""

    def __init__(self, database: Database, peers: Peers, metrics: Metrics) -> None:
        self._database = database
        self._peers = peers
        self._outcomes = metrics.counter("decisions", "outcomes stored", "outcome", "reason")

    def handle(self, batch: Batch) -> None:
        """Return when everything that the messages ask for is stored, so that they can be acknowledged.

        Raises:
            UnavailableError: a dependency is away; the same batch may be handled again later.
            PeerRefusedError: a message asks for something that a peer refuses.
        """
        found = self._database.read(lambda session: repository.requests(session, batch.decide | batch.fail))
        pending = [found[key] for key in batch.decide - batch.fail if key in found and found[key].pending]
        self._give_up_seats(batch.release, {request.course_id for request in pending})
        decisions = self._decide(sorted(pending, key=lambda request: request.enrollment_id)) + [failed(key) for key in batch.fail]
        handled = batch.decide | batch.fail
        if handled:
            stored = self._database.write(lambda session: repository.store(session, decisions, handled))
            for decision in stored:
                self._outcomes.labels(decision.status, decision.reason or "").inc()

    def _decide(self, pending: Sequence[Request]) -> list[Decision]:
        if not pending:
            return []
        students = self._peers.students([request.student_id for request in pending])
        wanted = [SeatWanted(item.enrollment_id, item.course_id, item.student_id, students.get(item.student_id)) for item in pending]
        seats = self._peers.reserve(wanted)
        return [decide(request.enrollment_id, seats[request.enrollment_id]) for request in pending]

    def _give_up_seats(self, enrollment_ids: frozenset[UUID], course_ids: set[int]) -> None:
        """Those asked for, and all that are due of courses about to be decided on: no request may find a dropped seat taken."""
        if not enrollment_ids and not course_ids:
            return
        due = self._database.read(lambda session: repository.seats_due(session, enrollment_ids, course_ids))
        if due:
            self._peers.release(due)
            self._database.write(lambda session: repository.seats_released(session, [key for key, _ in due]))
