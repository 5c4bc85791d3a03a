"""Deciding a batch of requests: one look-up of students, one reservation of seats, one statement for the outcomes."""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from uuid import UUID

from app.enrollment import repository as requests_repository
from app.enrollment.clients import Peers, SeatWanted
from app.enrollment.decisions import Decision, decide, failed
from app.enrollment.messages import Kind, Message
from app.enrollment.worker import repository
from app.enrollment.worker.repository import Request
from app.kit.database import Database
from app.kit.metrics import Metrics

log = logging.getLogger(__name__)

LAG_BUCKETS_S = (0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0, 300.0)


@dataclass(frozen=True)
class Batch:
    """What messages ask for, each thing once."""

    decide: frozenset[UUID] = field(default_factory=frozenset)
    release: frozenset[UUID] = field(default_factory=frozenset)
    fail: frozenset[UUID] = field(default_factory=frozenset)
    """Requests whose messages are dead letters."""
    request_ids: Mapping[UUID, str] = field(default_factory=dict)
    """The HTTP requests that asked for the decisions, as far as the messages tell."""

    @classmethod
    def of(cls, messages: Sequence[tuple[Message, bool, str | None]]) -> Batch:
        """The batch that these messages make; True marks a dead letter, and the HTTP request follows."""
        return cls(
            decide=frozenset(item.enrollment_id for item, dead, _ in messages if item.kind is Kind.DECIDE and not dead),
            # A dead letter about a release is simply tried again: seats must not be lost.
            release=frozenset(item.enrollment_id for item, _, _ in messages if item.kind is Kind.RELEASE),
            fail=frozenset(item.enrollment_id for item, dead, _ in messages if item.kind is Kind.DECIDE and dead),
            request_ids={item.enrollment_id: request_id for item, _, request_id in messages if request_id and item.kind is Kind.DECIDE},
        )


class BatchHandler:
    """Carries out batches, also several at once; may be called any number of times with the same messages."""

    def __init__(self, database: Database, peers: Peers, metrics: Metrics) -> None:
        self._database = database
        self._peers = peers
        self._outcomes = metrics.counter("decisions", "outcomes stored", "outcome", "reason")
        self._lag_s = metrics.histogram("decision_lag_seconds", "time from the acceptance of a request to its outcome", LAG_BUCKETS_S)

    def handle(self, batch: Batch) -> None:
        """Return when everything that the messages ask for is stored, so that they can be acknowledged.

        Raises:
            UnavailableError: a dependency is away; the same batch may be handled again later.
            OverloadedError: no database connection is free; the same.
            PeerRefusedError: a message asks for something that a peer refuses.
        """
        handled = batch.decide | batch.fail
        found = repository.requests(self._database, handled) if handled else {}
        pending = [found[key] for key in batch.decide - batch.fail if key in found and found[key].pending]
        self._give_up_seats(batch.release, {request.course_id for request in pending})
        decisions = self._decide(pending) + [failed(key) for key in batch.fail]
        if handled:
            self._tell(batch, decisions, repository.store(self._database, decisions, handled))

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
        due = repository.seats_due(self._database, enrollment_ids, course_ids)
        if due:
            self._peers.release(due)
            self._database.write(lambda session: requests_repository.seats_released(session, [key for key, _ in due]))

    def _tell(self, batch: Batch, decisions: Sequence[Decision], stored: Mapping[UUID, float]) -> None:
        """One log line a batch: a line for each decision would cost as much as the decision."""
        effective = [decision for decision in decisions if decision.enrollment_id in stored]
        for decision in effective:
            self._outcomes.labels(decision.status, decision.reason or "").inc()
            self._lag_s.observe(stored[decision.enrollment_id])
        if effective:
            decided = [
                {
                    "enrollment_id": str(decision.enrollment_id),
                    "request_id": batch.request_ids.get(decision.enrollment_id),
                    "outcome": decision.status,
                    "reason": decision.reason,
                }
                for decision in effective
            ]
            log.info("requests for enrolment decided", extra={"decided": decided})
